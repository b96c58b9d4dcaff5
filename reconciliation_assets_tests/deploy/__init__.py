"""The deployment files, each against the real thing."""
