"""DuckDB as the warehouse: one file, one writer, one connection per run."""

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from reconciliation_assets.errors import PlainError
from reconciliation_assets.warehouse.protocol import MissingTableError
from reconciliation_assets.warehouse.query import Query, TableName

Connection = duckdb.DuckDBPyConnection
EngineError = duckdb.Error
MissingInDatabaseError = (duckdb.CatalogException, duckdb.BinderException)


class WarehouseBusyError(PlainError):
    """Another process holds the warehouse; the message says what to do."""


class DamagedWarehouseError(PlainError):
    """The warehouse's file cannot be opened; the message says what to do."""


class DuckDB:
    """Warehouse and ledger in one; `Warehouse` and `Ledger` describe its methods.

    Args:
        connection: the only connection to the database, from `connect`; its owner closes it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._there: set[str] = set()

    @property
    def folder(self) -> Path | None:
        """The folder of the warehouse's file; None for one in memory."""
        path = self.rows("select path from duckdb_databases() where database_name = current_database()")[0][0]
        return Path(path).parent if path else None

    def materialise(self, query: Query, parameters: Mapping[str, Any]) -> int:
        """Create or replace the query's table, atomically.

        Args:
            query: the SELECT and the table it makes.
            parameters: policy parameters; only those the query names are bound.

        Returns:
            The number of rows.

        Raises:
            MissingTableError: a table that it reads does not exist.
        """
        with self._lock:
            self._connection.execute(f"create schema if not exists {query.target.layer}")
            try:
                ((rows,),) = self.rows(f"create or replace table {query.target} as\n{query.sql}", parameters)
            except duckdb.CatalogException:
                missing = [str(table) for table in query.reads if not self.exists(table)]
                if not missing:
                    raise
                raise MissingTableError(query.target, missing) from None
        return int(rows)

    def load(self, table: TableName, rows: pa.Table) -> int:
        """Create or replace a table from Arrow; returns its number of rows."""
        with self._lock:
            self._connection.execute(f"create schema if not exists {table.layer}")
            self._connection.register("_loading", rows)
            try:
                self._connection.execute(f"create or replace table {table} as select * from _loading")
            finally:
                self._connection.unregister("_loading")
        return int(rows.num_rows)

    def count(self, table: TableName) -> int:
        """Number of rows of a table."""
        return int(self.rows(f"select count(*) from {table}")[0][0])

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """A small result as Python rows; money stays Decimal."""
        with self._lock:
            return self._connection.execute(sql, _named(sql, parameters)).fetchall()

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """A result as one Arrow table."""
        with self._lock:
            return self._connection.sql(sql, params=_named(sql, parameters)).to_arrow_table()

    def batches(self, sql: str, rows_per_batch: int = 250_000) -> Iterator[pa.RecordBatch]:
        """A large result in Arrow batches, never all of it in memory. Read it to the end before the next statement."""
        with self._lock:
            yield from self._connection.sql(sql).to_arrow_reader(rows_per_batch)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing; only the parameters that it names are bound."""
        with self._lock:
            self._connection.execute(sql, _named(sql, parameters))

    def ensure(self, script: str) -> None:
        """Run statements that create missing objects, once per connection; not inside a transaction."""
        with self._lock:
            if script not in self._there:
                self._connection.execute(script)
                self._there.add(script)

    def columns(self, table: TableName) -> dict[str, str]:
        """Names and types of a table's columns, in order."""
        return {name: kind for name, kind, *_ in self.rows(f"describe {table}")}

    def exists(self, table: TableName) -> bool:
        """Whether a table or view exists."""
        return bool(
            self.rows(
                "select 1 from information_schema.tables where table_schema = $layer and table_name = $name",
                {"layer": table.layer, "name": table.name},
            )
        )

    @contextmanager
    def ledger(self, reads: Collection[TableName]) -> Iterator["DuckDB"]:
        """This object; nothing is copied."""
        yield self

    def limit(self, memory: str | None, spill_to: Path | None) -> None:
        """Limit the engine's memory.

        Args:
            memory: a size such as "8GB", above which work spills to disk.
            spill_to: the folder for spilled data, created when needed.
        """
        if memory:
            self._connection.execute(f"set memory_limit = '{memory}'")
        if spill_to:
            folder = str(spill_to).replace("'", "''")
            self._connection.execute(f"set temp_directory = '{folder}'")

    @property
    def limits(self) -> tuple[str, Path]:
        """The engine's memory limit, and the folder it spills to."""
        memory, spill_to = self.rows("select current_setting('memory_limit'), current_setting('temp_directory')")[0]
        return memory, Path(spill_to)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the whole block, or roll all of it back."""
        with self._lock:
            self._connection.execute("begin")
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    @contextmanager
    def reading(self, name: str, source: pa.RecordBatchReader | pa.Table) -> Iterator[None]:
        """Make Arrow data readable under a name inside the block."""
        with self._lock:
            self._connection.register(name, source)
            try:
                yield
            finally:
                self._connection.unregister(name)


def _named(sql: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters that a statement names; the engine refuses any other."""
    given = parameters or {}
    return {name: given[name] for name in set(re.findall(r"\$([a-z_]+)", sql)) & given.keys()}


def connect(path: Path | str) -> Connection:
    """Open a warehouse's file; a missing folder is created.

    Raises:
        WarehouseBusyError: another process has the file open.
        DamagedWarehouseError: the file is not a database, or was written by another version of the engine.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(path))
    except duckdb.Error as error:
        if "lock" not in str(error).lower():
            raise DamagedWarehouseError(
                f"{path} is no database that can be opened: it is damaged, or of another version. Restore it from your backup. "
                "Without one, move it away: the next run reads the inbox and the sources anew."
            ) from None
        raise WarehouseBusyError(
            f"Another process has {path} open, probably a run started from the Dagster UI or a second terminal. "
            "Wait for it to end, or stop it; people read the published copy, never this file."
        ) from None
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    # Nothing here depends on the stored order of rows, and without it all cores can write.
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set checkpoint_threshold = '1GB'")
    return connection


def in_memory(config: Mapping[str, Any] | None = None) -> Connection:
    """An engine in memory that keeps nothing."""
    return duckdb.connect(config=dict(config or {}))


def read_only(path: Path) -> Connection:
    """A database file opened for reading; other processes may read it at the same time."""
    return duckdb.connect(str(path), read_only=True)


def register_function(
    engine: Connection, name: str, function: Callable[[pa.ChunkedArray], pa.Array], answer: str
) -> None:
    """Register a Python function of one text, which may return null.

    Args:
        answer: the SQL type of its result.
    """
    engine.create_function(
        name,
        function,
        ["VARCHAR"],
        answer,
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )
