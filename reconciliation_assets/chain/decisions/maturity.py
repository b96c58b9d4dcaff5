"""Figures with their age: figures of different ages cannot be compared."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Figures = TypeVar("Figures")


class UnlikeMaturityError(ValueError):
    """Figures of different ages were compared; the message says which and what to do."""


@dataclass(frozen=True)
class AtAge(Generic[Figures]):
    """Figures at one age: every record behind them had the same number of days.

    Attributes:
        what: what the figures describe, for messages.
        age_days: days that every record had.
        figures: the figures.
    """

    what: str
    age_days: int
    figures: Figures


def side_by_side(one: AtAge[Figures], other: AtAge[Figures]) -> tuple[Figures, Figures]:
    """Both figures, if they have the same age.

    Raises:
        UnlikeMaturityError: the ages differ.
    """
    if one.age_days != other.age_days:
        raise UnlikeMaturityError(
            f"{one.what} stands at {one.age_days} days and {other.what} at {other.age_days} days: the older one had more time, so "
            "the comparison would say nothing. Compare both at the same age, as in cohort_snapshots where is_complete."
        )
    return one.figures, other.figures
