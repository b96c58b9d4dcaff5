"""The benchmark of alerts: falls sought in generated histories of links, with planted breaks and without any.

Every history is one link of a made-up company, record by record: its forms, markets and payment methods, its weekdays, how late its
links arrive, how much its days differ, and how its values spread. The falls are found by the very function that the checks use.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
from scipy.stats import binomtest, chi2

from reconciliation_assets.checks.falls import AGES, DailyCoverage, Fall, Limits, find_fall
from reconciliation_assets.checks.proportions import Floats, Ints
from reconciliation_assets.policy.model import LINKS

Break = Literal["form loses its IDs", "sync loses IDs", "one method loses its order", "large orders break"]
BREAKS: tuple[Break, ...] = ("form loses its IDs", "sync loses IDs", "one method loses its order", "large orders break")

SIZES = (15, 40, 150, 600, 2500)
QUIET_DAYS = 60
# A break that costs fewer links on its first day may hide in chance; it is counted apart.
ENOUGH_LOST = 20

_OPENED = date(2026, 1, 5)
_FOUND_WITHIN = 7
# A break is planted where it takes so many records of a day: a form with one record a day breaks unseen.
_FEWEST_OF_A_SEGMENT = 12
_FEWEST_FOR_VALUE = 40


@dataclass(frozen=True)
class Planted:
    """A break that was planted, and when it was found.

    Attributes:
        records: the link's records a day.
        lost: links that the break's first day lost by it.
        days: days from the break's first day to the morning it was found; none where it was not found in a week.
        is_named: whether the culprit is the segment that broke; none for a break without one.
    """

    kind: Break
    records: int
    lost: int
    days: int | None
    is_named: bool | None


@dataclass(frozen=True)
class Quiet:
    """A history without a break, and how many alarms it raised all the same."""

    records: int
    days: int
    alarms: int


@dataclass(frozen=True)
class _Link:
    """One link's records: the day, the segment of each kind, the value, and the days until it was linked (AGES for never in time)."""

    day: Ints
    form: Ints
    market: Ints
    method: Ints
    value: Floats
    waited: Ints
    days: int


@dataclass(frozen=True)
class Measured:
    """What one seed's histories showed."""

    planted: list[Planted]
    quiet: list[Quiet]


def measure_alerts(seed: int, limits: Limits, past_days: int, companies: int) -> Measured:
    """Break companies of every size in every way, and leave as many alone.

    Args:
        limits, past_days: what the policy asks of a fall.
        companies: how many of every size.
    """
    return Measured(
        list(plant_breaks(seed, limits, past_days, companies)), list(stay_quiet(seed, limits, past_days, companies))
    )


def plant_breaks(seed: int, limits: Limits, past_days: int, companies: int) -> Iterator[Planted]:
    """Histories of every size with one break each, and when it is found.

    The installation may be young: between three weeks and all of the past that the policy looks at is known.
    """
    random = np.random.default_rng([seed, 1])
    for _ in range(companies):
        for size in SIZES:
            for kind in BREAKS:
                first_day = past_days + AGES + int(random.integers(7))
                link = _generated(random, size, first_day + _FOUND_WITHIN + 1)
                broken, segment = _broken(random, link, first_day, kind, size)
                if broken is None:
                    continue
                broken = _broken_before(random, broken, first_day)
                found = None
                counted = _counted(broken)
                known = int(random.integers(21, past_days + 1))
                for days in range(1, _FOUND_WITHIN + 1):
                    found = find_fall(counted.looks(first_day + days, known), limits)
                    if found:
                        break
                named = (
                    (found.explaining_segment.kind, found.explaining_segment.segment) == segment
                    if found and segment
                    else None
                )
                lost = int(((broken.waited > link.waited) & (link.day == first_day)).sum())
                yield Planted(kind, size, lost, days if found else None, named)


def stay_quiet(seed: int, limits: Limits, known_days: int, companies: int) -> Iterator[Quiet]:
    """Histories of every size without a break, and how many alarms they raise."""
    random = np.random.default_rng([seed, 2])
    for _ in range(companies):
        for size in SIZES:
            link = _generated(random, size, known_days + AGES + QUIET_DAYS)
            mornings = range(known_days + AGES, known_days + AGES + QUIET_DAYS)
            counted = _counted(link)
            past_days = int(random.integers(21, known_days + 1))
            found = [find_fall(counted.looks(morning, past_days), limits) for morning in mornings]
            yield Quiet(size, QUIET_DAYS, _opened(found))


