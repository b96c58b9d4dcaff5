"""Falls: whether a link's match rate fell against its own past, since when, and which segment explains the fall.

Pure functions: daily coverage in, at most one fall out. Coverage is kept as it was observed each morning, by age of the day, so
that a recent day is compared with days at the same age: links arrive late, and yesterday always looks worse today than it will
in a week.
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
from reconciliation_assets.contracts.vocabulary import SEGMENT_KINDS

# Days assessed together: the newest alone; three days for few records a day; a week for slow declines.
SPANS = (1, 3, 7)
AGES = max(SPANS)

# With fewer observed mornings the usual rate is unknown.
FEWEST_MORNINGS = 14
# Segments within this factor of the largest share compete as the explanation.
_NEARLY_ALL = 0.9
# Segment of records with an empty field; it never explains a fall.
NO_SEGMENT = "(none)"

Measure = Literal["records", "value"]
MEASURES: tuple[Measure, ...] = ("records", "value")


@dataclass(frozen=True)
class DailyCoverage:
    """A link's coverage as observed on consecutive mornings; the last morning is the one that is assessed.

    Attributes:
        segments: kind and name of every segment; the total is ("all", "").
        mornings: ascending, without a gap; a morning without a run has no records.
        records, missed: counts, shape (segment, morning, age of the day: 1 to AGES days before the morning).
        value, missed_value, value_squares: sums in the reporting currency, same shape.
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
    """Limits from which a lower match rate counts as a fall.

    Attributes:
        drop: minimum drop of the rate below its past, as a share.
        records: minimum number of records that should match, today and in the past.
        p_value: accepted probability of a false alarm per morning.
        floors: by measure, the match rate below which a smaller drop counts too.
    """

    drop: float
    records: int
    p_value: float
    floors: dict[Measure, float]


