"""The alert sensors on a real instance, delivering through Apprise to a real receiver on the loopback interface."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from reconciliation_assets.operations import sensors
from reconciliation_assets.operations.collectors import Collector, broken_runs, failed_checks, kind_of, stale_copy
from reconciliation_assets.operations.delivery import unusable_channels
from reconciliation_assets_tests.harness import policy_file
from reconciliation_assets_tests.operations.receiver import Receiver

FALL = dg.AssetCheckKey(dg.AssetKey("coverage_daily"), "order_payment_has_not_fallen")
FLOOR = dg.AssetCheckKey(dg.AssetKey("match_coverage"), "lead_crm_above_floor")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def channel(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv("RECON_ALERT_CHANNELS", json.dumps({"default": receiver.url}))
    yield receiver
    receiver.close()


class OnCall:
    """An instance in which checks are evaluated by runs, and a sensor that watches it."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None
        self.said = ""

    def evaluated(self, *, passed: bool, check: dg.AssetCheckKey = FALL) -> None:
        """One run in which the check gave an answer."""
        table = check.asset_key.to_user_string()

        @dg.asset(name=table, check_specs=[dg.AssetCheckSpec(check.name, asset=table)])
        def asset() -> dg.MaterializeResult:  # type: ignore[type-arg]
            result = dg.AssetCheckResult(
                check_name=check.name,
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN,
                description="it fell to 60.0%",
            )
            return dg.MaterializeResult(check_results=[result])

        dg.materialize([asset], instance=self.instance)

    def tick(self, collect: Collector | None = None, now: datetime = NOON, *, is_killed: bool = False) -> None:
        """One tick; a process killed in it has no time to save the cursor."""
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        answer = sensors.notify(context, collect or failed_checks("match_rate", [FALL, FLOOR]), now)
        self.said = answer.skip_message or ""
        if not is_killed:
            self.cursor = context.cursor


@pytest.fixture
def on_call(instance: dg.DagsterInstance) -> OnCall:
    return OnCall(instance)


def test_broken_is_told_once_and_over_once(on_call: OnCall, channel: Receiver) -> None:
    for passed in (True, False, False, True, True):
        on_call.evaluated(passed=passed)
        on_call.tick()
        on_call.tick()
    assert channel.titles == [f"{word}: match rate of order_payment fell" for word in ("Failing", "Resolved")]
    assert "it fell to 60.0%" in channel.took[0]["message"]
    assert "Owner: finance" in channel.took[0]["message"]
    assert "/assets/coverage_daily?view=checks&checkDetail=order_payment_has_not_fallen" in channel.took[0]["message"]


def test_a_break_and_its_end_between_two_ticks_are_both_told(on_call: OnCall, channel: Receiver) -> None:
    on_call.tick()
    for passed in (False, True):
        on_call.evaluated(passed=passed)
    on_call.tick()
    assert [title.partition(":")[0] for title in channel.titles] == ["Failing", "Resolved"]


def test_ticks_in_the_midst_of_a_run_lose_no_check(on_call: OnCall, channel: Receiver) -> None:
    """Dagster numbers the checks of a run beforehand, by name: the one answered last has the smallest number here."""
    names = ("z_first", "m_second", "a_last")
    watched = failed_checks("check", [dg.AssetCheckKey(dg.AssetKey(name), "holds") for name in names])

    def step(name: str, before: list[str]) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=before, check_specs=[dg.AssetCheckSpec("holds", asset=name)])
        def asset() -> dg.MaterializeResult:  # type: ignore[type-arg]
            on_call.tick(watched)
            return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="holds", passed=False)])

        return asset

    job = dg.define_asset_job("run", "*", executor_def=dg.in_process_executor)
    made = dg.Definitions([step(name, list(names[:at])) for at, name in enumerate(names)], jobs=[job])
    made.resolve_job_def("run").execute_in_process(instance=on_call.instance)
    on_call.tick(watched)
    assert channel.titles == [f"Failing: check holds of {name}" for name in names]


def test_a_sensor_that_begins_tells_how_things_stand_and_not_their_history(on_call: OnCall, channel: Receiver) -> None:
    for passed in (False, True):
        on_call.evaluated(passed=passed)
    on_call.evaluated(passed=False, check=FLOOR)
    on_call.tick()
    assert channel.titles == ["Failing: match rate of lead_crm below its floor"]


def test_a_failed_delivery_is_tried_again_and_what_was_delivered_is_not_repeated(
    on_call: OnCall, channel: Receiver
) -> None:
    on_call.tick()
    for check in (FALL, FLOOR):
        on_call.evaluated(passed=False, check=check)
    channel.refuse_after = 1
    on_call.tick()
    assert on_call.said.startswith("1 told. 1 wait for the next tick")
    channel.refuse_after = None
    on_call.tick()
    on_call.tick()
    assert channel.titles == [
        "Failing: match rate of order_payment fell",
        "Failing: match rate of lead_crm below its floor",
    ]


def test_a_tick_killed_after_its_delivery_does_not_tell_again(on_call: OnCall, channel: Receiver, home: Path) -> None:
    on_call.tick()
    on_call.evaluated(passed=False)
    on_call.tick(is_killed=True)
    on_call.tick()
    assert len(channel.took) == 1
    assert len((home / "alerts.jsonl").read_text("utf-8").splitlines()) == 1


def test_a_line_cut_short_by_a_kill_spoils_neither_the_log_nor_the_next_line(
    on_call: OnCall, channel: Receiver, home: Path
) -> None:
    (home / "alerts.jsonl").write_text('{"notice_id": "ab', encoding="utf-8")
    on_call.evaluated(passed=False)
    on_call.tick(is_killed=True)
    on_call.tick()
    assert len(channel.took) == 1


