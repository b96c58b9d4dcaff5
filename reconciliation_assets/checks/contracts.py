"""Row contracts: every row of a table fits its Pandera schema, and the table's key is unique."""

import pandera.pyarrow as pap
import pyarrow as pa

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.raw.versions import raw_table
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.contracts.model import InputTable, OutputTable
from reconciliation_assets.contracts.schemas import broken_rules, checked_columns, raw_row_contract, row_contract
from reconciliation_assets.warehouse.query import TableName


def contract_checks() -> list[TableCheck]:
    """Row contracts of raw, canonical and published tables, and unique keys of all computed ones."""
    raw = [_raw_contract(table) for table in INPUT_TABLES]
    rows = [_row_contract(table) for table in output_tables().values() if table.required or table.words]
    keys = [_unique_key(table) for table in output_tables().values() if table.key]
    return [*raw, *rows, *keys]


def _raw_contract(table: InputTable) -> TableCheck:
    def ask(context: RunContext) -> CheckResult:
        schema = raw_row_contract(table)
        return _validated(context, raw_table(table), schema, checked_columns(schema))

    return TableCheck(
        "rows_keep_their_contract",
        table.raw_asset,
        "Every landed row keeps the input contract; bad rows are in quarantine.",
        True,
        ask,
    )


def _row_contract(table: OutputTable) -> TableCheck:
    name = TableName(table.layer, table.name)

    def ask(context: RunContext) -> CheckResult:
        schema = row_contract(table, list(context.warehouse.columns(name)))
        return _validated(context, name, schema, checked_columns(schema))

    return TableCheck(
        "rows_keep_their_contract", table.name, f"Every {table.grain} keeps the table's contract.", True, ask
    )


def _validated(context: RunContext, table: TableName, schema: pap.DataFrameSchema, columns: list[str]) -> CheckResult:
    narrow = schema.select_columns(columns)
    broken: set[str] = set()
    rows = 0
    for batch in context.warehouse.batches(f"select {', '.join(columns)} from {table}"):
        rows += batch.num_rows
        broken.update(broken_rules(narrow, pa.Table.from_batches([batch])))
    if broken:
        return CheckResult(
            False,
            f"{table} has rows that break its contract: {'; '.join(sorted(broken))}. Look at those columns in the table; "
            "a required value that is empty here usually means a rate, a policy word or an upstream row is missing.",
        )
    return CheckResult(True, f"{rows:,} rows keep {len(columns)} column rules.", figures={"rows": rows})


def _unique_key(table: OutputTable) -> TableCheck:
    name = TableName(table.layer, table.name)
    key = ", ".join(table.key)

    def ask(context: RunContext) -> CheckResult:
        repeated = int(
            context.warehouse.rows(f"select count(*) from (select 1 from {name} group by {key} having count(*) > 1)")[
                0
            ][0]
        )
        if repeated:
            return CheckResult(
                False,
                f"{repeated:,} values of {key} stand in {name} more than once, so something would be counted twice. "
                "This is a fault of the product, not of the data: report it with the table's name.",
                figures={"repeated": repeated},
            )
        return CheckResult(True, f"No two rows share {key}.")

    return TableCheck("one_row_per_key", table.name, f"One row per {table.grain}.", True, ask)
