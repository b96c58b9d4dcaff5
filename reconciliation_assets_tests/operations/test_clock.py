"""Around the clock: at any hour of the policy's zone a run may begin, whoever asks for it, and its day is there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import time_machine

from reconciliation_assets.commands.run import UnknownDayError, require_begun
from reconciliation_assets.operations.sensors import new_files_in_inbox
from reconciliation_assets.settings import load_settings
from reconciliation_assets_tests.harness import policy_file
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.rows import insight, order, payment

ZONES = ("Asia/Dubai", "Asia/Kuwait", "UTC")
# Half past, since whole hours would hide what changes at midnight; Gulf midnight is 20:00 or 21:00 UTC.
HOURS = [datetime(2026, 11, 25, 0, 30, tzinfo=UTC) + timedelta(hours=hour) for hour in range(48)]


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """The policy's zone of an installation whose runs speak for the instant at which they are asked."""
    monkeypatch.delenv("RECON_AS_OF")
    policy_file(home, {"zone": request.param})
    return ZoneInfo(request.param)


@pytest.fixture
def repository(zone: ZoneInfo) -> dg.RepositoryDefinition:
    from reconciliation_assets.build import build_defs

    with time_machine.travel(HOURS[0], tick=False):
        return build_defs().get_repository_def()


def reporting_days(repository: dg.RepositoryDefinition) -> dg.PartitionsDefinition[str]:
    days = repository.asset_graph.get(dg.AssetKey("raw_meta_insights")).partitions_def
    assert days is not None
    return days


def test_the_last_reporting_day_is_the_one_that_has_begun_in_the_policys_zone(
    repository: dg.RepositoryDefinition, zone: ZoneInfo
) -> None:
    days = reporting_days(repository)
    for now in HOURS:
        with time_machine.travel(now, tick=False):
            today = now.astimezone(zone).date()
            assert days.get_last_partition_key() == f"{today}", now
            assert not days.has_partition_key(f"{today + timedelta(days=1)}"), now


def test_the_command_line_may_speak_for_now_and_not_for_tomorrow(
    zone: ZoneInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now in HOURS:
        with time_machine.travel(now, tick=False):
            settings = load_settings()
            assert settings.as_of == now
            require_begun(settings, zone)
            midnight = datetime.combine(now.astimezone(zone) + timedelta(days=1), datetime.min.time(), zone)
            with monkeypatch.context() as patch:
                patch.setenv("RECON_AS_OF", midnight.isoformat())
                with pytest.raises(UnknownDayError, match=f"{midnight:%Y-%m-%d}, which has not begun"):
                    require_begun(load_settings(), zone)


def test_the_schedule_asks_for_a_run_on_both_mornings(repository: dg.RepositoryDefinition, zone: ZoneInfo) -> None:
    schedule = repository.get_schedule_def("daily")
    asked = {}
    for now in HOURS:
        local = now.astimezone(zone)
        with time_machine.travel(now, tick=False):
            if local.hour == 6:
                context = dg.build_schedule_context(scheduled_execution_time=local, repository_def=repository)
                asked[local.date()] = [
                    request.run_key for request in schedule.evaluate_tick(context).run_requests or ()
                ]
    assert asked == {day: [f"{day}"] for day in (date(2026, 11, 25), date(2026, 11, 26))}


def test_the_sensor_asks_for_a_run_at_any_hour(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, home: Path, zone: ZoneInfo
) -> None:
    """Its second tick, which asks, is answered as the daemon answers it: a day that is not there would be an error."""
    cursor, asked = None, 0
    for hour, now in enumerate(HOURS):
        (home / "inbox" / "orders.csv").write_text("order_id\n" * hour)
        for minutes in (0, 1):
            with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
                context = dg.build_sensor_context(instance, cursor=cursor, repository_def=repository)
                answer = new_files_in_inbox.evaluate_tick(context)
                cursor = answer.cursor
                asked += len(answer.run_requests or ())
    assert asked == len(HOURS)


@pytest.mark.slow
def test_a_run_at_one_in_the_morning_speaks_for_the_day_that_has_begun(tmp_path: Path) -> None:
    """22:00 UTC of the day before."""
    installation = Installation(tmp_path, as_of="").drop(
        {"meta_insights": [insight("2026-11-25")], "orders": [order("O1")], "payments": [payment("P1", order_id="O1")]}
    )
    policy_file(tmp_path, {"zone": "Asia/Kuwait"})
    with time_machine.travel(datetime(2026, 11, 26, 1, 0, tzinfo=ZoneInfo("Asia/Kuwait"))):
        told = installation.reconcile()
    assert told.status == 0, told.text
    ((speaks_for,),) = installation.rows("select max(first_used_at) from reporting.policy_versions")
    assert f"{speaks_for.astimezone(ZoneInfo('Asia/Kuwait')):%Y-%m-%d %H}" == "2026-11-26 01"