@dataclass(frozen=True)
class Found:
    """How fast one sort of break is found.

    Attributes:
        in_one_day: share found on the first morning after the break's first day, with its 95 % interval (Wilson).
        median_days: of the days until a break is found; one not found in a week counts as longer.
        rightly_named: share of those found whose culprit is the segment that broke; none for breaks without one.
    """

    what: str
    breaks: int
    in_one_day: float
    low: float
    high: float
    in_two_days: float
    median_days: float
    rightly_named: float | None


@dataclass(frozen=True)
class Alarms:
    """How often quiet histories alarm.

    Attributes:
        in_60_days: false alarms of a company with all its links in 60 days, with its 95 % interval (Poisson).
    """

    what: str
    histories: int
    days: int
    alarms: int
    in_60_days: float
    low: float
    high: float


def falls_found(measured: Iterable[Measured]) -> list[Found]:
    """All planted breaks by what they cost on their first day, then by kind and by size of the link."""
    planted = [each for seed in measured for each in seed.planted]
    groups = {
        f"cost {ENOUGH_LOST} links or more on the first day": [each for each in planted if each.lost >= ENOUGH_LOST],
        f"cost fewer than {ENOUGH_LOST}": [each for each in planted if each.lost < ENOUGH_LOST],
        **{kind: [each for each in planted if each.kind == kind] for kind in BREAKS},
        **{f"{size:,} records a day": [each for each in planted if each.records == size] for size in SIZES},
    }
    return [_found(what, group) for what, group in groups.items() if group]


def false_alarms(measured: Iterable[Measured]) -> list[Alarms]:
    """All quiet histories, then by size of the link."""
    quiet = [each for seed in measured for each in seed.quiet]
    groups = {
        "all": quiet,
        **{f"{size:,} records a day": [each for each in quiet if each.records == size] for size in SIZES},
    }
    return [_alarms(what, group) for what, group in groups.items() if group]


def _found(what: str, planted: Sequence[Planted]) -> Found:
    days = np.array([each.days or _FOUND_WITHIN + 1 for each in planted])
    interval = binomtest(int((days == 1).sum()), len(days)).proportion_ci(method="wilson")
    named = [each.is_named for each in planted if each.is_named is not None]
    return Found(
        what,
        len(days),
        float((days == 1).mean()),
        float(interval.low),
        float(interval.high),
        float((days < 3).mean()),
        float(np.median(days)),
        sum(named) / len(named) if named else None,
    )


def _alarms(what: str, quiet: Sequence[Quiet]) -> Alarms:
    alarms, days = sum(each.alarms for each in quiet), sum(each.days for each in quiet)
    spans = days / QUIET_DAYS / len(LINKS)
    low = float(chi2.ppf(0.025, 2 * alarms)) / 2 if alarms else 0.0
    high = float(chi2.ppf(0.975, 2 * alarms + 2)) / 2
    return Alarms(what, len(quiet), days, alarms, alarms / spans, low / spans, high / spans)


def _opened(found: list[Fall | None]) -> int:
    return sum(now is not None and before is None for before, now in zip([None, *found], found, strict=False))


def _generated(random: np.random.Generator, size: int, days: int) -> _Link:
    weekday = np.arange(days) % 7
    busy = np.where(weekday >= 5, random.uniform(0.4, 1.2), 1.0)
    a_day = random.poisson(size * busy * random.gamma(50, 1 / 50, days))
    day = np.repeat(np.arange(days), a_day)
    form = _zipf(random, 8, len(day))
    market = (form + (random.random(len(day)) < 0.2)) % 3
    method = _zipf(random, 4, len(day))
    value = np.round(random.lognormal(6, random.uniform(0.5, 1.2), len(day)), 2)
    # Never linked: usually few, at the weekend more, and some days differ from others by more than chance.
    never = random.uniform(0.01, 0.15) + np.where(weekday >= 5, random.uniform(0, 0.06), 0)
    scatter = random.choice([0, 0.001, 0.004])
    if scatter:
        weight = 1 / scatter - 1
        never = random.beta(never * weight, (1 - never) * weight)
    late = random.choice([0, 0.05, 0.25])
    waited = np.minimum(random.geometric(0.5, len(day)), AGES - 1) * (random.random(len(day)) < late)
    waited = np.where(random.random(len(day)) < never[day] * (1 + (form == 2)), AGES, waited)
    return _Link(day, form, market, method, value, waited, days)


