"""What a Python table is: a table of the chain that SQL cannot make. Queries make all others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.warehouse.query import TableName


@dataclass(frozen=True)
class Plot:
    """A plot as it is seen at once, in letters, and as a picture.

    Attributes:
        text: Markdown that is short enough for the UI to show in place.
        picture: PNG.
    """

    text: str
    picture: bytes


@dataclass(frozen=True)
class TableMetadata:
    """What is shown of a table that Python made.

    Attributes:
        figures: small numbers and words shown beside the table.
        charts: plots shown beside the table, by title.
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
        make: makes the table anew, whole or not at all.
    """

    target: TableName
    reads: tuple[TableName, ...]
    description: str
    make: Callable[[RunContext], TableMetadata]
