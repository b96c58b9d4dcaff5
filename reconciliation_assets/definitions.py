"""The module that Dagster loads: the asset graph of the installation configured by the environment."""

from reconciliation_assets.build import build_defs

defs = build_defs()