def _zipf(random: np.random.Generator, kinds: int, size: int) -> Ints:
    share = 1 / np.arange(1, kinds + 1)
    drawn: Ints = random.choice(kinds, size, p=share / share.sum())
    return drawn


def _broken(
    random: np.random.Generator, link: _Link, first_day: int, kind: Break, size: int
) -> tuple[_Link | None, tuple[str, str] | None]:
    """The link with a break from a day on, and the segment it sits in; none where the company is too small for the break."""
    segment = None
    since = link.day >= first_day
    if kind == "sync loses IDs":
        hit = since & (random.random(len(since)) < random.uniform(0.4, 1))
    elif kind == "large orders break":
        if size < _FEWEST_FOR_VALUE:
            return None, None
        hit = since & (link.value > np.quantile(link.value, 0.85))
    else:
        name, codes = ("form", link.form) if kind == "form loses its IDs" else ("payment_method", link.method)
        large = np.flatnonzero(np.bincount(codes) / link.days >= _FEWEST_OF_A_SEGMENT)
        if not len(large):
            return None, None
        code = int(random.choice(large))
        segment = (name, str(code))
        hit = since & (codes == code) & (random.random(len(since)) < random.uniform(0.7, 1))
    waited = np.where(hit, AGES, link.waited)
    return replace(link, waited=waited), segment


def _broken_before(random: np.random.Generator, link: _Link, first_day: int) -> _Link:
    """The link with earlier breaks that were repaired, as half of the companies had: they must not hide the next."""
    waited = link.waited.copy()
    for _ in range(random.integers(3) if random.random() < 1 / 2 else 0):
        begin = first_day - int(random.integers(8, 40))
        hit = (link.day >= begin) & (link.day < begin + random.integers(1, 5)) & (link.form == random.integers(3))
        waited[hit] = AGES
    return replace(link, waited=waited)


@dataclass(frozen=True)
class _Counted:
    """A link counted once, so that every morning is a slice: by segment, day and age."""

    segments: list[tuple[str, str]]
    figures: tuple[Floats, ...]

    def looks(self, morning: int, past_days: int) -> DailyCoverage:
        """How the link looked on a morning and on those before it."""
        mornings = np.arange(morning - past_days, morning + 1)
        age = np.arange(1, AGES + 1)
        day = mornings[:, None] - age
        dates = [_OPENED + timedelta(days=int(each)) for each in mornings]
        records, missed, value, missed_value, squares = (
            figure[:, day, np.broadcast_to(age, day.shape)] for figure in self.figures
        )
        return DailyCoverage(self.segments, dates, records, missed, value, missed_value, squares)


def _counted(link: _Link) -> _Counted:
    kinds = {
        "all": np.zeros(len(link.day), dtype=np.int64),
        "form": link.form,
        "market": link.market,
        "payment_method": link.method,
        "value_band": np.floor(2 * np.log10(np.maximum(link.value, 1))).astype(np.int64),
    }
    segments: list[tuple[str, str]] = []
    figures: list[list[Floats]] = [[] for _ in range(5)]
    for kind, codes in kinds.items():
        many = int(codes.max()) + 1
        segments += [(kind, "" if kind == "all" else str(code)) for code in range(many)]
        cell = (codes * link.days + link.day) * (AGES + 1) + link.waited
        for position, weight in enumerate((None, None, link.value, link.value, link.value**2)):
            by_wait = np.bincount(cell, weight, many * link.days * (AGES + 1)).reshape(many, link.days, AGES + 1)
            # Not linked at an age: it waited as long, or longer. Of what does not depend on it, each age has all.
            open_at = by_wait[:, :, ::-1].cumsum(2)[:, :, ::-1].astype(float)
            figures[position].append(open_at if position in (1, 3) else np.repeat(open_at[:, :, :1], AGES + 1, axis=2))
    return _Counted(segments, tuple(np.concatenate(each) for each in figures))
