"""Pulls: what the outside systems have new, landed whole or not at all, one asset per configured source.

A source that cannot be reached never stops the others: its check says what happened and what to do, and the chain goes
on with what was landed before.
"""

import dagster as dg

from reconciliation_assets.chain.installation import Installation
from reconciliation_assets.chain.raw.landing import land_pull, last_pull
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.sources.connector import Connector, Window
from reconciliation_assets.sources.errors import SchemaDrift, SourceError


def pull_name(connector: Connector) -> str:
    """The asset that pulls a source."""
    return f"pull_{connector.name}"


def pull_asset(connector: Connector) -> dg.AssetsDefinition:
    """The asset that pulls one source: the window since its last pull, less the overlap, up to the instant the run speaks for."""
    name = pull_name(connector)

    @dg.asset(
        name=name,
        group_name="sources",
        kinds={"api"},
        owners=["team:data"],
        tags={"layer": "sources"},
        description=(
            f"What `{connector.name}` has new, for {', '.join(connector.tables)}. The last "
            f"{connector.overlap.days} days are read again, since late changes reach back that far. A pull lands whole, "
            "together with its cursor, or not at all."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "reached", asset=name, description="The source answered with everything it was asked for."
            ),
            dg.AssetCheckSpec(
                "shape", asset=name, description="Every field the connector relies on is there, and of its type."
            ),
            dg.AssetCheckSpec(
                "not_empty", asset=name, description="The source is not empty where its last pull brought rows."
            ),
        ],
    )
    def pull(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        opened = installation.now
        last = last_pull(opened.warehouse, connector.name)
        until = opened.as_of
        window = Window(last[0] - connector.overlap if last else None, until)
        try:
            batches = list(connector.pull(window))
        except SourceError as problem:
            context.log.warning("%s", problem)
            failed = "shape" if isinstance(problem, SchemaDrift) else "reached"
            return dg.MaterializeResult(
                metadata={"rows": 0, "pulled until": last[0].isoformat() if last else "never"},
                check_results=[
                    _told(check, passed=check != failed, message=str(problem) if check == failed else "")
                    for check in ("reached", "shape", "not_empty")
                ],
            )
        rows = land_pull(
            opened.warehouse,
            connector.name,
            batches,
            [INPUT_TABLE[table] for table in connector.tables],
            until,
            opened.protector,
            opened.loaded_policy.policy.zone_of,
        )
        fell_silent = not rows and last is not None and last[1] > 0
        silence = (
            f"{connector.name} answered with no rows, where its last pull brought {last[1]:,}. Look in the system itself "
            "whether there are any; if so, its permissions or filters changed."
            if fell_silent and last
            else ""
        )
        return dg.MaterializeResult(
            metadata={"rows": rows, "pulled until": until.isoformat()},
            check_results=[
                _told("reached", passed=True),
                _told("shape", passed=True),
                _told("not_empty", passed=not fell_silent, message=silence),
            ],
        )

    return pull


def _told(name: str, *, passed: bool, message: str = "") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN, description=message or None
    )
