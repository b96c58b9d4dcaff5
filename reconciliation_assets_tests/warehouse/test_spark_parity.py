"""The chain on a real Spark cluster of this machine gives what it gives in DuckDB: every published table, row for row."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from math import isclose
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from reconciliation_assets.chain.queries import queries
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets.warehouse.duckdb import DuckDB, in_memory
from reconciliation_assets.warehouse.protocol import MissingTableError
from reconciliation_assets.warehouse.query import Query, TableName
from reconciliation_assets.warehouse.spark import Spark, connect
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.lab import spark_cluster

pytestmark = pytest.mark.slow(seconds=1200)

ORDERS = TableName("canonical", "orders")
DOUBLED = TableName("outcomes", "doubled")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a cluster of two workers, which runs."""
    if lacking := spark_cluster.missing():
        pytest.skip(lacking)
    home = tmp_path_factory.mktemp("spark")
    spark_cluster.start(home)
    yield home
    spark_cluster.stop(home)


@pytest.fixture(scope="module")
def remote(cluster: Path) -> str:
    """The cluster's address."""
    assert cluster.is_dir()
    return spark_cluster.REMOTE


@pytest.fixture
def spark(remote: str) -> Iterator[Spark]:
    """A warehouse of its own on the cluster, beside a ledger in memory."""
    with in_memory() as connection:
        connection.execute("set TimeZone = 'UTC'")
        warehouse = connect(remote, DuckDB(connection), "parts", frozenset({DOUBLED}))
        yield warehouse
        warehouse.close()


def same(one: Any, other: Any) -> bool:
    """Doubles within 1e-9, everything else exactly."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def differences(one: Installation, other: Installation) -> list[str]:
    """Tables of the published copies that differ, with the first rows that do."""
    found = []
    others = other.published()
    for table, rows in one.published().items():
        wrong = [
            (row, its)
            for row, its in zip(rows, others[table], strict=False)
            if not all(same(a, b) for a, b in zip(row, its, strict=True))
        ]
        if wrong or len(rows) != len(others[table]):
            found.append(f"{table}: {len(rows)} and {len(others[table])} rows, {wrong[:1]}")
    return found


def both(inbox: Path, as_of: str, home: Path, remote: str) -> tuple[Installation, Installation]:
    """A company run by DuckDB and by Spark, under one secret."""
    key = "one secret for both engines"
    on_duckdb = Installation(home / "duckdb", as_of, RECON_CONTACT_KEY=key)
    on_spark = Installation(
        home / "spark",
        as_of,
        RECON_CONTACT_KEY=key,
        RECON_ENGINE="spark",
        RECON_SPARK_REMOTE=remote,
        RECON_SPARK_TABLES=home.name.replace("-", "_").lower(),
    )
    for installation in (on_duckdb, on_spark):
        shutil.copytree(inbox, installation.inbox, dirs_exist_ok=True)
        told = installation.reconcile("run")
        assert told.status == 0, told.text
    return on_duckdb, on_spark


def test_the_sample_company_is_the_same_on_both(remote: str, tmp_path: Path) -> None:
    assert differences(*both(PROJECT_ROOT / "data/sample/inbox", "2026-07-01T00:00:00+04:00", tmp_path, remote)) == []


def test_the_known_company_is_the_same_on_both(remote: str, tmp_path: Path, shared_data: Path) -> None:
    pack = shared_data / "known_truth"
    assert differences(*both(pack / "inbox", "2026-07-15T00:00:00+04:00", tmp_path, remote)) == []


def test_a_step_that_fails_leaves_the_table_as_it_was(spark: Spark) -> None:
    doubled = Query(DOUBLED, "select order_id, amount * 2 as amount from canonical.orders")
    with spark.ledger([]) as ledger:
        ledger.load(ORDERS, pa.table({"order_id": ["A", "B"], "amount": [Decimal("1.50"), None]}))
    assert spark.materialise(doubled, {}) == 2
    broken = replace(doubled, sql="select order_id, cast(order_id as double) as amount from canonical.orders")
    with pytest.raises(Exception, match="CAST_INVALID_INPUT"):
        spark.materialise(broken, {})
    assert sorted(spark.rows(f"select order_id, amount from {DOUBLED}")) == [("A", Decimal("3.00")), ("B", None)]


def test_a_table_of_tables_that_are_not_there_names_them(spark: Spark) -> None:
    with pytest.raises(MissingTableError, match=r"canonical\.nothing"):
        spark.materialise(Query(DOUBLED, "select 1 as one from canonical.nothing"), {})


def test_empty_tables_keep_their_types(spark: Spark) -> None:
    empty = pa.table({"id": pa.array([], pa.string()), "amount": pa.array([], pa.decimal128(18, 3))})
    spark.load(DOUBLED, empty)
    assert spark.columns(DOUBLED) == {"id": "VARCHAR", "amount": "DECIMAL(18,3)"}


def test_a_worker_killed_in_the_midst_changes_nothing(spark: Spark, cluster: Path) -> None:
    """Comes last of those that need the cluster: one worker is left of it."""
    rows = 300_000
    amounts = pa.table(
        {"order_id": [f"O{n % 1000}" for n in range(rows)], "amount": [Decimal(n) / 8 for n in range(rows)]}
    )
    with spark.ledger([]) as ledger:
        ledger.load(ORDERS, amounts)
    summed = "select order_id, sum(amount) as amount from canonical.orders group by order_id"
    expected = sorted(ledger.rows(summed))
    killing = threading.Timer(1.0, spark_cluster.kill_worker, [cluster])
    killing.start()
    for _ in range(5):
        spark.materialise(Query(DOUBLED, summed), {})
    killing.join()
    spark.materialise(Query(DOUBLED, summed), {})
    assert sorted(spark.rows(f"select order_id, amount from {DOUBLED}")) == expected


def test_queries_alone_are_made_on_spark() -> None:
    """Landing, what is kept and Python tables are the ledger's; a new layer has to say whose it is."""
    assert {table.layer for table in queries()} == {
        "canonical",
        "matching",
        "outcomes",
        "views",
        "bridge",
        "governance",
        "decisions",
        "feedback",
    }
