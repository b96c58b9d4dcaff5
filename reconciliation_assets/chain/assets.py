"""The assets of the chain: one per input table, one per SQL file, and one per table made in Python.

A table's upstream assets are read from its parsed SQL, so the graph cannot drift from the code. Its checks run in the
same step, right after it is made, so that a failing blocking check stops everything downstream.
"""

import base64
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.governance.policy_versions import POLICY_VERSIONS, use_policy
from reconciliation_assets.chain.installation import Installation, OpenInstallation
from reconciliation_assets.chain.python_table import PythonTable
from reconciliation_assets.chain.python_tables import python_tables
from reconciliation_assets.chain.queries import queries
from reconciliation_assets.chain.raw.landing import forget, land_inbox
from reconciliation_assets.chain.raw.pulls import pull_asset, pull_name
from reconciliation_assets.chain.raw.stocktaking import INBOX_FILES, take_stock
from reconciliation_assets.chain.raw.versions import raw_table
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.chain.tables import output_tables, tables_read
from reconciliation_assets.contracts.columns import COMMON, meaning_of
from reconciliation_assets.contracts.inputs import INPUT_TABLES, META_INSIGHTS
from reconciliation_assets.contracts.model import InputTable, OutputTable
from reconciliation_assets.errors import without_values
from reconciliation_assets.settings import FIRST_YEAR
from reconciliation_assets.sources.connector import Connector
from reconciliation_assets.warehouse.lineage import Lineage
from reconciliation_assets.warehouse.query import Query, TableName

Checks = Mapping[str, Sequence[TableCheck]]

_OWNER_OF_INPUT = {
    "meta_insights": "marketing",
    "leads": "marketing",
    "crm_records": "sales-operations",
    "crm_stage_changes": "sales-operations",
}
_DAGSTER_SEVERITY = {"ERROR": dg.AssetCheckSeverity.ERROR, "WARN": dg.AssetCheckSeverity.WARN}


class LandingConfig(dg.Config):
    """Run configuration of a raw asset."""

    full_refresh: bool = Field(
        default=False, description="Forget what files landed for the table and read the whole inbox anew."
    )


def reporting_days(first: date, last: date | None, zone: str) -> dg.DailyPartitionsDefinition:
    """The reporting days of Meta's figures, as daily partitions.

    Args:
        first: the first day.
        last: the last day; None for today.
        zone: IANA zone of the policy, in which a day begins.
    """
    end = f"{last + timedelta(days=1)}" if last else None
    return dg.DailyPartitionsDefinition(start_date=f"{first}", end_date=end, timezone=zone, end_offset=1)


