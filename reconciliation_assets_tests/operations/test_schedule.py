"""The daily run: once a day, at 06:00 in the policy's zone."""

from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from reconciliation_assets.operations.schedules import daily_schedule
from reconciliation_assets_tests.harness import policy_file


@pytest.mark.parametrize("zone", ["Asia/Dubai", "Asia/Riyadh"])
def test_it_asks_for_one_run_a_day_of_the_policys_zone(zone: str) -> None:
    six = datetime(2026, 7, 1, 6, 0, tzinfo=ZoneInfo(zone))
    schedule = daily_schedule(zone, time(6))
    context = dg.build_schedule_context(scheduled_execution_time=six)
    asked = list(cast(Iterator[dg.RunRequest], schedule(context)))
    assert [(request.run_key, request.partition_key) for request in asked] == [("2026-07-01", None)]


def test_it_runs_by_default_at_six_in_the_policys_zone(home: Path) -> None:
    from reconciliation_assets.build import build_defs

    policy_file(home, {"zone": "Asia/Kuwait"})
    (schedule,) = build_defs().schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 * * *", "Asia/Kuwait")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == "daily_reconciliation"


def test_a_company_says_when_its_day_begins(home: Path) -> None:
    from reconciliation_assets.build import build_defs

    policy_file(home, {"schedule": {"daily_at": "04:30"}})
    (schedule,) = build_defs().schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.cron_schedule == "30 4 * * *"
