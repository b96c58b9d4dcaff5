"""A fall is found on the first morning that shows it, at its place, and neither weekdays, late links nor chance are falls."""

from datetime import date, timedelta

import numpy as np
import pytest

from reconciliation_assets.checks.falls import AGES, DailyCoverage, Fall, Limits, explaining_segment, find_fall

MORNINGS = [date(2026, 5, 20) + timedelta(days=day) for day in range(43)]
LIMITS = Limits(drop=0.05, records=10, p_value=0.001, floors={})
NEWEST = MORNINGS[-1] - timedelta(days=1)
SEGMENTS = [("all", ""), ("form", "ar-3"), ("form", "en-1"), ("market", "AE")]


def days_back(days: int) -> range:
    """The days before the last morning, the newest first, by how many days they are back."""
    return range(1, days + 1)


class Company:
    """A link whose days have so many records of each form, so many of them missed at every age; each record worth 100."""

    def __init__(self, a_day: int = 100, missed: float = 0.06) -> None:
        self.a_day = a_day
        self.usual = missed
        self.missed_on: dict[tuple[str, int], float] = {}
        self.still_open = dict.fromkeys(range(1, AGES + 1), 0.0)
        self.weekend = 0.0

    def breaks(self, form: str, back: int, missed: float) -> "Company":
        """On a day so many days before the last morning this share of the form's records was missed."""
        self.missed_on[form, back] = missed
        return self

    def looks(self) -> DailyCoverage:
        shape = (len(SEGMENTS), len(MORNINGS), AGES)
        records, missed = np.zeros(shape), np.zeros(shape)
        for at, morning in enumerate(MORNINGS):
            for age in range(1, AGES + 1):
                back = len(MORNINGS) - 1 - at + age
                day = morning - timedelta(days=age)
                late = self.still_open[age] + (self.weekend if day.weekday() >= 5 else 0)
                for form in (1, 2):
                    share = self.missed_on.get((SEGMENTS[form][1], back), self.usual + late)
                    records[form, at, age - 1] = self.a_day / 2
                    missed[form, at, age - 1] = round(share * self.a_day / 2)
        for figures in (records, missed):
            figures[0] = figures[3] = figures[1] + figures[2]
        return DailyCoverage(SEGMENTS, MORNINGS, records, missed, records * 100, missed * 100, records * 100**2)

    def fall(self, limits: Limits = LIMITS) -> Fall | None:
        return find_fall(self.looks(), limits)


def test_a_break_of_yesterday_is_found_this_morning_with_day_and_place() -> None:
    fall = Company().breaks("ar-3", 1, 0.8).fall()
    assert fall is not None
    assert (fall.measure, fall.where, fall.days, fall.since) == ("records", ("all", ""), 1, NEWEST)
    assert (fall.before, fall.now) == (pytest.approx(0.94), pytest.approx(0.57))
    assert (fall.explaining_segment.kind, fall.explaining_segment.segment, fall.explaining_segment.share) == (
        "form",
        "ar-3",
        pytest.approx(1),
    )
    assert (fall.explaining_segment.missed, fall.explaining_segment.missed_value, fall.missed) == (40, 4000, 43)


def test_a_fall_that_went_on_is_told_since_its_first_day() -> None:
    company = Company()
    for back in days_back(4):
        company.breaks("ar-3", back, 0.8)
    fall = company.fall()
    assert fall is not None
    assert fall.since == MORNINGS[-1] - timedelta(days=4)


def test_a_fall_that_is_over_is_no_news_though_the_week_still_shows_it() -> None:
    company = Company()
    for back in (3, 4, 5, 6):
        company.breaks("ar-3", back, 0.9)
    assert company.fall() is None


def test_a_slow_slide_that_no_day_shows_is_found_over_the_week() -> None:
    company = Company(a_day=40)
    for back in days_back(7):
        company.breaks("ar-3", back, 0.25)
    fall = company.fall()
    assert fall is not None
    assert fall.days > 1


def test_young_days_are_held_against_days_that_were_as_young() -> None:
    company = Company()
    company.still_open = {1: 0.4, 2: 0.2, 3: 0.1, 4: 0, 5: 0, 6: 0, 7: 0}
    assert company.fall() is None
    assert company.breaks("ar-3", 1, 0.95).fall() is not None


