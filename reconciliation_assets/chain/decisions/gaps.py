"""Gaps in tracking: stretches of days with far more misses of a channel than on its other days (a Bernoulli scan statistic)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Counts = NDArray[np.int64]

# A longer stretch is not a gap but the channel's normal tracking.
_LONGEST_DAYS = 60
_FEWEST_MISSES = 5
_MOST_GAPS = 5
# In a gap most records miss; outside it most do not.
_FROM_RATE, _USUAL_UP_TO = 0.5, 0.25
# Accepted probability that any stretch of a channel looks like this by chance, over all tested stretches.
_CHANCE = 0.001


@dataclass(frozen=True)
class Gap:
    """A stretch of days, as positions in the given days.

    Attributes:
        first: position of its first day.
        last: position of its last day (inclusive).
        records: number of records in the stretch.
        misses: number of those that miss.
        usual_rate: share of misses on all other days.
    """

    first: int
    last: int
    records: int
    misses: int
    usual_rate: float


def gaps(days: Counts, records: Counts, misses: Counts) -> Iterator[Gap]:
    """The gaps of one channel, the most significant first, without overlap.

    Kulldorff's scan: of all stretches that begin and end with a miss, the one with the largest likelihood ratio, tested against
    the rate of the other days by a binomial tail times the number of stretches (Bonferroni). A found gap is removed and the
    scan is repeated on the rest.

    Args:
        days: day numbers, ascending, of the days with records.
        records: number of records by day.
        misses: number of misses by day.
    """
    left = np.ones(len(days), dtype=bool)
    for _ in range(_MOST_GAPS):
        found = _most_significant(days, np.where(left, records, 0), np.where(left, misses, 0))
        if found is None:
            return
        yield found
        left[found.first : found.last + 1] = False


def _most_significant(days: Counts, records: Counts, misses: Counts) -> Gap | None:
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
    rate, usual_rate = missed / inside, (missed_outside + 0.5) / (outside + 1)
    is_gap = (missed >= _FEWEST_MISSES) & (rate >= _FROM_RATE) & (usual_rate <= _USUAL_UP_TO) & (outside > 0)
    if not is_gap.any():
        return None
    evidence = np.where(
        is_gap, _log_likelihood(missed, inside) - _log_likelihood_at(missed, inside, usual_rate), -np.inf
    )
    place = int(evidence.argmax())
    p_value = float(scipy.stats.binom.sf(missed[place] - 1, inside[place], usual_rate[place])) * len(first)
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
    """Log likelihood of the counts at their own rate, which is clipped because the log of 0 is undefined."""
    rate = np.clip(missed / inside, 1e-9, 1 - 1e-9)
    return _log_likelihood_at(missed, inside, rate)


def _log_likelihood_at(missed: Counts, inside: Counts, rate: NDArray[np.float64]) -> NDArray[np.float64]:
    likelihood: NDArray[np.float64] = missed * np.log(rate) + (inside - missed) * np.log(1 - rate)
    return likelihood
