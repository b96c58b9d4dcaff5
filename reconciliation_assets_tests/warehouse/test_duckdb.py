"""The warehouse: tables made whole or not at all, money that stays decimal, one writer."""

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from reconciliation_assets.warehouse.duckdb import DuckDB, WarehouseBusyError, connect
from reconciliation_assets.warehouse.query import Query, TableName

TABLE = TableName("views", "sums")


@pytest.fixture
def warehouse() -> Iterator[DuckDB]:
    with duckdb.connect() as connection:
        yield DuckDB(connection)


def test_a_query_becomes_its_table(warehouse: DuckDB) -> None:
    assert (
        warehouse.materialise(Query(TABLE, "select $zone as zone union all select 'b'"), {"zone": "a", "other": 1}) == 2
    )
    assert warehouse.columns(TABLE) == {"zone": "VARCHAR"}
    assert warehouse.count(TABLE) == 2


def test_a_query_that_fails_leaves_the_old_table(warehouse: DuckDB) -> None:
    warehouse.materialise(Query(TABLE, "select 1 as one"), {})
    with pytest.raises(duckdb.Error):
        warehouse.materialise(Query(TABLE, "select cast('x' as integer) as one from range(3)"), {})
    assert warehouse.rows(f"select one from {TABLE}") == [(1,)]


def test_money_stays_decimal(warehouse: DuckDB) -> None:
    warehouse.load(TABLE, pa.table({"amount": pa.array([Decimal("0.10"), Decimal("0.20")], pa.decimal128(18, 3))}))
    assert warehouse.rows(f"select sum(amount) from {TABLE}") == [(Decimal("0.300"),)]


def test_a_transaction_happens_whole_or_not_at_all(warehouse: DuckDB) -> None:
    warehouse.load(TABLE, pa.table({"n": [1]}))

    def interrupted() -> None:
        with warehouse.transaction():
            warehouse.execute(f"insert into {TABLE} values (2)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert warehouse.rows(f"select n from {TABLE}") == [(1,)]


def test_batches_are_all_of_a_table(warehouse: DuckDB) -> None:
    assert sum(batch.num_rows for batch in warehouse.batches("select * from range(10000)", 1000)) == 10_000


def test_whether_a_table_is_there(warehouse: DuckDB) -> None:
    assert not warehouse.exists(TABLE)
    warehouse.load(TABLE, pa.table({"n": [1]}))
    assert warehouse.exists(TABLE)


def test_a_file_that_somebody_else_has_open_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb, sys; held = duckdb.connect({str(path)!r}); print(flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(WarehouseBusyError, match="Wait for it to end"):
            connect(path)
    finally:
        holder.communicate()


# Sorting this needs more than the 100 MB that the limit leaves it.
BIG = "create table sorted as select hash(i) as h, md5(i::varchar) as m from range(2_000_000) t(i) order by m"


def test_more_than_the_memory_limit_spills_into_the_folder_instead_of_failing(tmp_path: Path) -> None:
    with connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("set threads = 2")
        warehouse = DuckDB(connection)
        warehouse.limit("100MB", tmp_path / "spilled here")
        assert warehouse.limits == ("95.3 MiB", tmp_path / "spilled here")
        warehouse.execute(BIG)
        assert warehouse.count(TableName("main", "sorted")) == 2_000_000
        assert (tmp_path / "spilled here").is_dir(), "made when it was needed"


def test_without_a_folder_to_spill_to_the_limit_holds(tmp_path: Path) -> None:
    with connect(tmp_path / "warehouse.duckdb") as connection:
        warehouse = DuckDB(connection)
        warehouse.limit("100MB", None)
        connection.execute("set temp_directory = ''")
        with pytest.raises(duckdb.OutOfMemoryException):
            warehouse.execute(BIG)