def test_a_weekday_that_is_always_worse_is_no_fall() -> None:
    company = Company()
    company.weekend = 0.3
    looks = company.looks()
    for morning in range(len(MORNINGS) - 7, len(MORNINGS)):
        upto = slice(0, morning + 1)
        figures = (looks.records, looks.missed, looks.value, looks.missed_value, looks.value_squares)
        seen = DailyCoverage(SEGMENTS, MORNINGS[upto], *(each[:, upto] for each in figures))
        assert find_fall(seen, LIMITS) is None


def test_an_earlier_break_does_not_hide_the_next() -> None:
    company = Company()
    for back in range(15, 20):
        company.breaks("ar-3", back, 1.0)
    assert company.breaks("en-1", 1, 0.5).fall() is not None


@pytest.mark.parametrize("known", [20, 28, 42])
def test_breaks_that_come_again_and_again_are_found_each_time(known: int) -> None:
    """Two days of every ten one of two forms loses all, for as long as anything is known."""
    company = Company(a_day=24, missed=0)
    for back in range(1, 50):
        if back % 10 in (0, 1):
            company.breaks("ar-3", back, 1.0)
    looks = company.looks()
    figures = (looks.records, looks.missed, looks.value, looks.missed_value, looks.value_squares)
    for each in figures:
        each[:, : len(MORNINGS) - known] = 0
    fall = find_fall(looks, LIMITS)
    assert fall is not None
    assert (fall.days, fall.explaining_segment.segment) == (1, "ar-3")


def test_days_that_always_differ_widely_need_a_larger_fall() -> None:
    """The same fall on the same average, once among steady days and once among days that swing between 2 % and 30 %."""
    steady, swinging = Company(missed=0.16), Company(missed=0.16)
    for back in range(2, 50):
        for form in ("ar-3", "en-1"):
            swinging.breaks(form, back, 0.02 if back % 2 else 0.3)
    for company in (steady, swinging):
        for form in ("ar-3", "en-1"):
            company.breaks(form, 1, 0.36)
    assert steady.fall() is not None
    assert swinging.fall() is None


def test_large_things_that_break_show_by_value_alone() -> None:
    """Four of a hundred records hold half of the value."""
    looks = Company(missed=0.04).looks()
    looks.value[:] *= 2
    looks.value_squares[:] = looks.records / 100 * 4 * 2500**2
    assert find_fall(looks, LIMITS) is None
    looks = Company(a_day=1000, missed=0.04).looks()
    looks.value[:] *= 2
    looks.value_squares[:] = looks.records / 100 * 4 * 2500**2
    looks.missed_value[:, -1, 0] = looks.value[:, -1, 0] * 0.45
    fall = find_fall(looks, LIMITS)
    assert fall is not None
    assert (fall.measure, fall.days) == ("value", 1)
    assert (round(fall.before, 2), fall.now) == (0.98, 0.55)


def test_one_large_order_is_no_evidence() -> None:
    looks = Company(missed=0.04).looks()
    looks.value[:, -1, 0] += 50_000
    looks.missed_value[:, -1, 0] += 50_000
    looks.value_squares[:, -1, 0] += 50_000.0**2
    assert find_fall(looks, LIMITS) is None


def test_a_fall_smaller_than_the_policys_is_told_only_where_it_breaks_the_floor() -> None:
    company = Company(a_day=5000, missed=0.04)
    for form in ("ar-3", "en-1"):
        company.breaks(form, 1, 0.08)
    assert company.fall() is None
    with_floor = Limits(LIMITS.drop, LIMITS.records, LIMITS.p_value, {"records": 0.94})
    assert company.fall(with_floor) is not None
    assert Company(a_day=5000, missed=0.08).fall(with_floor) is None, "always below the floor is the floor's own alert"


def test_too_few_records_or_mornings_are_not_judged() -> None:
    company = Company(a_day=8).breaks("ar-3", 1, 1.0).breaks("en-1", 1, 1.0)
    assert company.fall() is not None
    assert company.fall(Limits(LIMITS.drop, 60, LIMITS.p_value, {})) is None
    looks = Company().breaks("ar-3", 1, 1.0).looks()
    looks.records[:, :-14] = 0
    assert find_fall(looks, LIMITS) is None


def test_the_smallest_segment_that_holds_the_fall_is_named_not_the_market_around_it() -> None:
    segments = [("all", ""), ("market", "AE"), ("form", "ar-3"), ("form", "en-1")]
    size = np.array([200.0, 150, 60, 140])
    missed = np.array([60, 57, 53, 7]) / size
    found = explaining_segment(segments, missed, size, np.full(4, 0.05))
    assert found is not None
    assert segments[found[0]] == ("form", "ar-3")
    assert found[1] == pytest.approx(1.0)
