"""Running it: jobs, the daily schedule, sensors, alerts, and one run from the command line."""
