"""What a program is: a table of the chain that SQL cannot make, beside the queries that make all others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciliation_assets.policy.load import LoadedPolicy
from reconciliation_assets.policy.tables import policy_parameters
from reconciliation_assets.warehouse.duckdb import Warehouse
from reconciliation_assets.warehouse.query import TableName


@dataclass(frozen=True)
class Workbench:
    """What a program works with: the warehouse, under a policy, at an instant."""

    warehouse: Warehouse
    loaded_policy: LoadedPolicy
    as_of: datetime

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The policy's single values, as SQL names them."""
        return policy_parameters(self.loaded_policy, self.as_of)


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
class Made:
    """What a program made.

    Attributes:
        figures: small numbers and words shown beside the table.
        charts: plots shown beside the table, by title.
    """

    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    charts: Mapping[str, Plot] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
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
    make: Callable[[Workbench], Made]
