"""Test for proportions with a weekday pattern: whether today's shares are larger than their own past explains.

Pure array functions, without tables or policy. A share is of records or of value; both are tested as counts of records. A sum
of value counts as its effective number of records (Kish's effective sample size: the squared sum over the sum of squares), so
that one large order among small ones is no evidence.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_ROUNDING = 1e-9

# A past share more than this many robust standard deviations off is an outlier and is left out of the usual rate, unless at least
# half of the past is like it: then it is the new level.
_OUTLIER = 4.0
_PASSES = 2
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Shares:
    """Shares over time, shape (series, observation).

    Attributes:
        rate: shares, 0 to 1; any value where `size` is 0.
        size: number of records behind each share; 0 where there were none.
    """

    rate: Floats
    size: Floats


@dataclass(frozen=True)
class Usual:
    """The expected share of today, by series.

    Attributes:
        rate: usual share on that weekday.
        scatter: correlation within a day; above 0 where days differ by more than chance.
        certainty: effective number of records behind the rate.
    """

    rate: Floats
    scatter: Floats
    certainty: Floats


def usual(past: Shares, weekdays: Ints, today: int) -> Usual:
    """The usual share of a weekday: the past share of that weekday, shrunk to the overall past share by one day of records.

    Args:
        past: past shares, shape (series, observation).
        weekdays: weekday of every observation, 0 to 6; all equal if there is no weekday pattern.
        today: weekday of the assessed observation.
    """
    size = past.size
    same = (weekdays[:, None] == np.arange(7)[None, :]).astype(float)
    is_used = size > 0
    for _ in range(_PASSES):
        is_outlier = _outliers(past, _expected_of_others(past, is_used, same))
        is_used = (size > 0) & ~(
            is_outlier & (2 * (is_outlier & (size > 0)).sum(1, keepdims=True) < (size > 0).sum(1, keepdims=True))
        )
    by_weekday = _expected(past, is_used, same)
    residuals = np.where(is_used, _standardised(past, by_weekday[:, weekdays]) ** 2, 0.0)
    observations = is_used.sum(1)
    pattern = np.unique(weekdays).size
    freedom = np.maximum(observations - pattern, 1)
    excess = np.maximum(residuals.sum(1) / freedom, 1.0)
    mean_size = np.where(is_used, size, 0.0).sum(1) / np.maximum(observations, 1)
    scatter = np.clip((excess - 1) / np.maximum(mean_size - 1, 1.0), 0.0, 0.9)
    of_today = np.where(is_used, size, 0.0) @ same[:, today] + mean_size
    return Usual(by_weekday[:, today], scatter, of_today / excess)


def p_value(expected: Usual, rate: Floats, size: Floats) -> Floats:
    """Probability of a missed share this large or larger if nothing changed (upper tail of a beta-binomial).

    The usual rate is shrunk to one half by one record, so that a single miss after a perfect past is not a break. The
    correlation covers the scatter between days and the uncertainty of the rate. A fractional size, as for value, is rounded down.
    """
    usual_rate = (expected.rate * expected.certainty + 0.5) / (expected.certainty + 1)
    correlation = expected.scatter + (1 - expected.scatter) / (expected.certainty + 2)
    weight = 1 / correlation - 1
    missed, records = np.floor(rate * size + _ROUNDING), np.floor(size + _ROUNDING)
    likely: Floats = scipy.stats.betabinom.sf(missed - 1, records, usual_rate * weight, (1 - usual_rate) * weight)
    return likely


def _expected(past: Shares, is_used: Flags, same: Floats) -> Floats:
    """The share of every weekday, shape (series, 7)."""
    size = np.where(is_used, past.size, 0.0)
    missed = np.where(is_used, past.rate, 0.0) * size
    whole = missed.sum(1) / np.maximum(size.sum(1), 1e-9)
    one_day = (size.sum(1) / np.maximum(is_used.sum(1), 1))[:, None]
    rates: Floats = (missed @ same + one_day * whole[:, None]) / np.maximum(size @ same + one_day, 1e-9)
    return np.clip(rates, 0, 1)


def _expected_of_others(past: Shares, is_used: Flags, same: Floats) -> Floats:
    """Every observation's expected share from all other observations, so that an outlier does not raise its own expectation."""
    size = np.where(is_used, past.size, 0.0)
    missed = np.where(is_used, past.rate, 0.0) * size
    others = np.maximum(size.sum(1, keepdims=True) - size, 1e-9)
    whole = (missed.sum(1, keepdims=True) - missed) / others
    one_day = others / np.maximum(is_used.sum(1, keepdims=True) - is_used, 1)
    of_weekday, missed_of_weekday = (size @ same) @ same.T - size, (missed @ same) @ same.T - missed
    rates: Floats = (missed_of_weekday + one_day * whole) / np.maximum(of_weekday + one_day, 1e-9)
    return np.clip(rates, 0, 1)


def _standardised(past: Shares, expected: Floats, allowed: float = 0.0) -> Floats:
    """Deviation of every observation in standard deviations; `allowed` records widen the standard deviation."""
    size = np.maximum(past.size, 1e-9)
    deviation = np.sqrt(np.maximum(expected * (1 - expected), 1e-6) / size + (allowed / size) ** 2)
    standardised: Floats = (past.rate - expected) / deviation
    return standardised


def _outliers(past: Shares, expected: Floats) -> Flags:
    """Observations far above their expected share, in units of the robust spread (MAD) of all observations."""
    seen = past.size > 0
    standardised = np.where(seen, _standardised(past, expected, allowed=1.0), np.nan)
    spread = np.ones(seen.shape[0])
    some = seen.any(1)
    middle = np.nanmedian(standardised[some], axis=1, keepdims=True)
    spread[some] = _MAD_TO_DEVIATION * np.nanmedian(np.abs(standardised[some] - middle), axis=1)
    outliers: Flags = np.nan_to_num(standardised) / np.maximum(spread, 1.0)[:, None] > _OUTLIER
    return outliers
