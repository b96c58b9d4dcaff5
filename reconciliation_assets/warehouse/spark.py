"""Apache Spark as the warehouse, through Spark Connect: the cluster makes the tables, its catalog stores them.

Each table is a view over its last materialisation, which is a table of its own. The view is replaced only when the
materialisation is complete, so a killed step leaves the table as it was. Transactional tables and tables made in Python are in
the ledger, a DuckDB file. Each side copies what it reads from the other, as Arrow.
"""

import re
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa

from reconciliation_assets.errors import PlainError
from reconciliation_assets.warehouse.protocol import Ledger, MissingTableError
from reconciliation_assets.warehouse.query import Query, TableName
from reconciliation_assets.warehouse.spark_sql import spark_text, tables_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # Otherwise products of decimals are cut to six places, and cents are lost.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
_FORMAT = "parquet"
_ROWS_SENT_AT_ONCE = 250_000
_SECONDS_TO_ANSWER = 10
# DuckDB's type names, which people see on every engine.
_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
}


class SparkUnreachableError(PlainError):
    """Spark cannot be used; the message says what is missing."""


class Spark:
    """Materialises queries as tables on a Spark cluster.

    Args:
        session: a session of Spark Connect, from `connect`.
        ledger: where all tables are stored that no query makes.
        tables: prefix of the schemas (one per layer), with or without a catalog before it.
        computed: the tables that queries make; only these are stored in Spark.
    """

    def __init__(self, session: "SparkSession", ledger: Ledger, tables: str, computed: AbstractSet[TableName]) -> None:
        self._session = session
        self._ledger = ledger
        self._tables = tables
        self._computed = computed
        self._copied: set[TableName] = set()
        self._made: dict[TableName, int] = {}
        self._layers: set[str] = set()

    def materialise(self, query: Query, parameters: Mapping[str, Any]) -> int:
        """Create or replace the query's table, atomically; returns its number of rows."""
        missing = [str(table) for table in query.reads if not self.exists(table)]
        if missing:
            raise MissingTableError(query.target, missing)
        text, given = self._translated(query.sql, parameters)
        with self._replacing(query.target) as materialisation:
            self._session.sql(f"create table {materialisation} using {_FORMAT} as {text}", args=given)
        return self.count(query.target)

    def load(self, table: TableName, rows: pa.Table) -> int:
        """Create or replace a table from Arrow; returns its number of rows."""
        rows = _typed(rows)
        with self._replacing(table) as materialisation:
            for first in range(0, max(rows.num_rows, 1), _ROWS_SENT_AT_ONCE):
                part = self._sent(rows.slice(first, _ROWS_SENT_AT_ONCE))
                part.write.format(_FORMAT).mode("append").saveAsTable(materialisation)
        return int(rows.num_rows)

    def count(self, table: TableName) -> int:
        """Number of rows of a table."""
        if table not in self._computed:
            return self._ledger.count(table)
        return int(self.rows(f"select count(*) from {table}")[0][0])

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """A small result as Python rows; money stays Decimal."""
        columns = [column.to_pylist() for column in self.arrow(sql, parameters).columns]
        return list(zip(*columns, strict=True))

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """A result as one Arrow table."""
        return self._frame(sql, parameters).toArrow()

    def batches(self, sql: str, rows_per_batch: int = 250_000) -> Iterator[pa.RecordBatch]:
        """A large result in Arrow batches."""
        yield from self.arrow(sql).to_batches(rows_per_batch)

    def columns(self, table: TableName) -> dict[str, str]:
        """Names and types of a table's columns, in order, with DuckDB's type names."""
        if table not in self._computed:
            return self._ledger.columns(table)
        schema = self._session.table(self._name(table)).schema
        return {field.name: _type_name(field.dataType.simpleString()) for field in schema.fields}

    def exists(self, table: TableName) -> bool:
        """Whether a table exists."""
        if table not in self._computed:
            return self._ledger.exists(table)
        return table in self._made or self._session.catalog.tableExists(self._name(table))

    @contextmanager
    def ledger(self, reads: Collection[TableName]) -> Iterator[Ledger]:
        """The ledger, with copies of the tables in `reads` inside the block."""
        lent = [table for table in reads if table in self._computed]
        try:
            for table in lent:
                self._ledger.load(table, self.arrow(f"select * from {table}"))
            yield self._ledger
        finally:
            for table in lent:
                self._ledger.execute(f"drop table if exists {table}")

    def close(self) -> None:
        """Drop the materialisations that this run replaced, and end the session."""
        for layer in sorted({table.layer for table in self._made}):
            for _, name, _ in self._session.sql(f"show tables in {self._schema(layer)}").collect():
                base, _, number = name.rpartition("__")
                newest = self._made.get(TableName(layer, base))
                if newest is not None and number.isdigit() and int(number) < newest:
                    self._session.sql(f"drop table if exists {self._schema(layer)}.{name}")
        self._session.stop()

    def _sent(self, rows: pa.Table) -> "DataFrame":
        from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415 - see `connect`

        if rows.num_rows:
            return self._session.createDataFrame(rows)
        # Without rows, Spark does not take the types from Arrow.
        return self._session.createDataFrame([], from_arrow_schema(rows.schema))

    def _frame(self, sql: str, parameters: Mapping[str, Any] | None) -> "DataFrame":
        text, given = self._translated(sql, parameters)
        return self._session.sql(text, args=given)

    def _translated(self, sql: str, parameters: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
        self._copy_from_ledger(tables_of(sql))
        given = parameters or {}
        named = set(re.findall(r"\$([a-z_]+)", sql)) & given.keys()
        return spark_text(sql, self._name), {name: given[name] for name in named}

    def _copy_from_ledger(self, tables: Collection[TableName]) -> None:
        """Copy tables of the ledger, once per session: in a run, each table is made once, before it is read."""
        for table in set(tables) - self._computed - self._copied:
            self.load(table, self._ledger.arrow(f"select * from {table}"))
            self._copied.add(table)

    @contextmanager
    def _replacing(self, table: TableName) -> Iterator[str]:
        """The name of a new materialisation; after the block, the table's view points to it."""
        schema = self._schema(table.layer)
        if table.layer not in self._layers:
            self._session.sql(f"create schema if not exists {schema}")
            self._layers.add(table.layer)
        number = time.time_ns()
        materialisation = f"{schema}.{table.name}__{number}"
        yield materialisation
        self._session.sql(f"create or replace view {self._name(table)} as select * from {materialisation}")
        self._made[table] = number

    def _schema(self, layer: str) -> str:
        return f"{self._tables}_{layer}"

    def _name(self, table: TableName) -> str:
        return f"{self._schema(table.layer)}.{table.name}"


def connect(remote: str, ledger: Ledger, tables: str, computed: AbstractSet[TableName]) -> Spark:
    """Open a session on a cluster.

    Args:
        remote: address of a Spark Connect endpoint, such as `sc://host:15002`.
        ledger: see `Spark`.
        tables: see `Spark`.
        computed: see `Spark`.

    Raises:
        SparkUnreachableError: see `require_cluster`.
    """
    require_cluster(remote)
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra that most installations do not have

    session = SparkSession.builder.remote(remote).create()
    for name, value in _SESSION.items():
        session.conf.set(name, value)
    return Spark(session, ledger, tables, computed)


def require_cluster(remote: str) -> None:
    """Stop with a reason where Spark cannot be used.

    Raises:
        SparkUnreachableError: pyspark is not installed, or nothing answers at the address.
    """
    try:
        import_module("pyspark.sql.connect.session")
    except ImportError:
        raise SparkUnreachableError(
            "RECON_ENGINE is spark, and pyspark is not installed. Install reconciliation-assets[spark], or take RECON_ENGINE away."
        ) from None
    address = urlsplit(remote)
    try:
        socket.create_connection((address.hostname or "", address.port or 15002), _SECONDS_TO_ANSWER).close()
    except OSError:
        raise SparkUnreachableError(
            f"No Spark Connect server answers at {address.hostname}:{address.port or 15002} (RECON_SPARK_REMOTE). "
            "Start it, or correct the address; nothing has been changed."
        ) from None


def _typed(rows: pa.Table) -> pa.Table:
    """The rows, with text as the type of columns that hold only nulls."""
    schema = pa.schema(
        [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in rows.schema]
    )
    return rows.cast(schema)


def _type_name(kind: str) -> str:
    if kind.startswith("array<"):
        return f"{_type_name(kind.removeprefix('array<').removesuffix('>'))}[]"
    return _TYPES.get(kind, kind.upper())
