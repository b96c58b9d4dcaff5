"""What the graph needs of an engine, and of the ledger beside it. Engines are known in this folder alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from reconciliation_assets.errors import PlainError
from reconciliation_assets.warehouse.query import Query, TableName


class MissingTableError(PlainError):
    """A table is to be made of some that are not there; the message names them."""

    def __init__(self, target: TableName, missing: Sequence[str]) -> None:
        super().__init__(
            f"{target} is made of {', '.join(missing)}, which is not there yet. Materialise what it is made of "
            "first, or run the whole job (daily_reconciliation, or `reconcile run`)."
        )


class Warehouse(Protocol):
    """Materialises queries as tables, reads them, and lends them to the ledger. Statements are SELECTs in DuckDB's dialect."""

    def materialise(self, query: Query, parameters: Mapping[str, Any]) -> int:
        """Make the query's table anew, whole or not at all; returns its number of rows.

        Args:
            query: the SELECT and the table it makes.
            parameters: policy parameters; those the query names are bound.

        Raises:
            MissingTableError: a table that it reads is not there.
        """

    def load(self, table: TableName, rows: pa.Table) -> int:
        """Make a table anew from Arrow; returns its number of rows."""

    def count(self, table: TableName) -> int:
        """Rows of a table."""

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """A small result as Python rows; money stays Decimal."""

    def arrow(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """A result as one Arrow table."""

    def batches(self, sql: str, rows_per_batch: int = 250_000) -> Iterator[pa.RecordBatch]:
        """A large result in Arrow batches. Read it to its end before asking anything else."""

    def columns(self, table: TableName) -> dict[str, str]:
        """Names and types of a table's columns, in order."""

    def exists(self, table: TableName) -> bool:
        """Whether a table or view is there."""

    def ledger(self, reads: Collection[TableName]) -> AbstractContextManager["Ledger"]:
        """The ledger for the length of a block.

        Args:
            reads: tables that are needed there; an engine that is not the ledger itself copies them.
        """


class Ledger(Warehouse, Protocol):
    """The embedded engine at the edge: what landed, what must be transactional, and the tables made in Python.

    Where the embedded engine is the warehouse, both are one.
    """

    @property
    def folder(self) -> Path | None:
        """The folder of its file; None for one in memory."""

    @property
    def limits(self) -> tuple[str, Path]:
        """What the engine may hold in memory, and the folder it spills to."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing; of the parameters, those it names are bound."""

    def ensure(self, script: str) -> None:
        """Run statements that make what is missing, once for this connection; not inside a transaction."""

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside happens, or nothing."""

    def reading(self, name: str, source: pa.RecordBatchReader | pa.Table) -> AbstractContextManager[None]:
        """Make Arrow data readable under a name for the length of a block."""
