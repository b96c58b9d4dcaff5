"""The published copy: written beside the old one and swapped in by rename, so that readers never see half of it."""

from collections.abc import Iterable
from pathlib import Path

from reconciliation_assets.contracts.glossary import GLOSSARY
from reconciliation_assets.contracts.model import OutputTable
from reconciliation_assets.files import atomic_file
from reconciliation_assets.warehouse.duckdb import Warehouse
from reconciliation_assets.warehouse.query import TableName

SCHEMA = "reporting"


def publish(warehouse: Warehouse, tables: Iterable[OutputTable], path: Path) -> dict[str, int]:
    """Replace the published copy by the warehouse's tables as they are now.

    A run killed in here leaves the old copy in place; the unfinished one is overwritten by the next run.

    Args:
        tables: what is published; rows are ordered by the table's key, so that equal content is equal row for row.
        path: the published database.

    Returns:
        Rows published, by table.
    """
    rows: dict[str, int] = {}
    with atomic_file(path) as unfinished:
        warehouse.execute(f"attach '{escaped(unfinished)}' as published")
        try:
            warehouse.execute(f"create schema published.{SCHEMA}")
            for table in tables:
                rows[table.name] = _copy(warehouse, table)
        finally:
            warehouse.execute("detach published")
    return rows


def _copy(warehouse: Warehouse, table: OutputTable) -> int:
    source = TableName(table.layer, table.name)
    target = f"published.{SCHEMA}.{table.name}"
    order = ", ".join(table.key) or "all"
    warehouse.execute(f"create table {target} as select * from {source} order by {order}")
    warehouse.execute(f"comment on table {target} is '{_quoted(f'One row per {table.grain}.')}'")
    for column in warehouse.columns(source):
        warehouse.execute(f"comment on column {target}.{column} is '{_quoted(GLOSSARY[column].text)}'")
    return warehouse.count(source)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def escaped(path: Path) -> str:
    """A path as SQL quotes it."""
    return _quoted(str(path))
