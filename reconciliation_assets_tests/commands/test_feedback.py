"""Sending the outbox: nothing without the command, everything once, whatever is killed, refused or restarted."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import stamina
import yaml

from reconciliation_assets.chain.queries import queries
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.tables import policy_parameters
from reconciliation_assets.warehouse.duckdb import DuckDB, connect
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.commands.send_and_die import POINTS
from reconciliation_assets_tests.commands.wins import NOW, WINS, log, with_wins
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.meta import DATASET, Meta
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.system import TOKEN

pytestmark = pytest.mark.slow(seconds=30)

PHONE_AT_META = "b7a8f5085aa733eb29857a02945bc84a5227e693708d469ec9fb21d34e9e44f5"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return with_wins(tmp_path_factory.mktemp("told") / "data")


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin() as running, stamina.set_testing(True, attempts=3, cap=True):
        yield running


@pytest.fixture
def meta(standin: Standin) -> Meta:
    system: Meta = standin.systems["meta"]
    return system


@pytest.fixture
def installation(
    published: Installation, standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    monkeypatch.setenv("META_CONVERSIONS_TOKEN", TOKEN)
    copy = published.copy_to(tmp_path / "data")
    feedback = {"dataset_id": DATASET, "base_url": standin.url("meta"), "timeout_seconds": 2, "events_per_call": 2}
    (copy.home / "sources.yaml").write_text(yaml.safe_dump({"sources": [], "feedback": feedback}), "utf-8")
    return copy


def outbox_of_wins(installation: Installation) -> list[tuple[Any, ...]]:
    """The outbox as the next run makes it."""
    parameters = policy_parameters(load_policy(installation.home / "policy.yaml"), NOW)
    with closing(connect(installation.home / "warehouse.duckdb")) as connection:
        warehouse = DuckDB(connection)
        warehouse.materialise(queries()[TableName("feedback", "capi_outbox")], parameters)
        return warehouse.rows(
            "select status, told_value, value_change from feedback.capi_outbox where outcome = 'won' order by record_id"
        )


def forget_clock(installation: Installation, hours: int) -> None:
    """Make what was tried look as if it had been tried so long before."""
    with duckdb.connect(str(installation.home / "warehouse.duckdb")) as connection:
        connection.execute(f"update feedback.capi_deliveries set attempted_at = attempted_at - interval '{hours}' hour")


def test_without_the_command_nothing_is_sent(installation: Installation, meta: Meta) -> None:
    told = installation.reconcile("feedback")
    assert told.status == 0
    assert f"{WINS} events are ready to send. This is a dry run" in told.text
    assert "waiting" in told.text, "the payment of yesterday has not stood long enough"
    amounts = re.findall(r"([\d,]+\.\d+) AED", told.text)
    assert amounts
    assert all(re.fullmatch(r"[\d,]+\.\d\d", amount) for amount in amounts), amounts
    assert (meta.batches, log(installation)) == ([], {})


def test_everything_ready_is_told_once_and_the_outbox_knows(installation: Installation, meta: Meta) -> None:
    first = installation.reconcile("feedback", "send")
    assert (first.status, "Meta accepted 4 events" in first.text) == (0, True), first.text
    again = installation.reconcile("feedback", "send")
    assert "Meta accepted 0 events" in again.text
    assert meta.batches == [2, 2]
    assert outbox_of_wins(installation) == [("delivered", 100 * (number + 1), 0) for number in range(4)]


def test_a_contact_goes_hashed_and_leaves_no_trace(installation: Installation, meta: Meta) -> None:
    told = installation.reconcile("feedback", "send")
    by_value = {event["custom_data"]["value"]: event["user_data"] for event in meta.events}
    assert by_value[400.0] == {"ph": [PHONE_AT_META]}
    assert by_value[100.0] == {"lead_id": 120345678901230}
    state = [path for path in installation.home.rglob("*") if path.is_file() and path.parent.name != "inbox"]
    assert [path for path in state if PHONE_AT_META.encode() in path.read_bytes()] == []
    assert PHONE_AT_META not in told.text


def test_a_contact_that_left_the_inbox_is_not_sent(installation: Installation, meta: Meta) -> None:
    (installation.inbox / "leads.csv").unlink()
    told = installation.reconcile("feedback", "send")
    assert "1 events were not sent: only a contact could identify them" in told.text
    assert len(meta.events) == WINS - 1


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_sending_loses_nothing_and_counts_nothing_twice(
    installation: Installation, meta: Meta, point: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-m", "reconciliation_assets_tests.commands.send_and_die", point],
        env={**os.environ, **installation.environment},
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    assert installation.reconcile("feedback", "send").status == 0
    assert len(meta.events) == WINS, "each counted once"
    assert sum(meta.batches) == WINS + (2 if point == "between_sending_and_noting" else 0)
    assert {answer for answer, *_ in log(installation).values()} == {"taken"}


def test_what_may_have_been_told_two_days_ago_is_not_told_again(installation: Installation, meta: Meta) -> None:
    subprocess.run(
        [sys.executable, "-m", "reconciliation_assets_tests.commands.send_and_die", "between_sending_and_noting"],
        env={**os.environ, **installation.environment},
        check=False,
        timeout=60,
    )
    forget_clock(installation, 49)
    installation.reconcile("feedback", "send")
    assert sum(meta.batches) == WINS
    assert [answer for answer, *_ in log(installation).values()].count("none") == 2


def test_it_is_the_first_attempt_that_counts_however_often_it_was_tried_since(
    installation: Installation, standin: Standin, meta: Meta
) -> None:
    """Tried at hour 0 and 47, each time without an answer: at hour 94 Meta would count it a second time."""
    for _ in range(2):
        standin.plan(Fault("cut_body", "meta.dataset_events", times=99))
        assert installation.reconcile("feedback", "send").status == 1
        forget_clock(installation, 47)
    standin.plan()
    told = installation.reconcile("feedback", "send")
    assert "Meta accepted 2 events" in told.text, "the batch that was never tried"
    assert {record: row[0] for record, row in log(installation).items() if row[2] > 1} == {
        "lead:L0": "none",
        "lead:L1": "none",
    }


def test_a_refused_event_is_noted_with_metas_error_and_not_tried_again(installation: Installation, meta: Meta) -> None:
    meta.clock = lambda: datetime.now(UTC) - timedelta(days=3)  # to a clock that far behind, all wins are to come
    told = installation.reconcile("feedback", "send")
    assert told.status == 1
    assert "Refused lead:L0, won: Meta's error 100/2804003" in told.text
    assert log(installation)["lead:L0"] == ["refused", "100/2804003", 1]
    meta.clock = lambda: datetime.now(UTC)
    assert "Meta accepted 0 events" in installation.reconcile("feedback", "send").text


def test_an_expired_token_stops_the_sending_and_the_next_one_finishes_it(
    installation: Installation, standin: Standin, meta: Meta
) -> None:
    standin.plan(Fault("expired_token", "meta.dataset_events", nth=2, times=9))
    told = installation.reconcile("feedback", "send")
    assert told.status == 1
    assert "Issue a new system user token" in told.text
    assert [answer for answer, *_ in log(installation).values()] == ["taken", "taken"]
    standin.plan()
    assert "Meta accepted 2 events" in installation.reconcile("feedback", "send").text
    assert len(meta.events) == WINS


def test_no_dataset_no_sending(installation: Installation, meta: Meta) -> None:
    (installation.home / "sources.yaml").write_text("sources: []\n")
    told = installation.reconcile("feedback", "send")
    assert told.status == 1
    assert "names no dataset" in told.text
