"""The backtest of alerts: of breaks planted in generated histories at least 95 % are found in a day, and quiet ones stay quiet."""

import pytest

from reconciliation_assets.checks.coverage_falls import limits_of
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets_tests.lab.alerts import (
    BREAKS,
    ENOUGH_LOST,
    SIZES,
    Measured,
    falls_found,
    false_alarms,
    plant_breaks,
    stay_quiet,
)

THRESHOLDS = load_policy(None).policy.thresholds
LIMITS = limits_of(load_policy(None).policy, "order_payment")
PAST_DAYS = THRESHOLDS.match_rate_fall_past_days


@pytest.fixture(scope="module")
def measured() -> Measured:
    return Measured(list(plant_breaks(11, LIMITS, PAST_DAYS, 8)), list(stay_quiet(11, LIMITS, PAST_DAYS, 4)))


def test_every_kind_of_break_is_planted_in_every_size_that_can_have_it(measured: Measured) -> None:
    assert {each.kind for each in measured.planted} == set(BREAKS)
    assert {each.records for each in measured.planted} == set(SIZES)


def test_breaks_that_cost_enough_links_are_found_within_one_day(measured: Measured) -> None:
    enough = falls_found([measured])[0]
    assert enough.what.startswith(f"cost {ENOUGH_LOST}")
    assert enough.breaks >= 60
    assert enough.in_one_day >= 0.95
    assert enough.rightly_named is not None
    assert enough.rightly_named >= 0.9


def test_no_break_is_missed_for_a_week(measured: Measured) -> None:
    assert [each for each in measured.planted if each.days is None] == []


def test_quiet_histories_alarm_less_than_once_in_sixty_days(measured: Measured) -> None:
    assert false_alarms([measured])[0].in_60_days < 1
