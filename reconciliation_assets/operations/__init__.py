"""Running unattended: jobs, the daily schedule, sensors, alerts, and the Dagster instance."""
