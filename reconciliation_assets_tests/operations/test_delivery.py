"""Delivery to channels: a notice that is never taken holds up no other, and a channel that is down is left alone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from reconciliation_assets.operations.alerts import Notice, SensorState
from reconciliation_assets.operations.delivery import REFUSALS_OF_A_DOWN_CHANNEL, DeliveryLog, deliver
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets_tests.operations.receiver import Receiver

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ALERTS = load_policy(None).policy.alerts


@pytest.fixture
def channel() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def notice(number: int, problem: str | None = None) -> Notice:
    return Notice.model_validate(
        {
            "notice_id": f"N{number}",
            "problem": problem or f"problem {number}",
            "kind": "check",
            "owner": "data",
            "title": f"notice {number}",
            "text": "what to do",
            "channels": ("default",),
        }
    )


def ticks(channel: Receiver, book: SensorState, log: Path, count: int) -> SensorState:
    for _ in range(count):
        book, _, _ = deliver(book, {"default": SecretStr(channel.url)}, DeliveryLog(log), NOON, ALERTS)
    return book


def test_notices_that_are_never_taken_hold_up_no_other(channel: Receiver, tmp_path: Path) -> None:
    never = {f"notice {number}" for number in range(4)}
    channel.refuse_titles = never
    book = ticks(channel, SensorState(outbox=[notice(number) for number in range(8)]), tmp_path / "alerts.jsonl", 2)
    assert channel.titles == ["notice 4", "notice 5", "notice 6", "notice 7"]
    assert {each.title for each in book.outbox} == never
    channel.refuse_titles = set()
    assert ticks(channel, book, tmp_path / "alerts.jsonl", 1).outbox == []
    assert sorted(channel.titles) == [f"notice {number}" for number in range(8)], "each once"


def test_a_channel_that_is_down_is_asked_a_few_times_a_tick(channel: Receiver, tmp_path: Path) -> None:
    channel.refuse_after = 0
    book = ticks(channel, SensorState(outbox=[notice(number) for number in range(50)]), tmp_path / "alerts.jsonl", 1)
    assert channel.asked == REFUSALS_OF_A_DOWN_CHANNEL
    assert len(book.outbox) == 50


def test_that_a_problem_is_over_is_not_told_before_that_it_broke(channel: Receiver, tmp_path: Path) -> None:
    channel.refuse_titles = {"notice 0"}
    outbox = [notice(0, "match rate"), notice(1, "match rate"), notice(2)]
    book = ticks(channel, SensorState(outbox=outbox), tmp_path / "alerts.jsonl", 3)
    assert channel.titles == ["notice 2"]
    channel.refuse_titles = set()
    ticks(channel, book, tmp_path / "alerts.jsonl", 1)
    assert channel.titles == ["notice 2", "notice 0", "notice 1"]


def test_a_log_that_cannot_be_written_neither_repeats_an_alert_nor_silences_one(
    channel: Receiver, tmp_path: Path
) -> None:
    log = tmp_path / "alerts.jsonl"
    log.mkdir()
    outbox = [notice(number) for number in range(3)]
    assert ticks(channel, SensorState(outbox=outbox), log, 2).outbox == []
    assert channel.titles == ["notice 0", "notice 1", "notice 2"]
