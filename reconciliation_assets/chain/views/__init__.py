"""Views: the platform, the funnel and the collected money, each with its own meaning, and the two numbers compared."""
