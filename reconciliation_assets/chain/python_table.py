"""A table of the chain made in Python because SQL cannot make it. All others are SQL queries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciliation_assets.chain.run_context import LedgerContext, RunContext
from reconciliation_assets.contracts.model import OutputTable
from reconciliation_assets.warehouse.query import TableName


@dataclass(frozen=True)
class TableMetadata:
    """Metadata of a table made in Python, shown in the UI.

    Attributes:
        figures: small numbers and words by name.
        weights: one row per outcome of a comparison: `comparison`, `outcome`, `weight` (log2); the UI plots them.
    """

    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    weights: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class PythonTable:
    """One table made in Python.

    Attributes:
        table: metadata of the table it makes.
        reads: the tables it reads.
        make_in_ledger: remakes the table; on an error the table is left unchanged. Only the tables in `reads` are available to it.
    """

    table: OutputTable
    reads: tuple[TableName, ...]
    make_in_ledger: Callable[[LedgerContext], TableMetadata]

    @property
    def target(self) -> TableName:
        """The name of the table it makes."""
        return TableName(self.table.layer, self.table.name)

    def make(self, context: RunContext) -> TableMetadata:
        """Make the table; the tables in `reads` must exist."""
        with context.in_ledger(self.reads) as ledger:
            return self.make_in_ledger(ledger)
