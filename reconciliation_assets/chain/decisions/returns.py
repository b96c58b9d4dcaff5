"""Collected money per spend with its interval, and what is still to come, from the weeks of a campaign."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_FEWEST = 3


@dataclass(frozen=True)
class Ratio:
    """A ratio of two sums with its 95 % interval."""

    value: float
    low: float
    high: float


def ratio(above: Numbers, below: Numbers) -> Ratio | None:
    """The ratio of two sums over weeks, as sure as the weeks agree with each other.

    Weeks are the units drawn: money of one week hangs together, so records would make it look surer than it is.

    Returns:
        Nothing where there is nothing below, or there are too few weeks to tell.
    """
    weeks, total = len(below), float(below.sum())
    if weeks < _FEWEST or total <= 0:
        return None
    value = float(above.sum()) / total
    residual = above - value * below
    error = np.sqrt(weeks / (weeks - 1) * float((residual**2).sum())) / total
    margin = float(scipy.stats.t.ppf(0.975, weeks - 1)) * error
    return Ratio(value, value - margin, value + margin)


def poisson_interval(sales: int) -> tuple[float, float]:
    """Between how many sales would lie if luck alone had varied them: the 95 % interval of a count (Garwood's).

    Weeks without a single sale agree with each other perfectly and prove little; this says how little.
    """
    return float(scipy.stats.chi2.ppf(0.025, 2 * sales) / 2) if sales else 0.0, float(
        scipy.stats.chi2.ppf(0.975, 2 * sales + 2) / 2
    )


@dataclass(frozen=True)
class CollectionCurve:
    """Which share of the money of a week is in at each age, of what is in at the longest maturity.

    Attributes:
        shares: by age in days.
        last_age: the longest maturity, at which the share is 1.
    """

    shares: dict[int, Ratio]
    last_age: int


def collection_curve(collected: dict[int, Numbers], last_age: int) -> CollectionCurve | None:
    """A campaign's own curve.

    Args:
        collected: money of each of its mature weeks, by age in days.

    Returns:
        Nothing where nothing was collected or there are too few weeks.
    """
    final = collected.get(last_age)
    if final is None:
        return None
    shares = {age: ratio(money, final) for age, money in collected.items()}
    known = {age: share for age, share in shares.items() if share is not None}
    return CollectionCurve(known, last_age) if len(known) == len(collected) else None


def projected(
    spend: Numbers, collected: Numbers, collected_exact: Numbers, ages: list[int], curve: CollectionCurve
) -> tuple[Ratio, Ratio] | None:
    """What young weeks will have collected per spend at the longest maturity, and the share of it that is in.

    Money at each week's own age is held against the spend times the share that is in at that very age.

    Returns:
        Collected ROAS as expected, from exact links at the surest share to all links at the most cautious one; and the share
        of the final money that is in. Nothing where hardly anything can be in yet.
    """
    middle, low, high = (
        np.array([getattr(curve.shares[age], end) for age in ages]) for end in ("value", "low", "high")
    )
    weights = np.array([float((spend * np.clip(share, 0, 1)).sum()) for share in (middle, low, high)])
    if weights[1] <= 0 or spend.sum() <= 0:
        return None
    share = weights / float(spend.sum())
    own, exact = ratio(collected, spend * middle), ratio(collected_exact, spend * middle)
    if own is None or exact is None:
        return None
    # Both are unsure: how the weeks differ, and how much is in.
    low_end = min(exact.low, float(exact.value) * weights[0] / weights[2])
    high_end = max(own.high, float(own.value) * weights[0] / weights[1])
    return Ratio(own.value, low_end, high_end), Ratio(float(share[0]), float(share[1]), float(share[2]))