def chain_assets(
    checks: Checks, connectors: Sequence[Connector], days: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """All assets of the chain.

    Args:
        checks: the checks of each table.
        connectors: the outside systems that the installation pulls from.
        days: the reporting days of Meta's figures.
    """
    pulls = [pull_asset(connector) for connector in connectors]
    with warnings.catch_warnings():
        # The daily partitions need the single-run backfill policy, which Dagster still marks as beta.
        warnings.simplefilter("ignore", dg.BetaWarning)
        raw = [_raw_asset(table, checks.get(table.raw_asset, ()), connectors, days) for table in INPUT_TABLES]
    computed = [_query_asset(query, checks.get(query.target.name, ())) for query in queries().values()]
    return [
        *pulls,
        _inbox_files(checks.get(INBOX_FILES.name, ())),
        *raw,
        _policy_versions(checks.get("policy_versions", ())),
        *(_python_asset(made, checks.get(made.target.name, ())) for made in python_tables().values()),
        *computed,
    ]


def asset_of(table: TableName) -> dg.AssetKey:
    """The asset that makes a table; a current view belongs to its raw asset, a policy table to `policy_versions`."""
    if table.layer == "current":
        return dg.AssetKey(next(each.raw_asset for each in INPUT_TABLES if each.name == table.name))
    return dg.AssetKey("policy_versions" if table.layer == "policy" else table.name)


def upstream_assets() -> dict[dg.AssetKey, list[dg.AssetKey]]:
    """The computed assets that each computed asset reads; raw assets are left out because they can land at any time."""
    reads = tables_read()
    return {
        asset_of(target): sorted({asset_of(read) for read in read_by if read in reads})
        for target, read_by in reads.items()
    }


def _upstream(query: Query) -> list[dg.AssetKey]:
    """The assets that a query reads; the landing tables belong to all raw assets."""
    records = [table for table in query.reads if table.layer == "raw" and not table.name.startswith("raw_")]
    landings = [dg.AssetKey(table.raw_asset) for table in INPUT_TABLES] if records else []
    return sorted({asset_of(table) for table in query.reads if table not in records} | set(landings))


def _check_specs(asset: str, checks: Sequence[TableCheck]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(check.name, asset=asset, description=check.description, blocking=check.blocking)
        for check in checks
    ]


def _asked(checks: Sequence[TableCheck], opened: RunContext) -> list[dg.AssetCheckResult]:
    return [_check_result(check.name, check.ask(opened)) for check in checks]


def _check_result(name: str, answer: CheckResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=answer.passed,
        severity=_DAGSTER_SEVERITY[answer.severity],
        description=answer.message,
        metadata=answer.figures,
    )


def _table_schema(columns: Mapping[str, str], meanings: Mapping[str, str]) -> dg.TableSchema:
    """A table's columns with their types, meanings and units."""
    return dg.TableSchema(
        [dg.TableColumn(name, kind, description=meanings.get(name)) for name, kind in columns.items()]
    )


def _computed_schema(table: OutputTable, columns: Mapping[str, str]) -> dg.TableSchema:
    return _table_schema(columns, {column: meaning_of(table, column).text for column in columns})


def _raw_schema(table: InputTable, columns: Mapping[str, str]) -> dg.TableSchema:
    ours = {name: meaning.text for name, meaning in COMMON.items()}
    return _table_schema(columns, ours | {column.name: column.description for column in table})


def _plot(
    opened: OpenInstallation, table: str, weights: Sequence[Mapping[str, Any]] = ()
) -> dict[str, dg.MarkdownMetadataValue]:
    # Imported here because the chart library would add a third of a second to every command that loads the graph.
    from reconciliation_assets.chain.plots import PLOTS, match_weights  # noqa: PLC0415

    if table in PLOTS:
        title, plot = "plot", PLOTS[table](opened.warehouse)
    elif weights:
        title, plot = "what each outcome adds", match_weights(weights)
    else:
        return {}
    picture = base64.b64encode(opened.pictures.of(table, plot)).decode()
    return {
        title: dg.MetadataValue.md(plot.text),
        f"{title}, as a picture": dg.MetadataValue.md(f"![{title}](data:image/png;base64,{picture})"),
    }


def _inbox_files(checks: Sequence[TableCheck]) -> dg.AssetsDefinition:
    @dg.asset(
        name=INBOX_FILES.name,
        kinds={"file"},
        owners=["team:data"],
        tags={"layer": "raw"},
        description=(
            "What lies in the inbox and what each file is taken for: by its name, or by its headings through a preset. "
            "Files that are not taken in are named with what they come nearest to.\n\nOne row per file and table it feeds."
        ),
        check_specs=_check_specs(INBOX_FILES.name, checks),
    )
    @without_values()
    def inbox_files(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        opened = installation.now
        known, unknown = opened.inbox
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": take_stock(opened.ledger, known, unknown),
                "files not taken in": ", ".join(file.name for file in unknown) or "none",
            },
            check_results=_asked(checks, opened.at_landing),
        )

    return inbox_files


def _raw_asset(
    table: InputTable,
    checks: Sequence[TableCheck],
    connectors: Sequence[Connector],
    days: dg.DailyPartitionsDefinition,
) -> dg.AssetsDefinition:
    is_daily = table is META_INSIGHTS
    contacts = ", ".join(column.name for column in table.contacts)

    @dg.asset(
        name=table.raw_asset,
        deps=[
            INBOX_FILES.name,
            *(pull_name(connector) for connector in connectors if table.name in connector.tables),
        ],
        kinds={"file", "duckdb"},
        owners=[f"team:{_OWNER_OF_INPUT.get(table.name, 'finance')}"],
        tags={"layer": "raw"},
        description=(
            f"{table.description} As delivered: typed, every version kept, bad rows in quarantine. "
            f"Key: {', '.join(table.key)}." + (f" Stored as protected keys only: {contacts}." if contacts else "")
        ),
        check_specs=_check_specs(table.raw_asset, checks),
        partitions_def=days if is_daily else None,
        backfill_policy=dg.BackfillPolicy.single_run() if is_daily else None,
    )
    @without_values()
    def raw(
        context: dg.AssetExecutionContext, config: LandingConfig, installation: Installation
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        opened = installation.now
        known, _ = opened.inbox
        files = [file for file in known if file.table == table.name]
        if config.full_refresh:
            forget(opened.ledger, table)
        landed = land_inbox(
            opened.ledger,
            table,
            files,
            opened.protector,
            opened.loaded_policy.policy.zone_of(table.name),
            opened.as_of,
        )
        for file in landed:
            context.log.info("%s: %d rows landed, %d in quarantine", file.file, file.rows, file.quarantined)
            for note in file.notes:
                context.log.warning("%s: %s", file.file, note)
        if is_daily and landed:
            _mark_reporting_days(context, opened, min(file.landing_id for file in landed))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": opened.ledger.count(TableName("current", table.name)),
                "dagster/column_schema": _raw_schema(table, opened.ledger.columns(raw_table(table))),
                "rows kept, all versions": opened.ledger.count(raw_table(table)),
                "files": ", ".join(dict.fromkeys(file.name for file in files)) or "none",
                "files landed now": len(landed),
                "notes": "; ".join(f"{file.file}: {note}" for file in landed for note in file.notes) or "none",
                "columns not read": ", ".join(sorted({name for file in landed for name in file.ignored_columns}))
                or "none",
            },
            check_results=_asked(checks, opened.at_landing),
        )

    return raw


