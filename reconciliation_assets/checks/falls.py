"""Falls: whether a link's coverage fell against its own past, since when, and which segment holds the fall.

Pure: looks in, at most one fall out. A look is how the last days appeared on a morning, by their age, so that a young day is held
against days that were as young: links arrive late, and yesterday always looks worse today than it will in a week.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import scipy

from reconciliation_assets.checks.proportions import (
    Flags,
    Floats,
    Shares,
    Usual,
    p_value,
    usual,
)
from reconciliation_assets.contracts.outputs import SEGMENT_KINDS

# The newest day alone; three days for those with few records a day; a week for what slides slowly.
SPANS = (1, 3, 7)
AGES = max(SPANS)

# With fewer mornings nobody knows what is usual.
FEWEST_MORNINGS = 14
# A segment counts as a culprit from this part of the largest share on.
_NEARLY_ALL = 0.9
# Where things stand whose record says nothing; it is no place that could break.
NO_SEGMENT = "(none)"

Measure = Literal["records", "value"]
MEASURES: tuple[Measure, ...] = ("records", "value")


@dataclass(frozen=True)
class DailyCoverage:
    """How a link's coverage looked, morning after morning; the last morning is the one that is judged.

    Attributes:
        segments: kind and name of each; the whole is ("all", "").
        mornings: ascending, without a gap; a morning on which nobody looked has no records.
        records, missed: counts by segment, morning and age of the day (1 to AGES days before the morning).
        value, missed_value, value_squares: sums in the reporting currency, by the same.
    """

    segments: Sequence[tuple[str, str]]
    mornings: Sequence[date]
    records: Floats
    missed: Floats
    value: Floats
    missed_value: Floats
    value_squares: Floats


@dataclass(frozen=True)
class Limits:
    """What a fall must have.

    Attributes:
        drop: how far the rate must lie below its past, as a share.
        records: how many records must be expected to match, today and in the past.
        chance: how likely a morning may be to show a fall where none is.
        floors: by measure, the rate below which a smaller drop counts too.
    """

    drop: float
    records: int
    p_value: float
    floors: dict[Measure, float]


@dataclass(frozen=True)
class ExplainingSegment:
    """The segment that explains a fall best.

    Attributes:
        share: its part of the fall, 0 to 1.
        missed, missed_value: what did not match in it, in the days judged.
    """

    kind: str
    segment: str
    share: float
    missed: int
    missed_value: float


@dataclass(frozen=True)
class Fall:
    """A fall of a match rate.

    Attributes:
        where: the segment in which it shows: the whole, or the one that shows it most surely.
        days: how many days were judged together, up to the day before the morning.
        since: the first day of the fall.
        before, now: match rates as seen at the same age.
        chance: how likely so large a fall is by accident, all that was tried counted in.
        missed, missed_value: what did not match, in the days judged.
    """

    measure: Measure
    where: tuple[str, str]
    days: int
    since: date
    before: float
    now: float
    p_value: float
    missed: int
    missed_value: float
    explaining_segment: ExplainingSegment


@dataclass(frozen=True)
class _Tried:
    """One span and measure over all segments."""

    span: int
    measure: Measure
    shares: Shares
    expected: Usual
    drop: Floats
    p_values: Floats
    is_enough: Flags

    @property
    def now(self) -> Floats:
        return self.shares.rate[:, -1]


def rates(looks: DailyCoverage) -> tuple[int, float] | None:
    """Records and match rate of the whole over the last week; none where nothing was expected."""
    whole = looks.segments.index(("all", ""))
    records = int(looks.records[whole, -1].sum())
    return (records, 1 - float(looks.missed[whole, -1].sum()) / records) if records else None


def mornings_known(looks: DailyCoverage) -> int:
    """On how many past mornings something was seen."""
    whole = looks.segments.index(("all", ""))
    return int((looks.records[whole, :-1].sum(1) > 0).sum())


def find_fall(looks: DailyCoverage, limits: Limits) -> Fall | None:
    """The surest fall of the last morning, the newest days first, the whole before its segments; none where there is none.

    The whole and its segments are two families, each with half the chance of a false alarm; inside a family all spans,
    measures and segments are judged together (Benjamini and Hochberg), so that many segments raise no more alarms than few.
    """
    if ("all", "") not in looks.segments or mornings_known(looks) < FEWEST_MORNINGS:
        return None
    whole = np.array([kind == "all" for kind, _ in looks.segments])
    tried = list(_tried(looks, limits, whole))
    p_values = np.stack([each.p_values for each in tried])
    is_fall = np.zeros_like(p_values, dtype=bool)
    for family in (whole, ~whole):
        judged = p_values[:, family]
        is_tested = ~np.isnan(judged)
        if is_tested.any():
            adjusted = np.ones_like(judged)
            adjusted[is_tested] = scipy.stats.false_discovery_control(judged[is_tested])
            p_values[:, family] = np.where(is_tested, 2 * adjusted, np.nan)
            is_fall[:, family] = adjusted <= limits.p_value / 2
    for position, each in enumerate(tried):
        is_fall[position] &= each.drop >= _least_drop(each, limits, whole)
        is_fall[position] &= _goes_on(each, tried)
    for family in (whole, ~whole):
        for position, each in enumerate(tried):
            found = np.flatnonzero(is_fall[position] & family)
            if len(found):
                surest = int(found[np.argmin(p_values[position, found])])
                return _told(looks, each, surest, float(p_values[position, surest]), whole)
    return None


def explaining_segment(
    segments: Sequence[tuple[str, str]], rate: Floats, size: Floats, expected: Floats
) -> tuple[int, float] | None:
    """The segment that explains a fall best and its share of it: of those with nearly the largest share, the smallest.

    A market or a source that holds the broken form has the whole fall too; the form says more.

    Args:
        segments: kind and name; the whole is among them.
        rate: what was missed now, as a share, by segment.
        size: of what it is a share, in the fall's own measure.
        expected: what is missed usually.
    """
    whole = segments.index(("all", ""))
    excess = np.where(size > 0, size * (rate - expected), 0.0)
    fall = excess[whole]
    shares = np.clip(excess / fall, 0, 1) if fall > 0 else np.zeros_like(excess)
    # What holds everything is no place, and neither is what stands for an empty field.
    shares[size >= size[whole]] = 0
    shares[[name == NO_SEGMENT for _, name in segments]] = 0
    if not (shares > 0).any():
        return None
    near: list[int] = np.flatnonzero(shares >= _NEARLY_ALL * shares.max()).tolist()
    best = min(near, key=lambda each: (size[each], SEGMENT_KINDS.index(segments[each][0]), segments[each][1]))
    return int(best), float(shares[best])


def _tried(looks: DailyCoverage, limits: Limits, whole: Flags) -> Iterator[_Tried]:
    weekdays = np.array([morning.weekday() for morning in looks.mornings], dtype=np.int64)
    for span in SPANS:
        records, missed, value, missed_value, squares = (
            figures[:, :, :span].sum(2)
            for figures in (looks.records, looks.missed, looks.value, looks.missed_value, looks.value_squares)
        )
        pattern = weekdays if span < AGES else np.zeros_like(weekdays)
        past = slice(0, len(looks.mornings) - span)
        for measure in MEASURES:
            if measure == "records":
                shares = Shares(_divided(missed, records), records)
            else:
                shares = Shares(_divided(missed_value, value), _divided(value**2, squares))
            before = Shares(shares.rate[:, past], shares.size[:, past])
            expected = usual(before, pattern[past], int(pattern[-1]))
            rate, size = shares.rate[:, -1], shares.size[:, -1]
            is_enough = (
                (records[:, -1] >= limits.records)
                & (records[:, past].sum(1) >= limits.records)
                & (size >= limits.records / 2)
                & ((before.size > 0).sum(1) >= FEWEST_MORNINGS)
            )
            drop = rate - expected.rate
            # What lies within its past needs no test; it counts as tried all the same.
            p_values = np.where(is_enough, 1.0, np.nan)
            doubtful = np.flatnonzero(is_enough & (drop >= _least_drop_of(limits, measure, rate, whole)))
            if len(doubtful):
                picked = Usual(expected.rate[doubtful], expected.scatter[doubtful], expected.certainty[doubtful])
                p_values[doubtful] = p_value(picked, rate[doubtful], size[doubtful])
            yield _Tried(span, measure, shares, expected, drop, p_values, is_enough)


def _least_drop(tried: _Tried, limits: Limits, whole: Flags) -> Floats:
    return _least_drop_of(limits, tried.measure, tried.now, whole)


def _least_drop_of(limits: Limits, measure: Measure, missed: Floats, whole: Flags) -> Floats:
    """The policy's drop; any drop at all where it leaves the whole below the policy's floor."""
    floor = limits.floors.get(measure)
    least = np.full(missed.shape, limits.drop)
    if floor is not None:
        least[whole & (1 - missed < floor)] = np.finfo(float).eps
    return least


def _goes_on(tried: _Tried, all_tried: Sequence[_Tried]) -> Flags:
    """Whether the newest days with enough records lie as low as half the fall: what is over by then is no news."""
    newest_drop = np.full(tried.drop.shape, np.nan)
    for each in all_tried:
        if each.measure == tried.measure:
            newest_drop = np.where(np.isnan(newest_drop) & each.is_enough, each.drop, newest_drop)
    goes_on: Flags = newest_drop >= tried.drop / 2
    return goes_on


def _told(looks: DailyCoverage, tried: _Tried, where: int, accident: float, whole: Flags) -> Fall:
    figures = looks.records if tried.measure == "records" else looks.value
    size = figures[:, -1, : tried.span].sum(1)
    missed = looks.missed[:, -1, : tried.span].sum(1)
    missed_value = looks.missed_value[:, -1, : tried.span].sum(1)
    found = explaining_segment(looks.segments, tried.now, size, tried.expected.rate)
    if found is None or not whole[where]:
        excess = size * tried.drop
        total = excess[whole][0]
        found = (where, float(np.clip(excess[where] / total, 0, 1)) if total > 0 else 1.0)
    segment, share = found
    kind, name = looks.segments[segment]
    return Fall(
        measure=tried.measure,
        where=looks.segments[where],
        days=tried.span,
        since=_since(looks, tried, where),
        before=1 - float(tried.expected.rate[where]),
        now=1 - float(tried.now[where]),
        p_value=min(accident, 1.0),
        missed=int(missed[where]),
        missed_value=float(missed_value[where]),
        explaining_segment=ExplainingSegment(kind, name, share, int(missed[segment]), float(missed_value[segment])),
    )


def _since(looks: DailyCoverage, tried: _Tried, where: int) -> date:
    """The first of the newest days, in a row, that lie as low as half the fall, each as it looks today."""
    missed, size = (looks.missed, looks.records) if tried.measure == "records" else (looks.missed_value, looks.value)
    low = tried.expected.rate[where] + tried.drop[where] / 2
    first = 1
    for age in range(1, AGES + 1):
        of_day = size[where, -1, age - 1]
        if of_day and missed[where, -1, age - 1] / of_day < low:
            break
        if of_day:
            first = age
    return looks.mornings[-1] - timedelta(days=first)


def _divided(part: Floats, whole: Floats) -> Floats:
    divided: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return divided
