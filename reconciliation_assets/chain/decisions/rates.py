"""Test whether a rate is lower than its comparison by more than chance and natural differences explain.

Healthy segments differ by chance and by nature. Chance is binomial; natural differences are a spread of the log odds,
estimated from the segments themselves. A rate is tested against the logistic-normal binomial distribution of both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from reconciliation_assets.chain.decisions.maturity import AtAge, side_by_side

Numbers = NDArray[np.float64]

# The share of the segments from which the spread is estimated: the least deviating ones.
_SHARE_USED = 0.8
# With fewer segments the spread cannot be distinguished from chance, and the policy's spread is used.
_FEWEST_FOR_SPREAD = 6
# How far above its expectation, in standard deviations, the mean square must be to accept a wider spread.
_ACCEPTED_FROM = 0.5
_WIDEST_SPREAD = 2.0
_SMALLEST = 1e-12
# Grid of the normal density, fine enough for tails of one in a million.
_STEPS = np.linspace(-6, 6, 121)
_WEIGHTS = np.exp(-(_STEPS**2) / 2) / np.exp(-(_STEPS**2) / 2).sum()


@dataclass(frozen=True)
class PassCounts:
    """Number of records that entered and that passed a step, by segment."""

    entered: Numbers
    passed: Numbers

    @property
    def rate(self) -> Numbers:
        """Share that passed; NaN where none entered."""
        rate: Numbers = np.divide(
            self.passed, self.entered, out=np.full(len(self.entered), np.nan), where=self.entered > 0
        )
        return rate


@dataclass(frozen=True)
class RateComparison:
    """Comparison of each segment's rate with the expected rate.

    Attributes:
        expected: the rate that a healthy segment would have.
        expected_low: lower end of the 95 % interval of the expected rate.
        expected_high: upper end of that interval.
        p_value: probability that a healthy segment has a rate this low or lower.
    """

    expected: Numbers
    expected_low: Numbers
    expected_high: Numbers
    p_value: Numbers


def interval(passed: Numbers, entered: Numbers) -> tuple[Numbers, Numbers]:
    """Lower and upper end of the 95 % interval of a rate (Jeffreys); 0 where nothing passed, 1 where everything passed."""
    low = np.where(passed > 0, scipy.stats.beta.ppf(0.025, passed + 0.5, entered - passed + 0.5), 0.0)
    high = np.where(passed < entered, scipy.stats.beta.ppf(0.975, passed + 0.5, entered - passed + 0.5), 1.0)
    return low, high


def others(counts: PassCounts) -> PassCounts:
    """For each segment, the counts of all other segments together."""
    return PassCounts(counts.entered.sum() - counts.entered, counts.passed.sum() - counts.passed)


def compared_with_peers(own: AtAge[PassCounts], peers: AtAge[PassCounts], spread: float) -> RateComparison:
    """Compare each segment with all others of its kind.

    The expected rate is the mean of the others with random-effects weights (DerSimonian-Laird), so that one large peer does
    not dominate.

    Args:
        own: segments, at one age.
        peers: the same segments, as peers of each other, at the same age.
        spread: standard deviation of the log odds of healthy segments.

    Raises:
        UnlikeMaturityError: the ages differ.
    """
    counts, peer_counts = side_by_side(own, peers)
    pooled = _smoothed_rate(others(peer_counts))
    natural_variance = (pooled * (1 - pooled) * spread) ** 2
    # Rows are segments, columns their peers.
    size = len(counts.entered)
    chance_variance = (pooled * (1 - pooled))[:, None] / np.maximum(peer_counts.entered, 1)[None, :]
    weight = 1 / (natural_variance[:, None] + chance_variance)
    weight[np.eye(size, dtype=bool)] = 0
    weight[:, peer_counts.entered == 0] = 0
    total = np.maximum(weight.sum(axis=1), _SMALLEST)
    rates = np.nan_to_num(peer_counts.rate)
    mean = np.clip(
        (weight * rates[None, :]).sum(axis=1) / total, _smallest_rate(peer_counts), 1 - _smallest_rate(peer_counts)
    )
    return _compare(counts, mean, 1 / total, natural_variance)


def compared_with_past(own: AtAge[PassCounts], past: AtAge[PassCounts], spread: float) -> RateComparison:
    """Compare each segment with its own past.

    Args:
        own: segments in the recent period.
        past: the same segments in the period before, at the same age.
        spread: standard deviation of the log odds of a healthy segment over time.

    Raises:
        UnlikeMaturityError: the ages differ.
    """
    counts, before = side_by_side(own, past)
    mean = _smoothed_rate(before)
    return _compare(counts, mean, mean * (1 - mean) / np.maximum(before.entered, 1), (mean * (1 - mean) * spread) ** 2)


def natural_spread(counts: PassCounts, expected: Numbers, expected_variance: Numbers, at_least: float) -> float:
    """The natural spread of healthy segments, as standard deviation of log odds, that explains their deviations beyond chance.

    The most deviating fifth is left out, so that a few bad segments do not widen the spread. The median deviation is removed,
    because a change that all segments share, such as a bad month, is no difference between them.

    Args:
        counts: segments.
        expected: expected rate of each segment, from its peers or its past.
        expected_variance: variance of the expected rate.
        at_least: the policy's minimum spread, also used where there are too few segments.
    """
    known = counts.entered > 0
    if known.sum() < _FEWEST_FOR_SPREAD:
        return at_least
    entered, rate = counts.entered[known], counts.rate[known]
    mean, variance = expected[known], expected_variance[known]
    binomial = mean * (1 - mean) / entered + variance
    # Expected mean square of normal deviates, without the most deviating ones.
    mean_of_squares = float(scipy.special.chdtr(3, scipy.special.chdtri(1, 1 - _SHARE_USED))) / _SHARE_USED
    enough = mean_of_squares * (1 + _ACCEPTED_FROM * np.sqrt(2 / known.sum()))
    low, high = 0.0, _WIDEST_SPREAD
    for _ in range(40):
        middle = (low + high) / 2
        deviates = (rate - mean) / np.sqrt(binomial + (mean * (1 - mean) * middle) ** 2)
        squares = np.sort((deviates - np.median(deviates)) ** 2)
        if squares[: round(len(squares) * _SHARE_USED)].mean() > enough:
            low = middle
        else:
            high = middle
    return max(at_least, (low + high) / 2)


def evidence_for(counts: PassCounts, expected: Numbers) -> Numbers:
    """Log likelihood ratio of each segment's own rate to the expected rate; 0 where the own rate is not lower."""
    rate = np.clip(counts.rate, _SMALLEST, 1 - _SMALLEST)
    lost = counts.entered - counts.passed
    ratio: Any = counts.passed * np.log(rate / expected) + lost * np.log((1 - rate) / (1 - expected))
    return np.where(counts.rate < expected, ratio, 0.0)


def _compare(counts: PassCounts, mean: Numbers, mean_variance: Numbers, natural_variance: Numbers) -> RateComparison:
    """Lower tail of a logistic-normal binomial around the expected rate, with the natural variance and the variance of the mean."""
    room = mean * (1 - mean)
    sigma = np.sqrt(mean_variance + natural_variance) / room
    log_odds = scipy.special.logit(mean)[:, None] + sigma[:, None] * _STEPS[None, :]
    tails = scipy.stats.binom.cdf(counts.passed[:, None], counts.entered[:, None], scipy.special.expit(log_odds))
    margin = 1.96 * np.sqrt(mean_variance)
    return RateComparison(
        mean, np.clip(mean - margin, 0, 1), np.clip(mean + margin, 0, 1), np.clip(tails @ _WEIGHTS, 0, 1)
    )


def _smallest_rate(counts: PassCounts) -> Numbers:
    """The smallest rate above 0 that the number of peer records can show."""
    return 0.5 / np.maximum(others(counts).entered, 1)


def _smoothed_rate(counts: PassCounts) -> Numbers:
    """The rate, smoothed away from 0 and 1."""
    return (counts.passed + 0.5) / (counts.entered + 1)