def _mark_reporting_days(context: dg.AssetExecutionContext, opened: OpenInstallation, first_landing: int) -> None:
    """Log a materialisation for exactly those reporting days that were just landed; a file can contain many days."""
    days = opened.ledger.rows(
        """
        select cast(date as varchar), count(*) from raw.raw_meta_insights
        where landing_id >= $first_landing and year(date) >= $first_year group by 1 order by 1
        """,
        {"first_landing": first_landing, "first_year": FIRST_YEAR},
    )
    for day, rows in days:
        context.log_event(
            dg.AssetMaterialization("raw_meta_insights", partition=day, metadata={"dagster/partition_row_count": rows})
        )


def _query_asset(query: Query, checks: Sequence[TableCheck]) -> dg.AssetsDefinition:
    table = output_tables()[query.target.name]

    @dg.asset(
        name=query.target.name,
        deps=_upstream(query),
        kinds={"sql", "duckdb"},
        owners=[f"team:{table.owner}"],
        tags={"layer": query.target.layer, **({"published": "yes"} if table.published else {})},
        description=table.meaning,
        check_specs=_check_specs(query.target.name, checks),
    )
    @without_values()
    def computed(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        opened = installation.now
        began = time.perf_counter()
        rows = opened.warehouse.materialise(query, opened.parameters)
        seconds = time.perf_counter() - began
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows,
                "dagster/column_schema": _computed_schema(table, opened.columns_made(query.target)),
                "dagster/column_lineage": _table_lineage(opened.lineage(query)),
                "seconds": round(seconds, 3),
                "policy version": opened.loaded_policy.policy.version,
                **_plot(opened, table.name),
            },
            check_results=_asked(checks, opened),
        )

    return computed


def _table_lineage(lineage: Lineage) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_of(table), name) for table, name in sources if table.layer != "raw"]
            for column, sources in lineage.items()
        }
    )


def _policy_versions(checks: Sequence[TableCheck]) -> dg.AssetsDefinition:
    unchanged = "version_names_its_definitions"

    @dg.asset(
        name="policy_versions",
        kinds={"yaml", "duckdb"},
        owners=["team:data"],
        tags={"layer": "governance", "published": "yes"},
        description=POLICY_VERSIONS.meaning,
        check_specs=[
            dg.AssetCheckSpec(
                unchanged,
                asset="policy_versions",
                description="Definitions changed only together with a new version and its reason.",
                blocking=True,
            ),
            *_check_specs("policy_versions", checks),
        ],
    )
    @without_values()
    def policy_versions(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        opened = installation.now
        answer = use_policy(opened.ledger, opened.loaded_policy, opened.as_of)
        table = TableName("governance", "policy_versions")
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": opened.ledger.count(table),
                "dagster/column_schema": _computed_schema(POLICY_VERSIONS, opened.ledger.columns(table)),
                "policy": opened.loaded_policy.origin,
                "version in force": opened.loaded_policy.policy.version,
                "fingerprint": opened.loaded_policy.content_hash,
            },
            check_results=[_check_result(unchanged, answer), *_asked(checks, opened.at_landing)],
        )

    return policy_versions


def _python_asset(made: PythonTable, checks: Sequence[TableCheck]) -> dg.AssetsDefinition:
    table = made.table

    @dg.asset(
        name=made.target.name,
        deps=sorted({asset_of(read) for read in made.reads}),
        kinds={"python", "duckdb"},
        owners=[f"team:{table.owner}"],
        tags={"layer": made.target.layer, **({"published": "yes"} if table.published else {})},
        description=table.meaning,
        check_specs=_check_specs(made.target.name, checks),
    )
    @without_values()
    def programmed(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        opened = installation.now
        shown = made.make(opened)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": opened.warehouse.count(made.target),
                "dagster/column_schema": _computed_schema(made.table, opened.columns_made(made.target)),
                "policy version": opened.loaded_policy.policy.version,
                **shown.figures,
                **_plot(opened, table.name, shown.weights),
            },
            check_results=_asked(checks, opened),
        )

    return programmed
