"""Fill rate of every input column: over all current rows, and over those whose source is a Meta ad.

Made in Python because the columns come from the input contract: a new column is counted without changing this table.
"""

from collections.abc import Iterator

import pyarrow as pa

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.inputs import INPUT_TABLES, LEADS, ORDERS
from reconciliation_assets.contracts.model import CONTACT_KEYS, InputTable, Meaning, OutputTable
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("governance", "field_fill")
_ORIGINS = TableName("matching", "record_origins")
_RECORDS = {LEADS.name: "'lead:' || r.lead_id", ORDERS.name: "'order:' || r.order_id"}

_TYPES = pa.schema(
    [
        ("source_table", pa.string()),
        ("population", pa.string()),
        ("column_name", pa.string()),
        ("records", pa.int64()),
        ("filled", pa.int64()),
        ("fill_rate", pa.float64()),
    ]
)


def count_fields(context: LedgerContext) -> TableMetadata:
    """Count the filled cells of every input column; a contact counts as filled if its protected key is."""
    rows = [row for table in INPUT_TABLES for row in _counted(context.warehouse, table)]
    context.warehouse.load(_TARGET, pa.Table.from_pylist(rows, _TYPES))
    return TableMetadata({"columns": len(rows)})


def _counted(warehouse: Ledger, table: InputTable) -> Iterator[dict[str, object]]:
    for population in ("all", "from_meta") if table.name in _RECORDS else ("all",):
        stored = {column.name: CONTACT_KEYS.get(column.kind, ((column.name, ""),))[0][0] for column in table}
        from_meta = (
            f"join {_ORIGINS} o on o.record_id = {_RECORDS[table.name]} and o.is_from_meta"
            if population == "from_meta"
            else ""
        )
        records, *filled = warehouse.rows(
            f"select count(*), {', '.join(f'count(r.{name})' for name in stored.values())} from current.{table.name} r {from_meta}"
        )[0]
        for name, count in zip(stored, filled, strict=True):
            yield {
                "source_table": table.name,
                "population": population,
                "column_name": name,
                "records": records,
                "filled": count,
                "fill_rate": count / records if records else None,
            }


FIELD_FILL = PythonTable(
    OutputTable(
        "field_fill",
        "governance",
        "input table, population and column",
        "data",
        ("source_table", "population", "column_name"),
        description=(
            "How much of every input column is filled, of all rows and of those that say they came from a Meta ad: where tracking and "
            "exports leave gaps."
        ),
        required=("source_table", "population", "column_name", "records", "filled"),
        words={"population": ("all", "from_meta")},
        shares=("fill_rate",),
        published=True,
        columns={
            "population": Meaning(
                "Which rows; from_meta are leads and orders without lead that say they came from a Meta ad",
            ),
            "column_name": Meaning("Column of the input table; a contact counts by its key"),
            "records": Meaning("Current rows", "count"),
            "filled": Meaning("Rows in which the column is filled", "count"),
            "fill_rate": Meaning("Share of the rows in which the column is filled", "share"),
        },
    ),
    (_ORIGINS, *(TableName("current", table.name) for table in INPUT_TABLES)),
    count_fields,
)
