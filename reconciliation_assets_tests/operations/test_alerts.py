"""What is said about a problem and when: once when it breaks, again while it stays so, once when it is over."""

from datetime import UTC, datetime, time, timedelta

import pytest

from reconciliation_assets.operations.alerts import AlertState, SensorState, channels_of, may_go, update_state
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.model import Alerts, QuietHours, Route

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SHIPPED = load_policy(None).policy.alerts


def finding(position: int, *, is_broken: bool, kind: str = "match_rate", owner: str = "finance") -> AlertState:
    return AlertState.model_validate(
        {
            "problem": "match_coverage.order_payment_has_not_fallen",
            "position": position,
            "kind": kind,
            "is_broken": is_broken,
            "what": "match rate of order_payment fell",
            "message": "from 94% to 61%",
            "owner": owner,
            "link": "http://ui/assets/match_coverage",
        }
    )


def differing(**changes: object) -> Alerts:
    return Alerts.model_validate({**SHIPPED.model_dump(), **changes})


def titles(book: SensorState) -> list[str]:
    return [notice.title for notice in book.outbox]


def test_a_break_is_told_once_however_often_it_is_found_and_its_end_once() -> None:
    states = [(1, False), (2, True), (3, True), (4, False), (5, False)]
    book = update_state(
        SensorState(), [finding(position, is_broken=broken) for position, broken in states], NOON, SHIPPED
    )
    assert titles(book) == ["Failing: match rate of order_payment fell", "Resolved: match rate of order_payment fell"]
    assert (book.seen, book.open) == ({"match_coverage.order_payment_has_not_fallen": 5}, {})


def test_a_problem_that_comes_back_is_another_break() -> None:
    states = [(1, True), (2, False), (3, True)]
    book = update_state(
        SensorState(), [finding(position, is_broken=broken) for position, broken in states], NOON, SHIPPED
    )
    assert [title.partition(":")[0] for title in titles(book)] == ["Failing", "Resolved", "Failing"]
    assert len({notice.notice_id for notice in book.outbox}) == 3


def test_an_open_problem_is_told_again_after_the_policys_hours_and_not_before() -> None:
    book = update_state(SensorState(), [finding(1, is_broken=True)], NOON, SHIPPED).model_copy(update={"outbox": []})
    assert titles(update_state(book, [], NOON + timedelta(hours=23), SHIPPED)) == []
    reminded = update_state(book, [], NOON + timedelta(hours=24), SHIPPED)
    assert titles(reminded) == ["Still failing after 1 day: match rate of order_payment fell"]
    taken = reminded.model_copy(update={"outbox": []})
    assert titles(update_state(taken, [], NOON + timedelta(hours=25), SHIPPED)) == []


def test_a_reminder_repeated_by_a_killed_tick_is_the_same_reminder() -> None:
    book = update_state(SensorState(), [finding(1, is_broken=True)], NOON, SHIPPED).model_copy(update={"outbox": []})
    first, again, next_day = (
        update_state(book, [], NOON + timedelta(hours=hours), SHIPPED).outbox[0].notice_id for hours in (24, 25, 24)
    )
    assert first == again == next_day
    reminded = update_state(book, [], NOON + timedelta(hours=24), SHIPPED).model_copy(update={"outbox": []})
    assert update_state(reminded, [], NOON + timedelta(hours=48), SHIPPED).outbox[0].notice_id != first


def test_nobody_is_reminded_of_what_they_were_not_yet_told() -> None:
    book = update_state(SensorState(), [finding(1, is_broken=True)], NOON, SHIPPED)
    assert len(update_state(book, [], NOON + timedelta(days=3), SHIPPED).outbox) == 1


def test_the_text_names_owner_and_link() -> None:
    (notice,) = update_state(SensorState(), [finding(1, is_broken=True)], NOON, SHIPPED).outbox
    assert notice.text == "from 94% to 61%\nOwner: finance\nOpen in the UI: http://ui/assets/match_coverage"


def test_an_alert_goes_to_every_route_that_asks_for_it_and_else_to_default() -> None:
    alerts = differing(
        routes=(
            Route(channel="finance", owners=("finance",)),
            Route(channel="pager", kinds=("run",)),
            Route(channel="web", owners=("finance",), kinds=("match_rate",)),
        )
    )
    assert channels_of("match_rate", "finance", alerts) == ("finance", "web")
    assert channels_of("run", "finance", alerts) == ("finance", "pager")
    assert channels_of("source", "data", alerts) == ("default",)


@pytest.mark.parametrize(
    ("begin", "end", "at", "is_quiet"),
    [
        ("22:00", "07:00", "23:30", True),
        ("22:00", "07:00", "06:59", True),
        ("22:00", "07:00", "07:00", False),
        ("12:00", "15:00", "13:00", True),
        ("12:00", "15:00", "22:00", False),
    ],
)
def test_in_quiet_hours_only_the_urgent_goes_out(begin: str, end: str, at: str, *, is_quiet: bool) -> None:
    hours = QuietHours(begin=time.fromisoformat(begin), end=time.fromisoformat(end))
    alerts = differing(quiet_hours=hours, urgent={"run": True})
    (calm,) = update_state(SensorState(), [finding(1, is_broken=True)], NOON, alerts).outbox
    (urgent,) = update_state(SensorState(), [finding(1, is_broken=True, kind="run")], NOON, alerts).outbox
    assert may_go(calm, time.fromisoformat(at), alerts) is not is_quiet
    assert may_go(urgent, time.fromisoformat(at), alerts)
