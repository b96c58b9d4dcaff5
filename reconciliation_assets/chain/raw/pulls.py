"""Pulls: new records of outside systems, landed in one transaction; one asset per configured source.

A source that cannot be reached never stops the others: its check says what happened and what to do, and the chain continues
with the records landed before.
"""

from collections import Counter
from datetime import datetime, timedelta

import dagster as dg

from reconciliation_assets.chain.installation import Installation, OpenInstallation
from reconciliation_assets.chain.raw.landing import land_pull, last_pull
from reconciliation_assets.chain.raw.pull_cadence import pull_cadence, why_empty_is_suspicious, why_stale
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.errors import without_values
from reconciliation_assets.sources.connector import Connector, Window
from reconciliation_assets.sources.errors import (
    ExpiredCredentials,
    MissingPermission,
    RateLimited,
    SchemaDrift,
    SourceError,
)
from reconciliation_assets.warehouse.protocol import Ledger

CHECKS = {
    "reached": "The source answered with everything it was asked for.",
    "credentials": "The source accepts the token or key.",
    "permission": "The credentials may read everything the connector needs.",
    "within_limit": "The source's rate limit did not outlast the run.",
    "shape": "Every field the connector relies on is there, and of its type.",
    "complete": "What the source's records add up to is what the source itself says of the whole.",
    "not_empty": "The source is not empty where by its own rhythm it should have rows.",
    "fresh": "The source's newest record is not too old.",
}
"""Checks of a pull: one for each kind of problem with its own remedy."""

_CHECK_OF: dict[type[SourceError], str] = {
    ExpiredCredentials: "credentials",
    MissingPermission: "permission",
    RateLimited: "within_limit",
    SchemaDrift: "shape",
}


def pull_name(connector: Connector) -> str:
    """Name of the asset that pulls a source."""
    return f"pull_{connector.name}"


def next_window(warehouse: Ledger, connector: Connector, until: datetime) -> Window:
    """The next window to pull: from the end of the last pull, less the overlap; everything if there was none."""
    last = last_pull(warehouse, connector.name)
    return Window(last[0] - connector.overlap if last else None, until)


def pull_asset(connector: Connector) -> dg.AssetsDefinition:
    """The asset that pulls one source: from the end of its last pull, less the overlap, up to the run's as-of time."""
    name = pull_name(connector)
    tables = [INPUT_TABLE[table] for table in connector.tables]

    @dg.asset(
        name=name,
        kinds={"api"},
        owners=["team:data"],
        tags={"layer": "sources"},
        description=(
            f"What `{connector.name}` has new, for {', '.join(connector.tables)}. The last "
            f"{connector.overlap.days} days are read again, since late changes reach back that far. A pull lands whole, "
            "together with its cursor, or not at all."
        ),
        check_specs=[
            dg.AssetCheckSpec(check, asset=name, description=description) for check, description in CHECKS.items()
        ],
    )
    @without_values()
    def pull(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        opened = installation.now
        last = last_pull(opened.ledger, connector.name)
        window = next_window(opened.ledger, connector, opened.as_of)
        before = pull_cadence(opened.ledger, connector.name, tables, window)
        failures: dict[str, str] = {}
        rows, pulled_until = 0, last[0] if last else None
        passed_over: Counter[str] = Counter()
        try:
            batches = list(connector.pull(window))
        except SourceError as problem:
            context.log.warning("%s", problem)
            failures[_CHECK_OF.get(type(problem), "reached")] = str(problem)
        else:
            rows = land_pull(
                opened.ledger,
                connector.name,
                batches,
                tables,
                window.until,
                opened.protector,
                opened.loaded_policy.policy.zone_of,
            )
            pulled_until = window.until
            for batch in batches:
                passed_over.update(batch.passed_over)
            if doubts := [doubt for batch in batches for doubt in batch.doubts]:
                failures["complete"] = f"{connector.name}: {'; '.join(doubts)}."
            if not rows and (suspicion := why_empty_is_suspicious(before, window)):
                failures["not_empty"] = (
                    f"{connector.name} answered with no rows, but {suspicion}. Look in the system itself whether there are "
                    "any; if so, its permissions or filters changed."
                )
        after = pull_cadence(opened.ledger, connector.name, tables, window)
        if stale := why_stale(after, window.until, _silent_after(connector, opened)):
            failures["fresh"] = (
                f"{connector.name} may have fallen silent: {stale}. If business went on, look whether records still reach "
                "the system; if pauses like this are usual, raise silent_after_days of this source."
            )
        return dg.MaterializeResult(
            metadata={
                "rows": rows,
                "pulled until": pulled_until.isoformat() if pulled_until else "never",
                "passed over": "; ".join(f"{because}: {records}" for because, records in passed_over.items())
                or "nothing",
                "newest record": after.newest.isoformat() if after.newest else "none",
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=check,
                    passed=check not in failures,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=failures.get(check),
                )
                for check in CHECKS
            ],
        )

    return pull


def _silent_after(connector: Connector, opened: OpenInstallation) -> timedelta:
    return connector.silent_after or timedelta(days=opened.loaded_policy.policy.thresholds.source_silent_days)