@dataclass(frozen=True)
class ExplainingSegment:
    """The segment that explains a fall best.

    Attributes:
        share: its share of the fall, 0 to 1.
        missed, missed_value: its unmatched records and their value, in the assessed days.
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
        where: the segment in which the fall was found: the total, or the segment with the lowest p-value.
        days: number of days assessed together, up to the day before the morning.
        since: the first day of the fall.
        before, now: match rates observed at the same age.
        p_value: probability of so large a fall by chance, adjusted for all tests.
        missed, missed_value: unmatched records and their value, in the assessed days.
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
class _Test:
    """Test of one span and measure over all segments."""

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


def rates(coverage: DailyCoverage) -> tuple[int, float] | None:
    """Records and match rate of the total over the last week; None if no record was expected to match."""
    whole = coverage.segments.index(("all", ""))
    records = int(coverage.records[whole, -1].sum())
    return (records, 1 - float(coverage.missed[whole, -1].sum()) / records) if records else None


def mornings_known(coverage: DailyCoverage) -> int:
    """Number of past mornings with any record."""
    whole = coverage.segments.index(("all", ""))
    return int((coverage.records[whole, :-1].sum(1) > 0).sum())


def find_fall(coverage: DailyCoverage, limits: Limits) -> Fall | None:
    """The most significant fall of the last morning, if any: the total before its segments, short spans before long ones.

    The total and its segments are two families of tests, each with half the false-alarm probability. Inside a family all spans,
    measures and segments are tested together (Benjamini-Hochberg), so that many segments raise no more alarms than few.
    """
    if ("all", "") not in coverage.segments or mornings_known(coverage) < FEWEST_MORNINGS:
        return None
    whole = np.array([kind == "all" for kind, _ in coverage.segments])
    test = list(_tests(coverage, limits, whole))
    p_values = np.stack([each.p_values for each in test])
    is_fall = np.zeros_like(p_values, dtype=bool)
    for family in (whole, ~whole):
        judged = p_values[:, family]
        is_tested = ~np.isnan(judged)
        if is_tested.any():
            adjusted = np.ones_like(judged)
            adjusted[is_tested] = scipy.stats.false_discovery_control(judged[is_tested])
            p_values[:, family] = np.where(is_tested, 2 * adjusted, np.nan)
            is_fall[:, family] = adjusted <= limits.p_value / 2
    for position, each in enumerate(test):
        is_fall[position] &= each.drop >= _least_drop(each, limits, whole)
        is_fall[position] &= _is_still_low(each, test)
    for family in (whole, ~whole):
        for position, each in enumerate(test):
            found = np.flatnonzero(is_fall[position] & family)
            if len(found):
                surest = int(found[np.argmin(p_values[position, found])])
                return _fall(coverage, each, surest, float(p_values[position, surest]), whole)
    return None


def explaining_segment(
    segments: Sequence[tuple[str, str]], rate: Floats, size: Floats, expected: Floats
) -> tuple[int, float] | None:
    """Index of the segment that explains a fall best, and its share of the fall; None if no segment does.

    Of the segments with nearly the largest share, the smallest one: a market or source that contains a broken form shows the
    same fall, but the form is more specific.

    Args:
        segments: kind and name, including the total.
        rate: unmatched share now, by segment.
        size: denominator of `rate`, in the fall's own measure.
        expected: usual unmatched share, by segment.
    """
    whole = segments.index(("all", ""))
    excess = np.where(size > 0, size * (rate - expected), 0.0)
    fall = excess[whole]
    shares = np.clip(excess / fall, 0, 1) if fall > 0 else np.zeros_like(excess)
    # A segment that contains everything explains nothing, and neither does the segment of empty fields.
    shares[size >= size[whole]] = 0
    shares[[name == NO_SEGMENT for _, name in segments]] = 0
    if not (shares > 0).any():
        return None
    near: list[int] = np.flatnonzero(shares >= _NEARLY_ALL * shares.max()).tolist()
    best = min(near, key=lambda each: (size[each], SEGMENT_KINDS.index(segments[each][0]), segments[each][1]))
    return int(best), float(shares[best])


def _tests(coverage: DailyCoverage, limits: Limits, whole: Flags) -> Iterator[_Test]:
    weekdays = np.array([morning.weekday() for morning in coverage.mornings], dtype=np.int64)
    for span in SPANS:
        records, missed, value, missed_value, squares = (
            figures[:, :, :span].sum(2)
            for figures in (
                coverage.records,
                coverage.missed,
                coverage.value,
                coverage.missed_value,
                coverage.value_squares,
            )
        )
        pattern = weekdays if span < AGES else np.zeros_like(weekdays)
        past = slice(0, len(coverage.mornings) - span)
        for measure in MEASURES:
            if measure == "records":
                shares = Shares(_ratio(missed, records), records)
            else:
                shares = Shares(_ratio(missed_value, value), _ratio(value**2, squares))
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
            # A rate within its usual range needs no test, but it counts in the adjustment for multiple tests.
            p_values = np.where(is_enough, 1.0, np.nan)
            doubtful = np.flatnonzero(is_enough & (drop >= _least_drop_of(limits, measure, rate, whole)))
            if len(doubtful):
                picked = Usual(expected.rate[doubtful], expected.scatter[doubtful], expected.certainty[doubtful])
                p_values[doubtful] = p_value(picked, rate[doubtful], size[doubtful])
            yield _Test(span, measure, shares, expected, drop, p_values, is_enough)


def _least_drop(test: _Test, limits: Limits, whole: Flags) -> Floats:
    return _least_drop_of(limits, test.measure, test.now, whole)


def _least_drop_of(limits: Limits, measure: Measure, missed: Floats, whole: Flags) -> Floats:
    """The policy's drop by segment; any drop counts where it leaves the total below the policy's floor."""
    floor = limits.floors.get(measure)
    least = np.full(missed.shape, limits.drop)
    if floor is not None:
        least[whole & (1 - missed < floor)] = np.finfo(float).eps
    return least


def _is_still_low(test: _Test, tests: Sequence[_Test]) -> Flags:
    """Whether the newest days with enough records still show at least half the drop; a fall that has ended is not reported."""
    newest_drop = np.full(test.drop.shape, np.nan)
    for each in tests:
        if each.measure == test.measure:
            newest_drop = np.where(np.isnan(newest_drop) & each.is_enough, each.drop, newest_drop)
    goes_on: Flags = newest_drop >= test.drop / 2
    return goes_on


def _fall(coverage: DailyCoverage, test: _Test, where: int, accident: float, whole: Flags) -> Fall:
    figures = coverage.records if test.measure == "records" else coverage.value
    size = figures[:, -1, : test.span].sum(1)
    missed = coverage.missed[:, -1, : test.span].sum(1)
    missed_value = coverage.missed_value[:, -1, : test.span].sum(1)
    found = explaining_segment(coverage.segments, test.now, size, test.expected.rate)
    if found is None or not whole[where]:
        excess = size * test.drop
        total = excess[whole][0]
        found = (where, float(np.clip(excess[where] / total, 0, 1)) if total > 0 else 1.0)
    segment, share = found
    kind, name = coverage.segments[segment]
    return Fall(
        measure=test.measure,
        where=coverage.segments[where],
        days=test.span,
        since=_since(coverage, test, where),
        before=1 - float(test.expected.rate[where]),
        now=1 - float(test.now[where]),
        p_value=min(accident, 1.0),
        missed=int(missed[where]),
        missed_value=float(missed_value[where]),
        explaining_segment=ExplainingSegment(kind, name, share, int(missed[segment]), float(missed_value[segment])),
    )


def _since(coverage: DailyCoverage, test: _Test, where: int) -> date:
    """The first day of the latest unbroken run of days with at least half the drop, as observed today."""
    missed, size = (
        (coverage.missed, coverage.records) if test.measure == "records" else (coverage.missed_value, coverage.value)
    )
    low = test.expected.rate[where] + test.drop[where] / 2
    first = 1
    for age in range(1, AGES + 1):
        of_day = size[where, -1, age - 1]
        if of_day and missed[where, -1, age - 1] / of_day < low:
            break
        if of_day:
            first = age
    return coverage.mornings[-1] - timedelta(days=first)


def _ratio(part: Floats, whole: Floats) -> Floats:
    divided: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return divided
