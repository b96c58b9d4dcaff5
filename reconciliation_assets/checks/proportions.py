"""Whether shares of today are larger than their own past explains: a test for proportions with a weekday pattern.

Pure arrays, no tables and no policy. A share is of records or of value; both are judged as counts of so many records, where a sum of value
counts as the records that it rests on (Kish's effective sample size: the squared sum over the sum of squares), so that one large
order among small ones is no evidence.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_ROUNDING = 1e-9

# A past share this many robust standard deviations off is a break of its own and says nothing about what is usual, unless half of
# the past is like it: then it is the new level.
_OUTLIER = 4.0
_PASSES = 2
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Shares:
    """Shares of the same things, look after look.

    Attributes:
        rate: shares, by series and look; of any value where nothing was seen.
        size: on how many records each rests; 0 where nothing was seen.
    """

    rate: Floats
    size: Floats


@dataclass(frozen=True)
class Usual:
    """What a share of today should be, by series.

    Attributes:
        rate: the past's share on such a weekday.
        scatter: correlation inside a day, above 0 where days differ by more than chance.
        certainty: how many records the rate is known from.
    """

    rate: Floats
    scatter: Floats
    certainty: Floats


def usual(past: Shares, weekdays: Ints, today: int) -> Usual:
    """The usual share of a weekday: that of the past's same weekdays, drawn to the whole past's by one day's worth of records.

    Args:
        past: by series and look.
        weekdays: of every look, 0 to 6; all the same where a weekday has no pattern of its own.
        today: the weekday of the look that is judged.
    """
    size = past.size
    same = (weekdays[:, None] == np.arange(7)[None, :]).astype(float)
    kept = size > 0
    for _ in range(_PASSES):
        strange = _strange(past, _expected_of_others(past, kept, same))
        kept = (size > 0) & ~(
            strange & (2 * (strange & (size > 0)).sum(1, keepdims=True) < (size > 0).sum(1, keepdims=True))
        )
    by_weekday = _expected(past, kept, same)
    residuals = np.where(kept, _standardised(past, by_weekday[:, weekdays]) ** 2, 0.0)
    looks = kept.sum(1)
    pattern = np.unique(weekdays).size
    freedom = np.maximum(looks - pattern, 1)
    excess = np.maximum(residuals.sum(1) / freedom, 1.0)
    mean_size = np.where(kept, size, 0.0).sum(1) / np.maximum(looks, 1)
    scatter = np.clip((excess - 1) / np.maximum(mean_size - 1, 1.0), 0.0, 0.9)
    of_today = np.where(kept, size, 0.0) @ same[:, today] + mean_size
    return Usual(by_weekday[:, today], scatter, of_today / excess)


def p_value(expected: Usual, rate: Floats, size: Floats) -> Floats:
    """How likely so large a missed share is, or a larger one, if nothing changed (beta-binomial).

    The usual rate is drawn to one half by one record, so that no past is so clean that a single miss is a break; days scatter, and
    the rate is known only so well. A size that is no whole number, as that of value, counts as the whole number below.
    """
    usual_rate = (expected.rate * expected.certainty + 0.5) / (expected.certainty + 1)
    correlation = expected.scatter + (1 - expected.scatter) / (expected.certainty + 2)
    weight = 1 / correlation - 1
    missed, records = np.floor(rate * size + _ROUNDING), np.floor(size + _ROUNDING)
    likely: Floats = scipy.stats.betabinom.sf(missed - 1, records, usual_rate * weight, (1 - usual_rate) * weight)
    return likely


def _expected(past: Shares, kept: Flags, same: Floats) -> Floats:
    """The share of every weekday, by series."""
    size = np.where(kept, past.size, 0.0)
    missed = np.where(kept, past.rate, 0.0) * size
    whole = missed.sum(1) / np.maximum(size.sum(1), 1e-9)
    one_day = (size.sum(1) / np.maximum(kept.sum(1), 1))[:, None]
    rates: Floats = (missed @ same + one_day * whole[:, None]) / np.maximum(size @ same + one_day, 1e-9)
    return np.clip(rates, 0, 1)


def _expected_of_others(past: Shares, kept: Flags, same: Floats) -> Floats:
    """The share of every look's weekday in all looks but itself, so that a break does not make itself usual."""
    size = np.where(kept, past.size, 0.0)
    missed = np.where(kept, past.rate, 0.0) * size
    others = np.maximum(size.sum(1, keepdims=True) - size, 1e-9)
    whole = (missed.sum(1, keepdims=True) - missed) / others
    one_day = others / np.maximum(kept.sum(1, keepdims=True) - kept, 1)
    of_weekday, missed_of_weekday = (size @ same) @ same.T - size, (missed @ same) @ same.T - missed
    rates: Floats = (missed_of_weekday + one_day * whole) / np.maximum(of_weekday + one_day, 1e-9)
    return np.clip(rates, 0, 1)


def _standardised(past: Shares, expected: Floats, allowed: float = 0.0) -> Floats:
    """How many standard deviations each look lies off; `allowed` records more or less are no deviation."""
    size = np.maximum(past.size, 1e-9)
    deviation = np.sqrt(np.maximum(expected * (1 - expected), 1e-6) / size + (allowed / size) ** 2)
    standardised: Floats = (past.rate - expected) / deviation
    return standardised


def _strange(past: Shares, expected: Floats) -> Flags:
    """Looks far above what is expected of them, measured by how the middle half of all looks spreads."""
    seen = past.size > 0
    standardised = np.where(seen, _standardised(past, expected, allowed=1.0), np.nan)
    spread = np.ones(seen.shape[0])
    some = seen.any(1)
    middle = np.nanmedian(standardised[some], axis=1, keepdims=True)
    spread[some] = _MAD_TO_DEVIATION * np.nanmedian(np.abs(standardised[some] - middle), axis=1)
    strange: Flags = np.nan_to_num(standardised) / np.maximum(spread, 1.0)[:, None] > _OUTLIER
    return strange
