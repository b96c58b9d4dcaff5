"""The Conversions API: payloads and hashes as Meta specifies them, and batches that one bad event does not sink."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.doctor import examine_feedback
from reconciliation_assets.sources.errors import (
    ExpiredCredentials,
    Misconfigured,
    MissingPermission,
    RateLimited,
)
from reconciliation_assets.sources.meta_conversions import (
    Conversions,
    ConversionsSettings,
    DeliveryResult,
    Event,
    hashed_email,
    hashed_phone,
    load_feedback_settings,
    payload,
)
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.meta import DATASET, Meta
from reconciliation_assets_tests.standin.server import Standin

NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)
CALL = "meta.dataset_events"

Connect = Callable[..., Conversions]


def event(number: int = 1, **changed: Any) -> Event:
    whole: dict[str, Any] = {
        "event_id": f"e{number}",
        "name": "won",
        "happened_at": NOW - timedelta(days=2),
        "lead_id": "120345678901234",
    }
    return Event(**(whole | changed))


def bad(number: int) -> Event:
    return event(number, happened_at=NOW - timedelta(days=8))


@pytest.fixture
def dataset(standin: Standin) -> Meta:
    meta: Meta = standin.systems["meta"]
    meta.clock = lambda: NOW
    return meta


@pytest.fixture
def connect(standin: Standin, dataset: Meta, monkeypatch: pytest.MonkeyPatch) -> Connect:
    monkeypatch.setenv("META_CONVERSIONS_TOKEN", "standin-secret-token")

    def build(**changed: Any) -> Conversions:
        settings: dict[str, Any] = {"dataset_id": DATASET, "base_url": standin.url("meta"), "timeout_seconds": 0.5}
        return Conversions(ConversionsSettings.model_validate(settings | changed))

    return build


def told(conversions: Conversions, events: list[Event]) -> list[DeliveryResult]:
    return [each for answered in conversions.send(events) for each in answered]


def test_a_lead_is_told_as_metas_crm_payload_has_it() -> None:
    settings = ConversionsSettings(dataset_id=DATASET, lead_event_source="HubSpot")
    assert payload(event(value=Decimal("500.250"), currency="AED"), settings) == {
        "event_name": "won",
        "event_time": 1783512000,
        "event_id": "e1",
        "action_source": "system_generated",
        "user_data": {"lead_id": 120345678901234},
        "custom_data": {"event_source": "crm", "lead_event_source": "HubSpot", "value": 500.25, "currency": "AED"},
    }


def test_an_order_is_told_by_its_click_and_browser() -> None:
    told = payload(
        event(lead_id=None, order_id="O1", click_id="fb.1.17.IwAR", browser_id="fb.1.17.9"),
        ConversionsSettings(dataset_id=DATASET),
    )
    assert told["user_data"] == {"fbc": "fb.1.17.IwAR", "fbp": "fb.1.17.9"}
    assert told["custom_data"] == {"order_id": "O1"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (None, {}),
        ((), {"data_processing_options": []}),
        (
            ("LDU",),
            {
                "data_processing_options": ["LDU"],
                "data_processing_options_country": 0,
                "data_processing_options_state": 0,
            },
        ),
    ],
)
def test_data_processing_options_are_told_as_set(options: tuple[str, ...] | None, told: dict[str, Any]) -> None:
    settings = ConversionsSettings(dataset_id=DATASET, data_processing_options=options)
    sent = payload(event(), settings)
    assert {name: value for name, value in sent.items() if name.startswith("data_processing")} == told


def test_contacts_are_hashed_as_metas_own_examples_are() -> None:
    assert hashed_email("john_smith@gmail.com") == "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    assert hashed_phone("+16505551212") == "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"


def test_a_good_batch_goes_in_one_call(connect: Connect, dataset: Meta) -> None:
    assert told(connect(), [event(number) for number in range(1000)]) == [
        DeliveryResult(event(number)) for number in range(1000)
    ]
    assert dataset.batches == [1000]


@pytest.mark.parametrize("place", [0, 499, 999])
def test_one_bad_event_of_a_thousand_is_found_by_halving_and_the_rest_is_told(
    connect: Connect, dataset: Meta, place: int
) -> None:
    events = [bad(number) if number == place else event(number) for number in range(1000)]
    answers = told(connect(), events)
    assert [each.event.event_id for each in answers if each.refused_with] == [f"e{place}"]
    assert {each.refused_with for each in answers} == {None, "100/2804003"}
    assert len(dataset.events) == 999
    assert len(dataset.batches) <= 21, "ten halvings, two parts each, and the first try"


def test_a_bad_event_that_meta_names_is_taken_out_at_once(connect: Connect, dataset: Meta) -> None:
    dataset.names_the_event = True
    events = [bad(number) if number == 700 else event(number) for number in range(1000)]
    assert sum(each.refused_with is not None for each in told(connect(), events)) == 1
    assert dataset.batches == [1000, 1, 999]


def test_several_bad_events_are_all_found(connect: Connect, dataset: Meta) -> None:
    events = [bad(number) if number % 7 == 0 else event(number) for number in range(40)]
    refused = {each.event.event_id for each in told(connect(), events) if each.refused_with}
    assert refused == {f"e{number}" for number in range(0, 40, 7)}
    assert len(dataset.events) == 34


def test_the_same_event_twice_counts_once_at_meta(connect: Connect, dataset: Meta) -> None:
    for _ in range(2):
        assert told(connect(), [event()]) == [DeliveryResult(event())]
    assert len(dataset.events) == 1


def test_a_test_code_goes_beside_the_events(connect: Connect, standin: Standin) -> None:
    told(connect(test_event_code="TEST123"), [event()])
    assert standin.requests[-1].body["test_event_code"] == "TEST123"
    told(connect(), [event()])
    assert "test_event_code" not in standin.requests[-1].body


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "cut_body", "wrong_json"])
def test_passing_trouble_is_waited_out(connect: Connect, standin: Standin, dataset: Meta, fault: Any) -> None:
    standin.plan(Fault(fault, CALL))
    assert told(connect(), [event()]) == [DeliveryResult(event())]
    assert len(dataset.events) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("expired_token", ExpiredCredentials),
        ("missing_permission", MissingPermission),
        ("rate_limited", RateLimited),
    ],
)
def test_lasting_trouble_has_a_name_and_is_no_events_fault(
    connect: Connect, standin: Standin, dataset: Meta, fault: Any, error: type[Exception]
) -> None:
    standin.plan(Fault(fault, CALL, times=99))
    with pytest.raises(error):
        told(connect(), [event(1), event(2)])
    assert dataset.events == []


def test_a_dataset_that_is_not_there_is_not_searched_for_a_bad_event(connect: Connect, standin: Standin) -> None:
    with pytest.raises(MissingPermission, match="100/33"):
        told(connect(dataset_id="99"), [event(1), event(2)])
    assert standin.calls["meta.unknown_dataset"] == 1


def test_the_doctor_asks_the_dataset_without_telling_it_anything(
    connect: Connect, standin: Standin, dataset: Meta, tmp_path: Path
) -> None:
    policy = load_policy(None).policy
    file = tmp_path / "sources.yaml"
    assert examine_feedback(None, policy) == []
    part = {"dataset_id": DATASET, "base_url": standin.url("meta"), "test_event_code": "TEST1"}
    file.write_text(yaml.safe_dump({"sources": [], "feedback": part}), "utf-8")
    works, under_test = examine_feedback(file, policy)
    assert (works.state, works.told.partition(";")[0]) == ("works", f"dataset {DATASET}")
    assert (under_test.state, "TEST1" in under_test.told) == ("look", True)
    standin.plan(Fault("expired_token", "meta.dataset", times=9))
    (missing,) = examine_feedback(file, policy)
    assert (missing.state, missing.next_step) == ("missing", "Issue a new system user token")
    assert dataset.events == []


def test_what_goes_wrong_never_shows_a_token_or_an_identifier(connect: Connect, standin: Standin) -> None:
    standin.plan(Fault("expired_token", CALL, times=9))
    with pytest.raises(ExpiredCredentials) as raised:
        told(connect(), [event()])
    shown = f"{raised.value} {event()!r}"
    assert "standin-secret-token" not in shown
    assert "120345678901234" not in shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "names no dataset"),
        ("sources: []", "names no dataset"),
        ("feedback: {dataset_id: abc}", "'dataset_id'"),
        ("feedback: {dataset_id: '1', token: secret}", "'token'"),
    ],
)
def test_a_part_of_the_sources_file_that_cannot_be_used_is_told(tmp_path: Path, text: str | None, problem: str) -> None:
    file = tmp_path / "sources.yaml"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(Misconfigured, match=problem):
        load_feedback_settings(file if text is not None else None)
