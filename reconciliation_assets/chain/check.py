"""What a check is: a question about one table, and its answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reconciliation_assets.policy.model import Policy
from reconciliation_assets.warehouse.duckdb import Warehouse

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True)
class Answer:
    """A check's answer.

    Attributes:
        message: what holds, or what is wrong, where, and what to do.
        severity: ERROR stops what depends on the table if the check is blocking; WARN is only told.
        figures: small numbers and words shown beside the message.
    """

    passed: bool
    message: str
    severity: Severity = "ERROR"
    figures: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ground:
    """What checks look at: the warehouse, under a policy, at an instant."""

    warehouse: Warehouse
    policy: Policy
    as_of: datetime


@dataclass(frozen=True)
class TableCheck:
    """A question about one table.

    Attributes:
        table: the asset it belongs to.
        blocking: whether an answer of severity ERROR stops everything downstream of the table.
    """

    name: str
    table: str
    description: str
    blocking: bool
    ask: Callable[[Ground], Answer]
