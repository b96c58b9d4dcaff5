"""A table of the chain made in Python because SQL cannot make it. All others are SQL queries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciliation_assets.chain.run_context import LedgerContext, RunContext
from reconciliation_assets.warehouse.query import TableName


@dataclass(frozen=True)
class Plot:
    """A plot as a text chart and as a picture.

    Attributes:
        text: Markdown that is short enough for the UI to show in place.
        picture: PNG.
    """

    text: str
    picture: bytes


@dataclass(frozen=True)
class TableMetadata:
    """Metadata of a table made in Python, shown in the UI.

    Attributes:
        figures: small numbers and words by name.
        charts: plots by title.
    """

    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    charts: Mapping[str, Plot] = field(default_factory=dict)


@dataclass(frozen=True)
class PythonTable:
    """One table made in Python.

    Attributes:
        target: the table it makes.
        reads: the tables it reads.
        description: what a row is and why SQL cannot make it.
        make_in_ledger: makes the table anew, whole or not at all; only what it says it reads is there.
    """

    target: TableName
    reads: tuple[TableName, ...]
    description: str
    make_in_ledger: Callable[[LedgerContext], TableMetadata]

    def make(self, context: RunContext) -> TableMetadata:
        """Make the table; what it reads is there."""
        with context.in_ledger(self.reads) as ledger:
            return self.make_in_ledger(ledger)
