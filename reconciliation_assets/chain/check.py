"""A check of one table, and its result."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from reconciliation_assets.chain.run_context import RunContext

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    Attributes:
        message: what was confirmed, or what is wrong, where, and what to do.
        severity: ERROR stops everything downstream if the check is blocking; WARN is only reported.
        figures: small numbers and words shown with the message.
    """

    passed: bool
    message: str
    severity: Severity = "ERROR"
    figures: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableCheck:
    """A check of one table.

    Attributes:
        table: the asset it belongs to.
        blocking: whether a failure of severity ERROR stops everything downstream of the table.
    """

    name: str
    table: str
    description: str
    blocking: bool
    ask: Callable[[RunContext], CheckResult]
