"""The chain without Dagster: a small company's rows in, any of its tables out, in less than half a second.

Tests of rules use this; tests of running, stopping and publishing use real runs (see `installation.py`).
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.governance.policy_versions import use_policy
from reconciliation_assets.chain.raw.landing import Landed, land_inbox, prepare
from reconciliation_assets.chain.raw.stocktaking import take_stock
from reconciliation_assets.chain.rebuild import in_order, make
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.chain.tables import output_tables, published_tables
from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.contracts.inputs import INPUT_TABLE, INPUT_TABLES
from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.policy.load import LoadedPolicy, load_policy
from reconciliation_assets.sources.files import InboxFile, discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.warehouse.duckdb import DuckDB
from reconciliation_assets.warehouse.query import TableName

Row = dict[str, Any]
Company = Mapping[str, Sequence[Mapping[str, Any]]]

AS_OF = datetime.fromisoformat("2026-07-01T00:00:00+04:00")
KEY = b"a key for the tests"
PUBLISHED = tuple(table.name for table in published_tables())


@dataclass(frozen=True)
class Built:
    """The chain over what was landed; a table is made, with all it reads, when it is first asked for.

    Attributes:
        warehouse: its tables.
        loaded: the policy it is built under.
        as_of: the instant it speaks for.
        landed: what the last landing brought, by input table.
        made: the tables made so far.
    """

    warehouse: DuckDB
    loaded: LoadedPolicy
    as_of: datetime
    landed: Mapping[str, list[Landed]]
    made: set[TableName] = field(default_factory=set)

    def make(self, target: TableName) -> None:
        """Make a computed table and all it reads, unless it was made before."""
        context = RunContext(self.warehouse, self.loaded, self.as_of)
        for table in in_order(target):
            if table not in self.made:
                make(context, table)
                self.made.add(table)

    def make_all(self) -> "Built":
        """Make every table of the chain."""
        for target in in_order():
            self.make(target)
        return self

    def rows(self, table: str, **where: Any) -> list[Row]:
        """Rows of a computed table as dicts, those whose columns have the given values, in the order of its key."""
        name = TableName(output_tables()[table].layer, table)
        self.make(name)
        columns = list(self.warehouse.columns(name))
        order = ", ".join(output_tables()[table].key) or "all"
        found = [
            dict(zip(columns, row, strict=True))
            for row in self.warehouse.rows(f"select * from {name} order by {order}")
        ]
        return [row for row in found if all(row[column] == value for column, value in where.items())]

    def one(self, table: str, **where: Any) -> Row:
        """The only such row."""
        (row,) = self.rows(table, **where)
        return row

    def ask(self, table: str, check: str) -> CheckResult:
        """The answer of one check."""
        self.make_all()
        (found,) = (each for each in _checks()[table] if each.name == check)
        return found.ask(RunContext(self.warehouse, self.loaded, self.as_of))

    def blocked_by(self) -> list[str]:
        """The blocking checks that do not hold, as `table.check: message`."""
        self.make_all()
        context = RunContext(self.warehouse, self.loaded, self.as_of)
        answers = (
            (f"{table}.{check.name}", check.ask(context))
            for table, checks in _checks().items()
            for check in checks
            if check.blocking
        )
        return [
            f"{name}: {answer.message}" for name, answer in answers if not answer.passed and answer.severity == "ERROR"
        ]

    def published(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table that would be published, row for row."""
        self.make_all()
        return {
            name: self.warehouse.rows(
                f"select * from {output_tables()[name].layer}.{name} order by {', '.join(output_tables()[name].key) or 'all'}"
            )
            for name in PUBLISHED
        }


class Bench:
    """A place to land deliveries and build the chain of them, again and again in one warehouse.

    Args:
        home: an empty folder; its `inbox` is what is landed.
        policy: what differs from the shipped policy.
    """

    def __init__(self, home: Path, policy: Mapping[str, Any] | None = None, as_of: datetime = AS_OF) -> None:
        self.inbox = home / "inbox"
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.as_of = as_of
        self.loaded = load_policy(policy_file(home, policy) if policy else None)
        self.connection = duckdb.connect(":memory:", config={"threads": 1})
        self.connection.execute("set TimeZone = 'UTC'")
        self.warehouse = DuckDB(self.connection)
        self._protector = ContactProtector(KEY, self.loaded.policy.reporting_currency, self.loaded.policy.kept_words)
        self._ever_dropped: set[str] = set()

    def land(self) -> dict[str, list[Landed]]:
        """Land the inbox as it is; tables that never had a file are only made ready, which saves time."""
        presets = load_presets(self.inbox.parent / "presets", self.loaded.policy.reporting_currency)
        known, unknown = discover(self.inbox, presets)
        take_stock(self.warehouse, known, unknown)
        self._ever_dropped |= {file.table for file in known}
        return {
            table.name: self._land(table, [file for file in known if file.table == table.name])
            for table in INPUT_TABLES
        }

    def _land(self, table: InputTable, files: list[InboxFile]) -> list[Landed]:
        if table.name not in self._ever_dropped:
            prepare(self.warehouse, table)
            return []
        zone = self.loaded.policy.zone_of(table.name)
        return land_inbox(self.warehouse, table, files, self._protector, zone, self.as_of)

    def build(self) -> Built:
        """Land the inbox and build the chain over it."""
        landed = self.land()
        use_policy(self.warehouse, self.loaded, self.as_of)
        return Built(self.warehouse, self.loaded, self.as_of, landed)

    def close(self) -> None:
        """Let go of the warehouse."""
        self.connection.close()


def policy_file(home: Path, policy: Mapping[str, Any]) -> Path:
    """A company's own policy file with a version and a reason."""
    path = home / "policy.yaml"
    path.write_text(yaml.safe_dump({"version": "own", "change_reason": "for a test", **policy}, allow_unicode=True))
    return path


def drop(inbox: Path, company: Company) -> None:
    """Write a company's rows as one CSV per table: missing cells stay empty, required columns are always there."""
    for table, rows in company.items():
        write_csv(inbox / f"{table}.csv", table, rows)


def write_csv(path: Path, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of an input table as CSV."""
    rows = list(rows)
    used = {name for row in rows for name in row} | set(INPUT_TABLE[table].required)
    columns = [column.name for column in INPUT_TABLE[table] if column.name in used]
    assert used <= set(columns), f"{table} has no columns {used - set(columns)}"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@cache
def _checks() -> dict[str, list[TableCheck]]:
    return checks_by_table()
