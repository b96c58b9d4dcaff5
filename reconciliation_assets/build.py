"""Builds the asset graph, for production, tests and notebooks."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import dagster as dg

from reconciliation_assets.chain.assets import chain_assets, reporting_days
from reconciliation_assets.chain.documentation import columns_of, definition_of, group_of
from reconciliation_assets.chain.installation import Installation
from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.operations.jobs import daily_reconciliation, meta_insights_history
from reconciliation_assets.operations.schedules import daily_schedule
from reconciliation_assets.operations.sensors import alert_sensors, exception_digests, new_files_in_inbox
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.publish.assets import published_copy, reports, restricted_contacts
from reconciliation_assets.publish.copy import first_reporting_day
from reconciliation_assets.settings import Settings, load_settings
from reconciliation_assets.sources.meta_insights import RETENTION
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore

# The job runs every morning, so an asset older than a day and some hours missed a run; published tables warn first.
_MISSED_A_MORNING = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30))
FRESHNESS = {
    **dict.fromkeys(
        ("raw", "canonical", "matching", "outcomes", "views", "bridge", "governance", "decisions", "feedback"),
        _MISSED_A_MORNING,
    ),
    "publish": dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
}


def build_defs(*, loggers: Mapping[str, dg.LoggerDefinition] | None = None) -> dg.Definitions:
    """The asset graph of the installation configured by the environment.

    Args:
        loggers: loggers of a run; by default Dagster's own.

    Raises:
        PolicyError: the policy file cannot be used.
        Misconfigured: the sources file cannot be used.
    """
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    connectors = (
        load_connectors(settings.sources_path, FileTokenStore(settings.tokens_dir), policy)
        if settings.sources_path
        else []
    )
    days = _reporting_days(settings, policy)
    made = [*chain_assets(checks_by_table(), connectors, days), published_copy(), reports, restricted_contacts]
    documented = partial(_documented, docs_url=settings.docs_url, contacts=policy.owners.contacts)
    assets = [asset.map_asset_specs(lambda spec: documented(_promised_fresh(spec))) for asset in made]
    return dg.Definitions(
        assets=assets,
        jobs=[daily_reconciliation, meta_insights_history],
        schedules=[daily_schedule(policy.zone, policy.schedule.daily_at)],
        sensors=[
            new_files_in_inbox,
            exception_digests,
            *alert_sensors(key for asset in assets for key in asset.check_keys),
        ],
        resources={"installation": Installation(database=str(settings.warehouse_path))},
        executor=dg.in_process_executor,
        loggers=loggers,
    )


def _reporting_days(settings: Settings, policy: Policy) -> dg.DailyPartitionsDefinition:
    """The reporting days from the first day of the published copy; without a copy, from Meta's oldest available insights."""
    last = (settings.as_of.astimezone(policy.timezone) - timedelta.resolution).date()
    first = first_reporting_day(settings.published_path) or last - RETENTION
    return reporting_days(first, max(first, last) if settings.is_as_of_fixed else None, policy.zone)


def _promised_fresh(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The asset with the freshness policy of its layer."""
    promised = FRESHNESS.get(spec.tags.get("layer", ""))
    return dg.apply_freshness_policy(spec, promised) if promised else spec


def _documented(spec: dg.AssetSpec, docs_url: str | None, contacts: Mapping[str, str]) -> dg.AssetSpec:
    """The asset in its UI group, with links to its definition and to its owner's contact."""
    name, layer = spec.key.to_user_string(), spec.tags.get("layer", "")
    pages = {"definition": definition_of(name, layer), "columns explained": columns_of(name)}
    teams = [owner.removeprefix("team:") for owner in spec.owners]
    page = pages["definition"]
    read_on = f"[{page}]({docs_url.rstrip('/')}/{page})" if docs_url else f"`{page}`"
    return spec.replace_attributes(
        group_name=group_of(name, layer), description=f"{spec.description}\n\nDefined in {read_on}."
    ).merge_attributes(
        metadata={
            **{title: _page(page, docs_url) for title, page in pages.items() if page},
            **{f"ask {team}": dg.MetadataValue.url(contacts[team]) for team in teams if team in contacts},
        }
    )


def _page(page: str, docs_url: str | None) -> dg.MetadataValue[str | None]:
    if docs_url:
        return dg.MetadataValue.url(f"{docs_url.rstrip('/')}/{page}")
    return dg.MetadataValue.path(page)
