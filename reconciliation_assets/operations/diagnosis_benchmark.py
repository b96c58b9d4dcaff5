"""The benchmark of the diagnosis: the chain on companies with one planted bottleneck or none, held against what was planted.

The chain's own queries and programs run, from landing to the diagnosis, without Dagster around them: what is measured is the
answer, for which hundreds of companies are needed.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciliation_assets.chain.governance.policy_versions import record_policy_version
from reconciliation_assets.chain.program import Workbench
from reconciliation_assets.chain.programs import PROGRAMS
from reconciliation_assets.chain.queries import queries
from reconciliation_assets.chain.raw.landing import land_inbox, prepare
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.tables import policy_tables
from reconciliation_assets.sample.bottleneck import AS_OF, Bottleneck, write_company_with_bottleneck
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.warehouse.duckdb import Warehouse, connect
from reconciliation_assets.warehouse.query import TableName


@dataclass(frozen=True)
class Diagnosed:
    """What was planted in a company and what the diagnosis named.

    Attributes:
        planted: step and segment; nothing for a healthy company.
        named: step, kind of segment and segment of every bottleneck found.
    """

    seed: int
    planted: Bottleneck | None
    named: tuple[tuple[str, str, str], ...]

    @property
    def is_right(self) -> bool:
        """Whether the planted one was named and no other, or nothing where nothing was planted."""
        wanted = (
            ((self.planted.step, self.planted.segment_kind, self.planted.segment),) if self.planted is not None else ()
        )
        return self.named == wanted

    @property
    def is_found(self) -> bool:
        """Whether the planted one was named, whatever else was."""
        return (
            self.planted is not None
            and (
                self.planted.step,
                self.planted.segment_kind,
                self.planted.segment,
            )
            in self.named
        )


def measure_diagnosis(seed: int, *, healthy: bool, leads: int = 12_000, orders: int = 9_000) -> Diagnosed:
    """Generate a company, run the chain on it, and say what was planted and what was named."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        home = Path(folder)
        planted = write_company_with_bottleneck(seed, home, leads=leads, orders=orders, healthy=healthy)
        with _chain_up_to(home, TableName("decisions", "diagnosis")) as warehouse:
            named = warehouse.rows(
                "select step, segment_kind, segment from decisions.diagnosis where verdict = 'bottleneck' order by 1, 2, 3"
            )
    return Diagnosed(seed, planted, tuple(named))


@contextmanager
def _chain_up_to(home: Path, wanted: TableName) -> Iterator[Warehouse]:
    """The warehouse of a written company with one table and all it rests on."""
    connection = connect(home / "warehouse.duckdb")
    # All links are by exact ID, so nothing hangs on how sure the other methods are, which takes long to find out.
    policy = home / "policy.yaml"
    policy.write_text(
        "version: benchmark\nchange_reason: no backtest\nmatching: {backtest: {fewest: 1000000000}}\n", encoding="utf-8"
    )
    warehouse, loaded = Warehouse(connection), load_policy(policy)
    try:
        known, _ = discover(home / "inbox", load_presets(home / "presets"))
        for table in INPUT_TABLES:
            prepare(warehouse, table)
            files = [file for file in known if file.table == table.name]
            land_inbox(warehouse, table, files, ContactProtector(b"benchmark"), loaded.policy.zone_of(table.name))
        record_policy_version(warehouse, loaded, AS_OF)
        for name, rows in policy_tables(loaded).items():
            warehouse.load(TableName("policy", name), rows)
        _make(Workbench(warehouse, loaded, AS_OF), wanted, set())
        yield warehouse
    finally:
        connection.close()


def _make(bench: Workbench, target: TableName, made: set[TableName]) -> None:
    """Make a table after all that it reads."""
    program = next((each for each in PROGRAMS if each.target == target), None)
    query = queries().get(target)
    if target in made or (program is None and query is None):
        return
    for table in program.reads if program else query.reads if query else ():
        _make(bench, table, made)
    if program:
        program.make(bench)
    elif query:
        bench.warehouse.materialise(query, bench.parameters)
    made.add(target)
