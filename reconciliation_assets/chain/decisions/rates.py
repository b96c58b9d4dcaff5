"""Is a rate lower than those it is held against by more than chance and nature explain?

Healthy segments differ: by the luck of few records, and by nature. The first is binomial; the second is a spread of their log
odds, read from the segments themselves. A rate is held against the logistic-normal binomial that both make together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import chdtr, chdtri, expit, logit

from reconciliation_assets.chain.decisions.maturity import AtAge, side_by_side

Numbers = NDArray[np.float64]

# The share of the segments whose spread is asked, those least far off, and the mean of the squares of normal deviates that are
# among them.
_ASKED = 0.8
_MEAN_OF_SQUARES = float(chdtr(3, chdtri(1, 1 - _ASKED))) / _ASKED
# With fewer segments their spread cannot be told from chance, and the policy's own is taken.
_FEWEST_TO_TELL_SPREAD = 6
# How far above its mean, in standard deviations, the mean of squares must be before a wider spread is believed.
_BELIEVED_FROM = 0.5
_WIDEST_SPREAD = 2.0
_SMALLEST = 1e-12
# The normal curve, finely enough for tails of one in a million.
_STEPS = np.linspace(-6, 6, 121)
_WEIGHTS = np.exp(-(_STEPS**2) / 2) / np.exp(-(_STEPS**2) / 2).sum()


@dataclass(frozen=True)
class PassCounts:
    """How many records entered a step and how many passed it, segment by segment."""

    entered: Numbers
    passed: Numbers

    @property
    def rate(self) -> Numbers:
        """Share that passed; nothing where none entered."""
        rate: Numbers = np.divide(
            self.passed, self.entered, out=np.full(len(self.entered), np.nan), where=self.entered > 0
        )
        return rate


@dataclass(frozen=True)
class RateComparison:
    """How a segment's rate stands to what it is held against.

    Attributes:
        expected: the rate a healthy segment in its place would have.
        expected_low: lower end of the 95 % interval of the expected rate.
        expected_high: upper end of it.
        chance: probability that a healthy segment comes out as low as this or lower.
    """

    expected: Numbers
    expected_low: Numbers
    expected_high: Numbers
    p_value: Numbers


def interval(passed: Numbers, entered: Numbers) -> tuple[Numbers, Numbers]:
    """Both ends of the 95 % interval of a rate (Jeffreys'), 0 and 1 where nothing or everything passed."""
    low = np.where(passed > 0, scipy.stats.beta.ppf(0.025, passed + 0.5, entered - passed + 0.5), 0.0)
    high = np.where(passed < entered, scipy.stats.beta.ppf(0.975, passed + 0.5, entered - passed + 0.5), 1.0)
    return low, high


def others(counts: PassCounts) -> PassCounts:
    """For each segment, all other segments together."""
    return PassCounts(counts.entered.sum() - counts.entered, counts.passed.sum() - counts.passed)


def compared_with_peers(own: AtAge[PassCounts], peers: AtAge[PassCounts], spread: float) -> RateComparison:
    """Each segment against all others of its kind.

    The expected rate is the mean of the others, weighted by how much each is worth (DerSimonian and Laird's weights), so that
    one large peer does not speak for all.

    Args:
        own: segments, at one age.
        peers: the same segments, as peers of each other, at the same age.
        spread: standard deviation of the log odds of healthy segments.

    Raises:
        UnlikeMaturityError: the ages differ.
    """
    counts, rivals = side_by_side(own, peers)
    pooled = _inside(others(rivals))
    nature = (pooled * (1 - pooled) * spread) ** 2
    # Rows are segments, columns their peers.
    size = len(counts.entered)
    chance_variance = (pooled * (1 - pooled))[:, None] / np.maximum(rivals.entered, 1)[None, :]
    weight = 1 / (nature[:, None] + chance_variance)
    weight[np.eye(size, dtype=bool)] = 0
    weight[:, rivals.entered == 0] = 0
    total = np.maximum(weight.sum(axis=1), _SMALLEST)
    rates = np.nan_to_num(rivals.rate)
    mean = np.clip((weight * rates[None, :]).sum(axis=1) / total, _least(rivals), 1 - _least(rivals))
    return _standing(counts, mean, 1 / total, nature)


def compared_with_past(own: AtAge[PassCounts], past: AtAge[PassCounts], spread: float) -> RateComparison:
    """Each segment against its own past.

    Args:
        own: segments in the recent period.
        past: the same segments in the period before, at the same age.
        spread: standard deviation of the log odds by which a healthy segment moves.

    Raises:
        UnlikeMaturityError: the ages differ.
    """
    counts, before = side_by_side(own, past)
    mean = _inside(before)
    return _standing(counts, mean, mean * (1 - mean) / np.maximum(before.entered, 1), (mean * (1 - mean) * spread) ** 2)


def natural_spread(counts: PassCounts, expected: Numbers, expected_variance: Numbers, at_least: float) -> float:
    """The spread of healthy log odds at which most segments are as far off as chance has it.

    The fifth that is furthest off is not asked, so that a few sick segments do not make the rest look as if they differed by
    nature; and what all share, such as a month that was bad for everybody, is no difference between them.

    Args:
        counts: segments.
        expected: the rate of each one's peers, or of its past.
        expected_variance: how unsure that rate is.
        at_least: the policy's least spread, which also stands where segments are too few to tell.
    """
    known = counts.entered > 0
    if known.sum() < _FEWEST_TO_TELL_SPREAD:
        return at_least
    entered, rate = counts.entered[known], counts.rate[known]
    mean, unsure = expected[known], expected_variance[known]
    binomial = mean * (1 - mean) / entered + unsure
    enough = _MEAN_OF_SQUARES * (1 + _BELIEVED_FROM * np.sqrt(2 / known.sum()))
    low, high = 0.0, _WIDEST_SPREAD
    for _ in range(40):
        middle = (low + high) / 2
        deviates = (rate - mean) / np.sqrt(binomial + (mean * (1 - mean) * middle) ** 2)
        squares = np.sort((deviates - np.median(deviates)) ** 2)
        if squares[: round(len(squares) * _ASKED)].mean() > enough:
            low = middle
        else:
            high = middle
    return max(at_least, (low + high) / 2)


def evidence_for(counts: PassCounts, expected: Numbers) -> Numbers:
    """How much better a rate of its own explains each segment than the expected one does: the log likelihood ratio."""
    rate = np.clip(counts.rate, _SMALLEST, 1 - _SMALLEST)
    lost = counts.entered - counts.passed
    ratio: Any = counts.passed * np.log(rate / expected) + lost * np.log((1 - rate) / (1 - expected))
    return np.where(counts.rate < expected, ratio, 0.0)


def _standing(counts: PassCounts, mean: Numbers, mean_variance: Numbers, nature: Numbers) -> RateComparison:
    """The tail of a binomial whose log odds are normal: around the expected rate, as far as nature and the unsure mean allow."""
    room = mean * (1 - mean)
    sigma = np.sqrt(mean_variance + nature) / room
    log_odds = logit(mean)[:, None] + sigma[:, None] * _STEPS[None, :]
    tails = scipy.stats.binom.cdf(counts.passed[:, None], counts.entered[:, None], expit(log_odds))
    margin = 1.96 * np.sqrt(mean_variance)
    return RateComparison(
        mean, np.clip(mean - margin, 0, 1), np.clip(mean + margin, 0, 1), np.clip(tails @ _WEIGHTS, 0, 1)
    )


def _least(counts: PassCounts) -> Numbers:
    """The smallest rate that a number of records can show apart from none."""
    return 0.5 / np.maximum(others(counts).entered, 1)


def _inside(counts: PassCounts) -> Numbers:
    """A rate, kept off 0 and 1, which no number of records proves."""
    return (counts.passed + 0.5) / (counts.entered + 1)
