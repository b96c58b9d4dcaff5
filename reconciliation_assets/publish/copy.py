"""The published copy: written to a temporary file and renamed, so that readers never see an incomplete copy."""

import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from reconciliation_assets.contracts.columns import meaning_of
from reconciliation_assets.contracts.model import OutputTable
from reconciliation_assets.files import atomic_file
from reconciliation_assets.settings import FIRST_YEAR
from reconciliation_assets.warehouse.duckdb import EngineError, read_only
from reconciliation_assets.warehouse.protocol import Ledger, Warehouse
from reconciliation_assets.warehouse.query import TableName

SCHEMA = "reporting"


def publish(warehouse: Warehouse, tables: Iterable[OutputTable], path: Path) -> dict[str, int]:
    """Replace the published copy with the warehouse's current tables.

    If the run is killed here, the old copy stays in place and the next run overwrites the unfinished one.

    Args:
        tables: the tables to publish; rows are ordered by the table's key, so that equal content gives equal rows.
        path: the published database.

    Returns:
        Number of rows published, by table.
    """
    rows: dict[str, int] = {}
    with atomic_file(path) as unfinished, warehouse.ledger([]) as ledger:
        ledger.execute(f"attach '{escaped(unfinished)}' as published")
        try:
            ledger.execute(f"create schema published.{SCHEMA}")
            for table in tables:
                source = TableName(table.layer, table.name)
                with warehouse.ledger([source]):
                    rows[table.name] = _copy(ledger, table, source)
        finally:
            ledger.execute("detach published")
        _keep_previous(path)
    return rows


def previous_of(path: Path) -> Path:
    """Path of the copy that the published copy replaced."""
    return path.with_name("previous.duckdb")


def _keep_previous(path: Path) -> None:
    """Keep the copy that is about to be replaced: the report shows what changed since then."""
    if not path.exists():
        return
    previous_of(path).unlink(missing_ok=True)
    try:
        previous_of(path).hardlink_to(path)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, previous_of(path))


def first_reporting_day(path: Path) -> date | None:
    """The first day of Meta's figures in the published copy; None if there is no readable copy.

    Days before `FIRST_YEAR` are typing errors and are ignored.
    """
    if not path.is_file():
        return None
    try:
        with read_only(path) as connection:
            found = connection.execute(
                f"select min(date) from {SCHEMA}.platform_performance where year(date) >= $first_year",
                {"first_year": FIRST_YEAR},
            ).fetchone()
    except EngineError:
        return None
    day: date | None = found[0] if found else None
    return day


def _copy(ledger: Ledger, table: OutputTable, source: TableName) -> int:
    target = f"published.{SCHEMA}.{table.name}"
    order = ", ".join(table.key) or "all"
    copied = ", ".join(("*", *(f"{new} as {old}" for new, old in table.old_names.items())))
    ledger.execute(f"create table {target} as select {copied} from {source} order by {order}")
    ledger.execute(f"comment on table {target} is '{_quoted(table.meaning)}'")
    for column in ledger.columns(source):
        ledger.execute(f"comment on column {target}.{column} is '{_quoted(meaning_of(table, column).text)}'")
    for new, old in table.old_names.items():
        ledger.execute(f"comment on column {target}.{old} is 'Old name of {new}; gone with the next version'")
    return ledger.count(source)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def escaped(path: Path) -> str:
    """A path escaped for an SQL string."""
    return _quoted(str(path))
