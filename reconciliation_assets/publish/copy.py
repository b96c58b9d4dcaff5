"""The published copy: written beside the old one and swapped in by rename, so that readers never see half of it."""

import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import duckdb

from reconciliation_assets.chain.governance.policy_versions import DESCRIPTION
from reconciliation_assets.chain.python_tables import PYTHON_TABLES
from reconciliation_assets.chain.queries import queries
from reconciliation_assets.contracts.glossary import GLOSSARY
from reconciliation_assets.contracts.model import OutputTable
from reconciliation_assets.files import atomic_file
from reconciliation_assets.settings import FIRST_YEAR
from reconciliation_assets.warehouse.duckdb import Warehouse
from reconciliation_assets.warehouse.query import TableName

SCHEMA = "reporting"

_WRITTEN = {
    TableName("governance", "policy_versions"): DESCRIPTION,
    **{program.target: program.description for program in PYTHON_TABLES},
}


# Columns that have a plainer name since policy version 4. They keep the old one as well, until the next version.
_OLD_NAMES = {
    "diagnosis": {"p_value": "chance", "compared_with": "held_against"},
    "budget_actions": {
        "expected_roas": "young_roas",
        "expected_roas_low": "young_roas_low",
        "expected_roas_high": "young_roas_high",
    },
}


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
        _keep_previous(path)
    return rows


def previous_of(path: Path) -> Path:
    """Where the copy is kept that a published copy replaced."""
    return path.with_name("previous.duckdb")


def _keep_previous(path: Path) -> None:
    """Keep the copy that is about to be replaced: the report says what changed since."""
    if not path.exists():
        return
    previous_of(path).unlink(missing_ok=True)
    try:
        previous_of(path).hardlink_to(path)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, previous_of(path))


def first_reporting_day(path: Path) -> date | None:
    """The first day of Meta's figures in the published copy; None where there is no copy, or none that can be read.

    Days before `FIRST_YEAR` are typing errors and begin nothing.
    """
    if not path.is_file():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute(
                f"select min(date) from {SCHEMA}.platform_performance where year(date) >= $first_year",
                {"first_year": FIRST_YEAR},
            ).fetchone()
    except duckdb.Error:
        return None
    day: date | None = found[0] if found else None
    return day


def _copy(warehouse: Warehouse, table: OutputTable) -> int:
    source = TableName(table.layer, table.name)
    target = f"published.{SCHEMA}.{table.name}"
    order = ", ".join(table.key) or "all"
    old_names = _OLD_NAMES.get(table.name, {})
    copied = ", ".join(("*", *(f"{new} as {old}" for new, old in old_names.items())))
    warehouse.execute(f"create table {target} as select {copied} from {source} order by {order}")
    warehouse.execute(f"comment on table {target} is '{_quoted(meaning_of(table))}'")
    for column in warehouse.columns(source):
        warehouse.execute(f"comment on column {target}.{column} is '{_quoted(GLOSSARY[column].text)}'")
    for new, old in old_names.items():
        warehouse.execute(f"comment on column {target}.{old} is 'Old name of {new}; gone with the next version'")
    return warehouse.count(source)


def meaning_of(table: OutputTable) -> str:
    """What a table holds and what one row of it stands for, as its comment says."""
    made_by = TableName(table.layer, table.name)
    description = _WRITTEN.get(made_by) or queries()[made_by].description
    return f"{description} One row per {table.grain}."


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def escaped(path: Path) -> str:
    """A path as SQL quotes it."""
    return _quoted(str(path))
