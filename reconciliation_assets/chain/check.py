"""What a check is: a question about one table, and its answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from reconciliation_assets.chain.run_context import RunContext

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True)
class CheckResult:
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
    ask: Callable[[RunContext], CheckResult]
