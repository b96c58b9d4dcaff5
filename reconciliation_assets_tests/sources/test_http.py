"""The HTTP client: what it waits for, how long, and what an HTTP status means."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from reconciliation_assets.sources.connector import Window
from reconciliation_assets.sources.errors import (
    ExpiredCredentials,
    Misconfigured,
    MissingPermission,
    RateLimited,
    RequestRefused,
    SourceError,
    SourceUnavailable,
)
from reconciliation_assets.sources.http import HttpClient, HttpResponse, RetryPolicy, classify_status, retry_after
from reconciliation_assets_tests.standin.server import Standin


@pytest.mark.parametrize(
    ("status", "error", "is_transient"),
    [
        (301, RequestRefused, False),
        (400, RequestRefused, False),
        (401, ExpiredCredentials, False),
        (403, MissingPermission, False),
        (404, RequestRefused, False),
        (408, SourceUnavailable, True),
        (429, RateLimited, True),
        (500, SourceUnavailable, True),
        (503, SourceUnavailable, True),
    ],
)
def test_a_status_means_one_thing(status: int, error: type[SourceError], is_transient: bool) -> None:
    failure = classify_status("shop", HttpResponse(status, {}, None))
    assert failure is not None
    assert (type(failure.error), failure.is_transient) == (error, is_transient)


def test_success_is_no_trouble() -> None:
    assert classify_status("shop", HttpResponse(204, {}, None)) is None


@pytest.mark.parametrize(("value", "seconds"), [("30", 30), ("1.5", 1.5), ("-3", 0)])
def test_retry_after_may_be_seconds(value: str, seconds: float) -> None:
    assert retry_after(HttpResponse(429, {"retry-after": value}, None)) == timedelta(seconds=seconds)


def test_retry_after_may_be_a_date() -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    wait = retry_after(HttpResponse(429, {"retry-after": format_datetime(until, usegmt=True)}, None))
    assert wait is not None
    assert timedelta(minutes=4, seconds=55) < wait <= timedelta(minutes=5)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}])
def test_without_a_readable_retry_after_the_wait_is_ours_to_choose(headers: dict[str, str]) -> None:
    assert retry_after(HttpResponse(429, headers, None)) is None


def test_an_address_that_is_none_is_a_setting_to_correct() -> None:
    with HttpClient("shop", "not-an-address") as client, pytest.raises(Misconfigured, match="base_url"):
        client.get("orders")


def test_a_closed_door_is_told_after_the_attempts(standin: Standin) -> None:
    closed = "http://127.0.0.1:9"
    with (
        HttpClient("shop", closed, retry_policy=RetryPolicy(attempts=2)) as client,
        pytest.raises(SourceUnavailable, match="connection failed") as raised,
    ):
        client.get("orders")
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None


def test_resting_is_on_the_pulls_budget() -> None:
    with HttpClient(
        "shop", "http://127.0.0.1:9", retry_policy=RetryPolicy(budget=timedelta(milliseconds=30))
    ) as client:
        client.pause_for(timedelta(milliseconds=20), "a report job")
        with pytest.raises(SourceUnavailable, match="a report job took longer"):
            client.pause_for(timedelta(milliseconds=20), "a report job")


def test_a_window_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        Window(None, datetime(2026, 7, 1))  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize("address", ["http://shop.example", "HTTP://10.0.0.7:8080/api", "http://127.0.0.1.example.com"])
def test_an_address_that_is_not_encrypted_is_refused(address: str) -> None:
    with pytest.raises(Misconfigured, match="Write https://"):
        HttpClient("shop", address)


@pytest.mark.parametrize(
    "address", ["https://shop.example", "http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"]
)
def test_encrypted_and_loopback_addresses_are_taken(address: str) -> None:
    with HttpClient("shop", address) as client:
        assert client.system == "shop"
