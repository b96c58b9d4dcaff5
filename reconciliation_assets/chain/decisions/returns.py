"""Collected ROAS with its interval, and the expected final ROAS, from the weeks of a campaign."""

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
    """The ratio of two sums over weeks; its interval comes from the variation between weeks.

    Weeks are the sampling units: the money of one week is correlated, so an interval over records would be too narrow.

    Returns:
        None if the denominator is not above 0 or there are too few weeks.
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
    """The 95 % interval of a count of sales (Garwood's exact Poisson interval).

    It covers what the variation between weeks cannot: weeks without any sale do not vary, but prove little.
    """
    return float(scipy.stats.chi2.ppf(0.025, 2 * sales) / 2) if sales else 0.0, float(
        scipy.stats.chi2.ppf(0.975, 2 * sales + 2) / 2
    )


@dataclass(frozen=True)
class CollectionCurve:
    """Share of a week's money that is collected at each age, of the money collected at the longest maturity.

    Attributes:
        shares: by age in days.
        last_age: the longest maturity, at which the share is 1.
    """

    shares: dict[int, Ratio]
    last_age: int


def collection_curve(collected: dict[int, Numbers], last_age: int) -> CollectionCurve | None:
    """The collection curve of a campaign.

    Args:
        collected: money of each of its mature weeks, by age in days.

    Returns:
        None if nothing was collected or there are too few weeks.
    """
    final = collected.get(last_age)
    if final is None:
        return None
    shares = {age: ratio(money, final) for age, money in collected.items()}
    known = {age: share for age, share in shares.items() if share is not None}
    return CollectionCurve(known, last_age) if len(known) == len(collected) else None


def project_roas(
    spend: Numbers, collected: Numbers, collected_exact: Numbers, ages: list[int], curve: CollectionCurve
) -> tuple[Ratio, Ratio] | None:
    """The expected ROAS of young weeks at the longest maturity, and the share of their money that is collected by now.

    The ROAS is the money at each week's own age, divided by the spend times the curve's share at that age.

    Returns:
        Expected collected ROAS, with the low end from exact links and the high end from all links; and the share of the
        final money that is collected. None if almost nothing can be collected yet.
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
    # Two uncertainties: the variation between weeks, and the share that is collected.
    low_end = min(exact.low, float(exact.value) * weights[0] / weights[2])
    high_end = max(own.high, float(own.value) * weights[0] / weights[1])
    return Ratio(own.value, low_end, high_end), Ratio(float(share[0]), float(share[1]), float(share[2]))
