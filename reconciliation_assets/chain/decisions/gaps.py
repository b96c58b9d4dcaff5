"""Stretches of days on which a channel missed far more of its records than on its other days (a Bernoulli scan statistic)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Counts = NDArray[np.int64]

# Longer stretches are no gap but how the channel is tracked.
_LONGEST_DAYS = 60
_FEWEST_MISSES = 5
_MOST_GAPS = 5
# In a gap most records miss; beside it most do not.
_FROM_RATE, _USUAL_UP_TO = 0.5, 0.25
# Chance that any stretch of a channel looks like this by luck, all stretches that were tried taken together.
_CHANCE = 0.001


@dataclass(frozen=True)
class Gap:
    """A stretch of days, by their place among the days given.

    Attributes:
        first: its first day.
        last: its last day, which belongs to it.
        records: records of the stretch.
        misses: of those, how many miss.
        usual_rate: share that misses on all other days.
    """

    first: int
    last: int
    records: int
    misses: int
    usual_rate: float


def gaps(days: Counts, records: Counts, misses: Counts) -> Iterator[Gap]:
    """The stretches of one channel, the surest first, none of them overlapping.

    Kulldorff's scan: of all stretches that begin and end with a miss, the one with the largest likelihood ratio, held against
    the rate of the other days by a binomial tail times the number of stretches (Bonferroni). What was found is taken out and
    the rest is asked again.

    Args:
        days: day numbers, ascending, of the days with records.
        records: how many records each day has.
        misses: how many of them miss.
    """
    left = np.ones(len(days), dtype=bool)
    for _ in range(_MOST_GAPS):
        found = _surest(days, np.where(left, records, 0), np.where(left, misses, 0))
        if found is None:
            return
        yield found
        left[found.first : found.last + 1] = False


def _surest(days: Counts, records: Counts, misses: Counts) -> Gap | None:
    ends = np.flatnonzero(misses)
    if misses.sum() < _FEWEST_MISSES:
        return None
    first, last = np.nonzero(
        (days[ends][None, :] >= days[ends][:, None]) & (days[ends][None, :] - days[ends][:, None] < _LONGEST_DAYS)
    )
    first, last = ends[first], ends[last]
    so_far, missed_so_far = np.concatenate([[0], records.cumsum()]), np.concatenate([[0], misses.cumsum()])
    inside, missed = so_far[last + 1] - so_far[first], missed_so_far[last + 1] - missed_so_far[first]
    outside, missed_outside = records.sum() - inside, misses.sum() - missed
    rate, usual = missed / inside, (missed_outside + 0.5) / (outside + 1)
    is_gap = (missed >= _FEWEST_MISSES) & (rate >= _FROM_RATE) & (usual <= _USUAL_UP_TO) & (outside > 0)
    if not is_gap.any():
        return None
    evidence = np.where(is_gap, _log_likelihood(missed, inside) - _log_likelihood_at(missed, inside, usual), -np.inf)
    place = int(evidence.argmax())
    p_value = float(binom.sf(missed[place] - 1, inside[place], usual[place])) * len(first)
    if p_value > _CHANCE:
        return None
    return Gap(
        int(first[place]),
        int(last[place]),
        int(inside[place]),
        int(missed[place]),
        float(missed_outside[place] / outside[place]),
    )


def _log_likelihood(missed: Counts, inside: Counts) -> NDArray[np.float64]:
    """Of the counts at their own rate; a rate of all or none has no part that could be logged."""
    rate = np.clip(missed / inside, 1e-9, 1 - 1e-9)
    return _log_likelihood_at(missed, inside, rate)


def _log_likelihood_at(missed: Counts, inside: Counts, rate: NDArray[np.float64]) -> NDArray[np.float64]:
    likelihood: NDArray[np.float64] = missed * np.log(rate) + (inside - missed) * np.log(1 - rate)
    return likelihood