def test_an_unreachable_channel_is_told_without_its_address(
    on_call: OnCall, channel: Receiver, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    channel.close()
    on_call.evaluated(passed=False)
    on_call.tick()
    assert "Not taken by: default" in on_call.said
    told = (on_call.cursor or "") + on_call.said + "".join(capfd.readouterr())
    assert "secret-token" not in told


def test_in_quiet_hours_a_match_rate_waits_for_the_morning(on_call: OnCall, channel: Receiver, home: Path) -> None:
    policy_file(home, {"alerts": {"quiet_hours": {"begin": "22:00", "end": "07:00"}}})
    on_call.evaluated(passed=False)
    midnight_in_dubai = datetime(2026, 7, 1, 20, tzinfo=UTC)
    on_call.tick(now=midnight_in_dubai)
    assert channel.took == []
    on_call.tick(now=midnight_in_dubai + timedelta(hours=7))
    assert len(channel.took) == 1


def test_a_stale_copy_is_told_and_a_new_one_ends_it(on_call: OnCall, channel: Receiver) -> None:
    copy = dg.AssetKey("published_copy")
    on_call.tick(stale_copy)
    on_call.instance.report_runless_asset_event(dg.AssetMaterialization(copy))
    now = datetime.now(UTC)
    on_call.tick(stale_copy, now + timedelta(hours=25))
    assert channel.took == []
    on_call.tick(stale_copy, now + timedelta(hours=27))
    on_call.instance.report_runless_asset_event(dg.AssetMaterialization(copy))
    on_call.tick(stale_copy, datetime.now(UTC))
    assert channel.titles == [f"{word}: the published copy is out of date" for word in ("Failing", "Resolved")]


def daily_run(instance: dg.DagsterInstance, *, breaks: bool, is_stopped: bool = False) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("closes", asset="bridge", blocking=True)])
    def bridge() -> dg.MaterializeResult:  # type: ignore[type-arg]
        if breaks:
            raise RuntimeError("no space left")
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="closes", passed=not is_stopped)])

    job = dg.define_asset_job("daily_reconciliation", "*", executor_def=dg.in_process_executor)
    made = dg.Definitions([bridge], jobs=[job]).resolve_job_def("daily_reconciliation")
    made.execute_in_process(instance=instance, raise_on_error=False)


def test_a_broken_run_is_told_and_one_that_a_check_stopped_is_left_to_the_check(
    on_call: OnCall, channel: Receiver
) -> None:
    on_call.tick(broken_runs)
    daily_run(on_call.instance, breaks=False, is_stopped=True)
    on_call.tick(broken_runs)
    assert channel.took == []
    for breaks in (True, True, False):
        daily_run(on_call.instance, breaks=breaks)
        on_call.tick(broken_runs)
    assert channel.titles == ["Failing: the daily run", "Resolved: the daily run"]


def test_a_run_that_ends_after_a_later_one_is_told_all_the_same(on_call: OnCall, channel: Receiver) -> None:
    on_call.tick(broken_runs)

    @dg.asset
    def slow() -> None:
        daily_run(on_call.instance, breaks=False)
        on_call.tick(broken_runs)
        raise RuntimeError("no space left")

    job = dg.define_asset_job("daily_reconciliation", "*", executor_def=dg.in_process_executor)
    made = dg.Definitions([slow], jobs=[job]).resolve_job_def("daily_reconciliation")
    made.execute_in_process(instance=on_call.instance, raise_on_error=False)
    on_call.tick(broken_runs)
    assert channel.titles == ["Failing: the daily run"]


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#data",
        "workflows://prod-1.westus.logic.azure.com/643e69f8/eyJhbGciOi/",
        "mailtos://user:password@example.com?to=finance@example.com",
        "mailto://user:password@example.com:25?to=finance@example.com",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "whatsapp://token@5551234567/15551234567",
        "jsons://user:password@example.com/hook",
    ],
    ids=lambda url: url.partition(":")[0],
)
def test_channels_of_many_kinds_are_understood(url: str) -> None:
    assert unusable_channels({"default": SecretStr(url)}) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("slack://secret-token", "slack://..."),
        ("tgram://secret-token", "tgram://..."),
        ("mailto://", "mailto://..."),
        ("msteams://secret-token/a/b/c", "with no scheme that it knows"),
        ("secret-token://x", "with no scheme that it knows"),
        ("secret-token", "with no scheme that it knows"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_by_channel_and_scheme_and_never_shown(
    on_call: OnCall,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    url: str,
    shown: str,
) -> None:
    monkeypatch.setenv("RECON_ALERT_CHANNELS", json.dumps({"finance": url, "default": url}))
    on_call.evaluated(passed=False)
    on_call.tick()
    assert on_call.said.startswith("0 told. 1 wait for the next tick")
    assert f"The URL of channel 'finance' ({shown}) is none that Apprise understands" in on_call.said
    assert "secret-token" not in (on_call.cursor or "") + on_call.said + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("table", "check", "kind"),
    [
        ("coverage_daily", "lead_crm_has_not_fallen", "match_rate"),
        ("match_coverage", "rows_keep_their_contract", "check"),
        ("raw_orders", "newest_row_is_recent", "source"),
        ("pull_shop", "reached", "source"),
        ("pull_shop", "not_empty", "source"),
        ("raw_payments", "not_empty", "check"),
    ],
)
def test_each_check_is_told_by_one_sensor(table: str, check: str, kind: str) -> None:
    assert kind_of(dg.AssetCheckKey(dg.AssetKey(table), check)) == kind


def test_every_alert_sensor_runs_by_default(home: Path) -> None:
    made = sensors.alert_sensors([FALL])
    assert len(made) == 5
    assert {sensor.default_status for sensor in made} == {dg.DefaultSensorStatus.RUNNING}
