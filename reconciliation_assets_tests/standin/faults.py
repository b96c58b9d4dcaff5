"""What can be made to go wrong, at which call: the fault plan a test hands to the stand-in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

FaultKind = Literal[
    "rate_limited",
    "server_error",
    "slow",
    "cut_body",
    "wrong_json",
    "expired_token",
    "missing_permission",
    "repeated_page",
    "world_changes",
    "drift",
]

PASSING: tuple[FaultKind, ...] = ("rate_limited", "server_error", "slow", "cut_body", "wrong_json", "repeated_page")
"""Faults a pull gets over by itself."""


@dataclass
class Fault:
    """One thing that goes wrong.

    Args:
        kind: what.
        call: the kind of call it happens to, as the system names it; None for any.
        nth: the first call of that kind it happens to, counted from 1.
        times: for how many calls from there on.
        change: for `world_changes`, run once the answer is out; for `drift`, turns the answer's body into another.
    """

    kind: FaultKind
    call: str | None = None
    nth: int = 1
    times: int = 1
    change: Callable[[Any], Any] | None = None


@dataclass
class FaultPlan:
    """The faults still to come, and how often each kind of call was made so far."""

    faults: list[Fault] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)

    def next_for(self, call: str) -> Fault | None:
        """Count one call, and give the fault that is due for it."""
        self.made[call] = self.made.get(call, 0) + 1
        total = sum(self.made.values())
        for fault in self.faults:
            number = total if fault.call is None else self.made[call]
            if fault.call in {None, call} and fault.nth <= number < fault.nth + fault.times:
                return fault
        return None
