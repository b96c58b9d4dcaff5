"""What Dagster loads: the graph of the installation that the environment names."""

from reconciliation_assets.build import build_defs

defs = build_defs()
