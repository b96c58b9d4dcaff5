"""Every source under every fault at every kind of call: the rows equal a faultless pull's, or the error says why not."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Connector
from reconciliation_assets.sources.errors import (
    ExpiredCredentials,
    MissingPermission,
    RateLimited,
    SchemaDrift,
    SourceError,
    SourceUnavailable,
)
from reconciliation_assets.sources.registry import SOURCE_TYPES
from reconciliation_assets_tests.sources.conftest import READ_BY, Connect, rows_of
from reconciliation_assets_tests.standin.company import Company
from reconciliation_assets_tests.standin.faults import PASSING, Fault, FaultKind
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import ENTRIES, ENVIRONMENT

NOT_REPEATABLE = {"salla.grant_token"}
"""Calls that would do harm when made twice, so that a fault there ends the pull; their own tests show how."""

every_source = pytest.mark.parametrize("source_type", sorted(ENTRIES))


def calls_of(standin: Standin, connector: Connector) -> dict[str, int]:
    standin.plan()
    rows_of(connector)
    return {call: made for call, made in standin.calls.items() if call not in NOT_REPEATABLE}


def test_the_stand_in_speaks_for_every_source_type() -> None:
    assert set(ENTRIES) == set(SOURCE_TYPES)


@every_source
def test_a_faultless_pull_fills_every_table_the_source_names(connect: Connect, source_type: str) -> None:
    assert all(rows_of(connect(source_type)).values())


@every_source
def test_lists_have_several_pages_so_that_paging_is_tested(
    standin: Standin, connect: Connect, source_type: str
) -> None:
    assert max(calls_of(standin, connect(source_type)).values()) > 2


@every_source
@pytest.mark.parametrize("kind", PASSING)
def test_a_pull_gets_over_a_fault_at_any_kind_of_call(
    standin: Standin, connect: Connect, source_type: str, kind: FaultKind
) -> None:
    connector = connect(source_type)
    calls = calls_of(standin, connector)
    faultless = rows_of(connector)
    for call, made in calls.items():
        for nth in {1, min(2, made)} if kind != "slow" else {1}:
            standin.plan(Fault(kind, call, nth))
            assert rows_of(connector) == faultless, f"{kind} at {call} number {nth}"


@every_source
def test_what_arrives_while_paging_hides_and_doubles_nothing(
    standin: Standin, connect: Connect, source_type: str
) -> None:
    connector = connect(source_type)
    for call in calls_of(standin, connector):
        before = rows_of(connector)
        standin.plan(Fault("world_changes", call, change=Company.grow))
        for table, rows in rows_of(connector).items():
            assert [row for row in before[table] if row not in rows] == [], f"hidden after {call}"
            assert [row for n, row in enumerate(rows) if row in rows[:n]] == [], f"doubled after {call}"


@every_source
def test_a_pull_gets_over_many_faults_at_once(standin: Standin, connect: Connect, source_type: str) -> None:
    connector = connect(source_type)
    faultless = rows_of(connector)
    kinds: tuple[FaultKind, ...] = ("rate_limited", "cut_body", "server_error", "wrong_json")
    standin.plan(*(Fault(kind, nth=2 + 3 * n) for n, kind in enumerate(kinds)))
    assert rows_of(connector) == faultless


LASTING: dict[FaultKind, type[SourceError]] = {
    "server_error": SourceUnavailable,
    "wrong_json": SourceUnavailable,
    "missing_permission": MissingPermission,
}


@every_source
@pytest.mark.parametrize("kind", LASTING)
def test_a_fault_that_lasts_is_told_without_secrets(
    standin: Standin, connect: Connect, caplog: pytest.LogCaptureFixture, source_type: str, kind: FaultKind
) -> None:
    connector = connect(source_type)
    caplog.set_level(logging.DEBUG)
    for call in calls_of(standin, connector):
        if kind == "missing_permission" and ".grant" in call:
            continue
        standin.plan(Fault(kind, call, times=100))
        with pytest.raises(LASTING[kind]) as raised:
            rows_of(connector)
        told = "".join(f"{link} {link!r} {vars(link)}" for link in chain_of(raised.value)) + caplog.text
        assert raised.value.system in {connector.name, READ_BY.get(source_type)}
        assert not [secret for secret in (*ENVIRONMENT.values(), "http://", "@example.com", "+965") if secret in told]


@every_source
def test_a_refused_token_is_told_or_renewed(standin: Standin, connect: Connect, source_type: str) -> None:
    connector = connect(source_type)
    calls = calls_of(standin, connector)
    renewing = {call.partition(".grant")[0] for call in standin.calls if ".grant" in call}
    faultless = rows_of(connector)
    for call in calls:
        standin.plan(Fault("expired_token", call))
        if call.partition(".")[0] in renewing and ".grant" not in call:
            assert rows_of(connector) == faultless
        else:
            with pytest.raises(ExpiredCredentials):
                rows_of(connector)


@every_source
def test_a_limit_that_outlasts_the_run_says_when_to_come_back(
    standin: Standin, connect: Connect, source_type: str
) -> None:
    connector = connect(source_type, max_wait_minutes=0)
    standin.plan(Fault("rate_limited", times=100))
    with pytest.raises(RateLimited, match="Run again"):
        rows_of(connector)


def other_types(body: Any) -> Any:
    """The body with every text and number in a list of its own, as no version of any system sent it."""
    if isinstance(body, dict):
        return {name: other_types(value) for name, value in body.items()}
    return [other_types(value) for value in body] if isinstance(body, list) else [body]


@every_source
@pytest.mark.parametrize("drifted", [lambda _: {}, other_types], ids=["fields vanish", "fields change type"])
def test_a_drift_at_any_kind_of_call_is_told_as_one(
    standin: Standin, connect: Connect, source_type: str, drifted: Callable[[Any], Any]
) -> None:
    connector = connect(source_type)
    for call in calls_of(standin, connector):
        standin.plan(Fault("drift", call, times=100, change=drifted))
        with pytest.raises(SchemaDrift) as raised:
            rows_of(connector)
        assert raised.value.field
        assert "@example.com" not in str(raised.value)


@every_source
def test_a_source_is_probed_without_pulling(standin: Standin, connect: Connect, source_type: str) -> None:
    connector = connect(source_type)
    pulled = set(calls_of(standin, connector))
    standin.plan()
    probe = connector.probe()
    assert probe.accounts
    assert probe.clock_skew is not None
    assert abs(probe.clock_skew.total_seconds()) < 5
    assert sum(standin.calls.values()) <= len(pulled) + 4


@every_source
def test_a_missing_variable_is_named(connect: Connect, monkeypatch: pytest.MonkeyPatch, source_type: str) -> None:
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable)
    with pytest.raises(SourceError, match="environment variable"):
        connect(source_type).probe()


def chain_of(error: BaseException) -> Iterator[BaseException]:
    links = [error]
    for link in links:
        links += [further for further in (link.__cause__, link.__context__) if further is not None]
    yield from links
