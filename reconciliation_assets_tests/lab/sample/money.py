"""Money in the sample company: whole minor units (fils, halalas, cents) of a currency, never floats.

Rates to the dirham are fixed: the riyal's and the US dollar's pegs, and one steady rate for the Kuwaiti dinar. A rate that
moved would leave exchange differences between an order and its payment, whose bridge line is not beyond doubt.
Riyal amounts are whole, so that the peg written with six decimals and the exact one round to the same fils.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets_tests.lab.sample.arrays import Floats, Ints

MARKETS = ("AE", "SA", "KW")
CURRENCIES = ("AED", "SAR", "KWD", "USD")  # the first three are the markets' own, in the markets' order
KWD_RATE = "11.960000"

_MINOR_UNITS = np.array([100, 100, 1_000, 100], dtype=np.int64)
# Fils of a dirham per minor unit, as exact fractions: 1, 3.6725 / 3.75, 11.96 / 10, 3.6725.
_RATE_OVER = np.array([1, 1_469, 1_196, 36_725], dtype=np.int64)
_RATE_UNDER = np.array([1, 1_500, 1_000, 10_000], dtype=np.int64)
# Steps of attributed values that convert without a remainder: 1 fils, 15 riyals, 10 fils, 4 dollars.
_EXACT_STEP = np.array([1, 1_500, 1_000, 400], dtype=np.int64)


def in_fils(amounts: Ints, currencies: Ints) -> Ints:
    """Convert amounts (minor units, not negative) to fils of the dirham, each rounded half-even."""
    whole, rest = np.divmod(amounts * _RATE_OVER[currencies], _RATE_UNDER[currencies])
    twice = 2 * rest
    up = (twice > _RATE_UNDER[currencies]) | ((twice == _RATE_UNDER[currencies]) & (whole % 2 == 1))
    fils: Ints = whole + up
    return fils


def nearest(dirhams: Floats, currencies: Ints) -> Ints:
    """Turn values in dirhams into the nearest minor units of the currency."""
    return np.rint(dirhams * 100 * _RATE_UNDER[currencies] / _RATE_OVER[currencies]).astype(np.int64)


def price_step(amounts: Ints, currencies: Ints) -> Ints:
    """Return the step prices move in: 5 fils, whole riyals (5 from 1,000, 15 from 5,000), 10 Kuwaiti fils."""
    riyals = np.select([amounts < 100_000, amounts < 500_000], [100, 500], 1_500)
    return np.select([currencies == 0, currencies == 1, currencies == 2], [5, riyals, 10], 1).astype(np.int64)


def price(dirhams: Floats, currencies: Ints) -> Ints:
    """Turn a value in dirhams into a price somebody would ask for in the currency, in minor units."""
    minor = (dirhams * 100 * _RATE_UNDER[currencies] / _RATE_OVER[currencies]).astype(np.int64)
    step = price_step(minor, currencies)
    prices: Ints = np.maximum(1, minor // step) * step
    return prices


def part(amounts: Ints, shares: Floats, currencies: Ints) -> Ints:
    """Return a share of each amount, at a step of its price, so that what is left is at such a step as well."""
    step = price_step(amounts, currencies)
    parts: Ints = np.maximum(1, (amounts * shares / step).astype(np.int64)) * step
    return parts


def exactly_convertible(dirhams: Floats, currencies: Ints) -> Ints:
    """Turn values in dirhams into minor units that convert back without rounding, however they are summed."""
    minor = dirhams * 100 * _RATE_UNDER[currencies] / _RATE_OVER[currencies]
    step = _EXACT_STEP[currencies]
    exact: Ints = np.rint(minor / step).astype(np.int64) * step
    return exact


def amount_text(amounts: Ints, currencies: Ints) -> pa.Array:
    """Return amounts as decimals in major units; a negative one (none) gives null."""
    known = amounts >= 0
    whole, rest = np.divmod(np.where(known, amounts, 0), _MINOR_UNITS[currencies])
    two, three = (pa.array([f"{value:0{digits}d}" for value in range(1_000)]) for digits in (2, 3))
    thousandths = pa.array(_MINOR_UNITS[currencies] == 1_000)
    decimals = pc.if_else(thousandths, three.take(pa.array(rest)), two.take(pa.array(rest)))
    text = pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), decimals, ".")
    return pc.if_else(pa.array(known), text, pa.scalar(None, pa.string()))
