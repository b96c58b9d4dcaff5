"""The benchmark of the diagnosis: the chain on companies with one planted bottleneck or none, held against what was planted.

The chain's own queries and programs run, from landing to the diagnosis, without Dagster around them: what is measured is the
answer, for which hundreds of companies are needed.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciliation_assets.chain.governance.policy_versions import use_policy
from reconciliation_assets.chain.raw.landing import land_all
from reconciliation_assets.chain.rebuild import in_order, make
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.warehouse.duckdb import DuckDB, connect
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.lab.sample.bottleneck import AS_OF, Bottleneck, write_company_with_bottleneck


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
def _chain_up_to(home: Path, wanted: TableName) -> Iterator[DuckDB]:
    """The warehouse of a written company with one table and all it rests on."""
    connection = connect(home / "warehouse.duckdb")
    # All links are by exact ID, so nothing hangs on how sure the other methods are, which takes long to find out.
    policy = home / "policy.yaml"
    policy.write_text(
        "version: benchmark\nchange_reason: no backtest\nmatching: {backtest: {fewest: 1000000000}}\n", encoding="utf-8"
    )
    warehouse, loaded = DuckDB(connection), load_policy(policy)
    try:
        known, _ = discover(home / "inbox", load_presets(home / "presets"))
        land_all(warehouse, known, ContactProtector(b"benchmark"), loaded.policy.zone_of, AS_OF)
        use_policy(warehouse, loaded, AS_OF)
        context = RunContext(warehouse, loaded, AS_OF)
        for table in in_order(wanted):
            make(context, table)
        yield warehouse
    finally:
        connection.close()
