"""The weekly digests: on the policy's day, once per week and owner, by the owner's route, whatever is killed or refused."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.operations import sensors
from reconciliation_assets.publish.copy import publish
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import policy_file
from reconciliation_assets_tests.operations.receiver import Receiver
from reconciliation_assets_tests.rows import insight, order, payment

DUBAI = ZoneInfo("Asia/Dubai")
SUNDAY, MONDAY, NEXT_MONDAY = (datetime(2026, 7, day, 8, tzinfo=DUBAI) for day in (5, 6, 13))


class Week:
    """The sensor with its cursor, tick by tick."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None

    def tick(self, now: datetime, *, is_killed: bool = False) -> None:
        """One tick; a process killed in it has no time to save the cursor."""
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        sensors.send_digests(context, now)
        if not is_killed:
            self.cursor = context.cursor


@pytest.fixture(scope="module")
def copy(build_once: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = build_once(
        {
            "meta_insights": [insight()],
            "orders": [order("O1", status="on the moon", value="250"), order("O2", status="cancelled", value="40")],
            "payments": [payment("P1", order_id="O2", amount=40), payment("P2", amount=7.25)],
        }
    ).make_all()
    path = tmp_path_factory.mktemp("published") / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    return path


@pytest.fixture
def published(home: Path, copy: Path) -> Path:
    (home / "published").mkdir()
    return _copied(copy, home / "published")


def _copied(path: Path, folder: Path) -> Path:
    target = folder / path.name
    target.write_bytes(path.read_bytes())
    return target


@pytest.fixture
def channels(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Receiver]]:
    made = {"default": Receiver(), "finance": Receiver()}
    monkeypatch.setenv("RECON_ALERT_CHANNELS", json.dumps({name: each.url for name, each in made.items()}))
    policy_file(
        home,
        {
            "alerts": {
                "routes": [
                    {"channel": "finance", "owners": ["finance"]},
                    {"channel": "default", "owners": ["operations"]},
                ]
            }
        },
    )
    yield made
    for each in made.values():
        each.close()


@pytest.fixture
def week(instance: dg.DagsterInstance, published: Path) -> Week:
    return Week(instance)


def test_each_owner_is_told_by_its_route_what_waits_and_what_to_do(week: Week, channels: dict[str, Receiver]) -> None:
    week.tick(MONDAY)
    assert channels["default"].titles == ["Open items of operations: 1 exception, 250.00 AED at stake"]
    assert channels["finance"].titles == ["Open items of finance: 2 exceptions, 47.25 AED at stake"]
    (body,) = channels["finance"].took
    assert body["type"] == "info"
    for words in (
        "2 opened, 0 closed",
        "money kept on cancelled order: 1, 40.00 AED",
        "Next step: refund it or correct the status.",
        "Largest: money kept on cancelled order orders O2, 40.00 AED",
        "reports/exceptions/finance.csv",
        "/assets/exceptions",
    ):
        assert words in body["message"]


def test_it_is_told_once_a_week_at_its_hour(week: Week, channels: dict[str, Receiver]) -> None:
    told = []
    for now in (SUNDAY, MONDAY.replace(hour=7, minute=59), MONDAY, MONDAY.replace(hour=9), NEXT_MONDAY, NEXT_MONDAY):
        week.tick(now)
        told.append(len(channels["finance"].took))
    assert told == [0, 0, 1, 1, 2, 2]


def test_a_killed_tick_and_a_lost_cursor_tell_nothing_again(week: Week, channels: dict[str, Receiver]) -> None:
    week.tick(MONDAY, is_killed=True)
    week.tick(MONDAY)
    week.cursor = None
    week.tick(MONDAY.replace(hour=10))
    assert [len(each.took) for each in channels.values()] == [1, 1]


def test_a_channel_that_refuses_gets_it_later(week: Week, channels: dict[str, Receiver]) -> None:
    channels["finance"].refuse_after = 0
    week.tick(MONDAY)
    channels["finance"].refuse_after = None
    week.tick(MONDAY.replace(minute=1))
    assert [len(each.took) for each in channels.values()] == [1, 1]


def test_a_digest_whose_day_passed_while_nothing_ran_is_told_late_and_a_new_sensor_tells_no_old_one(
    week: Week, channels: dict[str, Receiver]
) -> None:
    week.tick(SUNDAY)
    assert channels["finance"].took == []
    week.tick(NEXT_MONDAY.replace(day=15))
    assert len(channels["finance"].took) == 1


def test_without_a_published_copy_it_waits_for_one(
    week: Week, published: Path, copy: Path, channels: dict[str, Receiver]
) -> None:
    published.unlink()
    week.tick(MONDAY)
    assert channels["finance"].took == []
    _copied(copy, published.parent)
    week.tick(MONDAY.replace(day=8))
    assert len(channels["finance"].took) == 1


def test_a_policy_may_want_none(week: Week, home: Path, channels: dict[str, Receiver]) -> None:
    policy_file(home, {"alerts": {"digest": None}})
    week.tick(MONDAY)
    assert [each.took for each in channels.values()] == [[], []]
