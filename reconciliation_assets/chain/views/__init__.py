"""Views: the platform, the funnel and the collected money, each with its own meaning, then the two numbers side by side."""
