"""The one place where the graph is put together, for production, tests and notebooks alike."""

from collections.abc import Mapping

import dagster as dg

from reconciliation_assets.chain.assets import chain_assets
from reconciliation_assets.chain.installation import Installation
from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.operations.jobs import daily_reconciliation, meta_insights_history
from reconciliation_assets.operations.schedules import daily_schedule
from reconciliation_assets.operations.sensors import alert_sensors, new_files_in_inbox
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.assets import published_copy, reports
from reconciliation_assets.settings import load_settings
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore


def build_defs(*, loggers: Mapping[str, dg.LoggerDefinition] | None = None) -> dg.Definitions:
    """The graph of the installation that the environment names.

    Args:
        loggers: how a run tells what it does; Dagster's own where none are given.

    Raises:
        PolicyError: the policy file cannot be used.
        Misconfigured: the sources file cannot be used.
    """
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    connectors = (
        load_connectors(settings.sources_path, FileTokenStore(settings.tokens_dir)) if settings.sources_path else []
    )
    assets = [*chain_assets(checks_by_table(), connectors), published_copy, reports]
    return dg.Definitions(
        assets=assets,
        jobs=[daily_reconciliation, meta_insights_history],
        schedules=[daily_schedule(policy.zone)],
        sensors=[new_files_in_inbox, *alert_sensors(key for asset in assets for key in asset.check_keys)],
        resources={"installation": Installation(database=str(settings.warehouse_path))},
        executor=dg.in_process_executor,
        loggers=loggers,
    )


defs = build_defs()
