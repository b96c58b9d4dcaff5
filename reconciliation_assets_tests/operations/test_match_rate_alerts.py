"""A match rate that breaks is told once, its end once, and a delivery that failed is tried again."""

import inspect
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import dagster as dg
import pytest

from reconciliation_assets.operations import alerts
from reconciliation_assets.operations.alerts import DeliveryError
from reconciliation_assets.operations.sensors import match_rate_alerts

FALL = "fall_order_payment"


class Receiver:
    """A webhook on the loopback interface that keeps what it took.

    Attributes:
        took: the bodies it answered with success.
        refuse_after: after how many it refuses all others; None for never.
    """

    def __init__(self) -> None:
        self.took: list[dict[str, str]] = []
        self.refuse_after: int | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                refused = receiver.refuse_after is not None and len(receiver.took) >= receiver.refuse_after
                if not refused:
                    receiver.took.append(body)
                self.send_response(503 if refused else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/secret-token"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def webhook(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv("RECON_ALERT_WEBHOOK", receiver.url)
    yield receiver
    receiver.close()


class OnCall:
    """An instance in which checks are evaluated by runs, and the sensor that watches them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._cursor: str | None = None

    def evaluated(self, *, passed: bool, name: str = FALL) -> None:
        """One run in which the coverage check gave an answer."""

        @dg.asset(name="match_coverage", check_specs=[dg.AssetCheckSpec(name, asset="match_coverage")])
        def match_coverage() -> dg.MaterializeResult:  # type: ignore[type-arg]
            result = dg.AssetCheckResult(
                check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN, description="it fell to 60.0%"
            )
            return dg.MaterializeResult(check_results=[result])

        dg.materialize([match_coverage], instance=self._instance)

    def tick(self) -> None:
        """One tick of the sensor; when its body raises, the cursor stays where it last was."""
        context = dg.build_sensor_context(self._instance, cursor=self._cursor)
        match_rate_alerts(context)
        self._cursor = context.cursor


@pytest.fixture
def on_call(instance: dg.DagsterInstance) -> OnCall:
    return OnCall(instance)


def test_broken_is_told_once_and_over_once(on_call: OnCall, webhook: Receiver) -> None:
    for passed in (True, False, False):
        on_call.evaluated(passed=passed)
        on_call.tick()
        on_call.tick()
    assert [body["title"] for body in webhook.took] == ["Broken: match rate of order_payment fell"]
    assert "it fell to 60.0%" in webhook.took[0]["text"]
    on_call.evaluated(passed=True)
    on_call.tick()
    on_call.tick()
    assert [body["title"] for body in webhook.took][1:] == ["Over: match rate of order_payment fell"]


def test_a_floor_has_words_of_its_own(on_call: OnCall, webhook: Receiver) -> None:
    on_call.evaluated(passed=False, name="floor_lead_crm")
    on_call.tick()
    assert webhook.took[0]["title"] == "Broken: match rate of lead_crm below its floor"


def test_a_break_and_its_end_between_two_ticks_are_both_told(on_call: OnCall, webhook: Receiver) -> None:
    for passed in (False, True):
        on_call.evaluated(passed=passed)
    on_call.tick()
    assert [body["title"].partition(":")[0] for body in webhook.took] == ["Broken", "Over"]


def test_a_failed_delivery_is_tried_again_at_the_next_tick(on_call: OnCall, webhook: Receiver) -> None:
    on_call.evaluated(passed=False)
    webhook.refuse_after = 0
    with pytest.raises(DeliveryError, match="answered 503"):
        on_call.tick()
    webhook.refuse_after = None
    on_call.tick()
    on_call.tick()
    assert len(webhook.took) == 1


def test_what_was_delivered_before_a_failure_is_not_told_again(on_call: OnCall, webhook: Receiver) -> None:
    on_call.evaluated(passed=False)
    on_call.evaluated(passed=False, name="fall_lead_crm")
    webhook.refuse_after = 1
    on_call.tick()
    assert len(webhook.took) == 1
    webhook.refuse_after = None
    on_call.tick()
    on_call.tick()
    assert [body["title"] for body in webhook.took] == [
        "Broken: match rate of order_payment fell",
        "Broken: match rate of lead_crm fell",
    ]


def test_an_unreachable_webhook_is_told_without_its_address(
    on_call: OnCall, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.close()
    monkeypatch.setattr(alerts, "_post", inspect.unwrap(alerts._post))  # without waiting between attempts
    on_call.evaluated(passed=False)
    with pytest.raises(DeliveryError, match="could not be reached") as failed:
        on_call.tick()
    assert "secret-token" not in str(failed.value)


def test_without_a_webhook_the_log_is_told(on_call: OnCall, home: Path) -> None:
    on_call.evaluated(passed=False)
    on_call.tick()
    on_call.tick()


def test_it_runs_by_default(home: Path) -> None:
    assert match_rate_alerts.default_status is dg.DefaultSensorStatus.RUNNING
