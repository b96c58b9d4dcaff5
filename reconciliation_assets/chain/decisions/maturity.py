"""Figures with the age they are of: two of unlike age cannot be held against each other."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Figures = TypeVar("Figures")


class UnlikeMaturityError(ValueError):
    """Figures of unlike age were to be compared; the message says which and what to do."""


@dataclass(frozen=True)
class AtAge(Generic[Figures]):
    """Figures that all records behind them had the same number of days to reach.

    Attributes:
        what: whose figures, in words for people.
        age_days: the days every record had.
        figures: the figures.
    """

    what: str
    age_days: int
    figures: Figures


def side_by_side(one: AtAge[Figures], other: AtAge[Figures]) -> tuple[Figures, Figures]:
    """Both figures, ready to be compared.

    Raises:
        UnlikeMaturityError: they are of unlike age.
    """
    if one.age_days != other.age_days:
        raise UnlikeMaturityError(
            f"{one.what} stands at {one.age_days} days and {other.what} at {other.age_days} days: the older one had more time, so "
            "the comparison would say nothing. Compare both at the same age, as in cohort_snapshots where is_complete."
        )
    return one.figures, other.figures
