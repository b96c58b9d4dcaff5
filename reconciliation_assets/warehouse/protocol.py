"""The methods that the graph needs of an engine and of the ledger. Engines are known only in this folder."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from reconciliation_assets.errors import PlainError
from reconciliation_assets.warehouse.query import Query, TableName


class MissingTableError(PlainError):
    """A table cannot be made because tables it reads do not exist; the message names them."""

    def __init__(self, target: TableName, missing: Sequence[str]) -> None:
        super().__init__(
            f"{target} is made of {', '.join(missing)}, which is not there yet. Materialise what it is made of "
            "first, or run the whole job (daily_reconciliation, or `reconcile run`)."
        )


class Warehouse(Protocol):
    """Materialises queries as tables, reads them, and copies them for the ledger. Statements are SELECTs in DuckDB's dialect."""

    def materialise(self, query: Query, parameters: Mapping[str, Any]) -> int:
        """Create or replace the query's table, atomically; returns its number of rows.

        Args:
            query: the SELECT and the table it makes.
            parameters: policy parameters; only those the query names are bound.

        Raises:
            MissingTableError: a table that it reads does not exist.
        """

    def load(self, table: TableName, rows: pa.Table) -> int:
        """Create or replace a table from Arrow; returns its number of rows."""

    def count(self, table: TableName) -> int:
        """Number of rows of a table."""

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """A small result as Python rows; money stays Decimal."""

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """A result as one Arrow table."""

    def batches(self, sql: str, rows_per_batch: int = 250_000) -> Iterator[pa.RecordBatch]:
        """A large result in Arrow batches. Read it to the end before the next statement."""

    def columns(self, table: TableName) -> dict[str, str]:
        """Names and types of a table's columns, in order."""

    def exists(self, table: TableName) -> bool:
        """Whether a table or view exists."""

    def ledger(self, reads: Collection[TableName]) -> AbstractContextManager["Ledger"]:
        """The ledger, inside a `with` block.

        Args:
            reads: tables that are read there; an engine that is not itself the ledger copies them.
        """


class Ledger(Warehouse, Protocol):
    """The embedded engine for landed files, for what must be transactional, and for tables made in Python.

    With DuckDB as the warehouse, ledger and warehouse are the same object.
    """

    @property
    def folder(self) -> Path | None:
        """The folder of its file; None for one in memory."""

    @property
    def limits(self) -> tuple[str, Path]:
        """The engine's memory limit, and the folder it spills to."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing; only the parameters that it names are bound."""

    def ensure(self, script: str) -> None:
        """Run statements that create missing objects, once per connection; not inside a transaction."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit the whole block, or roll all of it back."""

    def reading(self, name: str, source: pa.RecordBatchReader | pa.Table) -> AbstractContextManager[None]:
        """Make Arrow data readable under a name inside the block."""
