"""Time in the sample company: instants are seconds since 1970 (UTC), days are those of Asia/Dubai.

`NEVER` stands for an event that does not happen; comparing with it needs no special case.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets_tests.lab.sample.arrays import Floats, Ints, Random

HOUR = 3_600
DAY = 24 * HOUR
NEVER = 2**61
DUBAI = timezone(timedelta(hours=4))

_DUBAI_SECONDS = 4 * HOUR
_OFFSETS = ("+00:00", "+03:00", "+04:00")
_OFFSET_SECONDS = np.array([0, 3 * HOUR, 4 * HOUR], dtype=np.int64)

# Share of a Gulf shop's and institute's contacts by hour of the local day: quiet mornings, late evenings.
_HOUR_SHARES = (4, 3, 2, 1, 1, 1, 1, 2, 3, 4, 5, 5, 5, 5, 4, 5, 6, 6, 7, 8, 9, 9, 8, 6)
# Monday first. The UAE rests on Saturday and Sunday, Saudi Arabia and Kuwait on Friday and Saturday.
_WEEK_RHYTHM = {
    "AE": (0.95, 0.97, 1.0, 1.06, 1.12, 1.0, 0.9),
    "SA": (0.95, 0.98, 1.04, 1.14, 0.92, 0.95, 1.02),
    "KW": (0.95, 0.98, 1.04, 1.14, 0.9, 0.95, 1.04),
}


def midnight(day: date) -> int:
    """Return the instant at which a day begins in Dubai."""
    return int(datetime(day.year, day.month, day.day, tzinfo=DUBAI).timestamp())


def pull_cadence(opened: date, days: int, market: str) -> Floats:
    """Return the demand of each day relative to an average one: the market's week, and slow growth."""
    week = np.array(_WEEK_RHYTHM[market])
    number = np.arange(days)
    demand: Floats = (0.85 + 0.3 * number / max(days - 1, 1)) * week[(number + opened.weekday()) % 7]
    return demand


def seconds_of_day(random: Random, size: int) -> Ints:
    """Draw instants within a day, in seconds after midnight, by the hours at which people are awake."""
    shares = np.cumsum(_HOUR_SHARES) / sum(_HOUR_SHARES)
    hours = np.searchsorted(shares, random.random(size), side="right")
    return (hours * HOUR + random.integers(0, HOUR, size)).astype(np.int64)


def hours_after(random: Random, median: float, spread: float, size: int) -> Ints:
    """Draw waiting times in seconds around a median in hours (log-normal, at least one minute)."""
    return np.maximum(60, random.lognormal(np.log(median * HOUR), spread, size)).astype(np.int64)


def days_between(random: Random, least: float, most: float, size: int) -> Ints:
    """Draw waiting times in seconds, even between two numbers of days."""
    return random.integers(int(least * DAY), int(most * DAY), size)


def months(instants: Ints) -> Ints:
    """Return the Dubai calendar month of each instant, in months since January 1970."""
    return (instants + _DUBAI_SECONDS).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def month_name(month: int) -> str:
    """Return a month number as YYYY-MM."""
    return str(np.datetime64(int(month), "M"))


def day_names(opened: date, numbers: Ints) -> pa.Array:
    """Return days counted from the opening as ISO 8601 dates."""
    days: Sequence[str] = [
        str(opened + timedelta(days=int(number))) for number in range(int(numbers.max(initial=0)) + 1)
    ]
    return pa.array(days, pa.string()).take(pa.array(numbers))


def iso(instants: Ints, offsets: Ints) -> pa.Array:
    """Return instants as ISO 8601 text in the given offsets (0 = UTC, 1 = +03:00, 2 = +04:00); NEVER gives null."""
    happens = instants < NEVER
    local = np.where(happens, instants + _OFFSET_SECONDS[offsets], 0)
    seconds = pa.array(local, pa.timestamp("s"), mask=~happens)
    text = pc.utf8_replace_slice(seconds.cast(pa.string()), start=10, stop=11, replacement="T")
    return pc.binary_join_element_wise(text, pa.array(_OFFSETS).take(pa.array(offsets)), "")


def naive_iso(instants: Ints) -> pa.Array:
    """Return instants as ISO 8601 text in Dubai's time, without an offset."""
    seconds = pa.array(instants + _DUBAI_SECONDS, pa.timestamp("s"))
    return pc.utf8_replace_slice(seconds.cast(pa.string()), start=10, stop=11, replacement="T")


def as_instant(moment: datetime) -> int:
    """Return an aware datetime as seconds since 1970."""
    return int(moment.astimezone(UTC).timestamp())
