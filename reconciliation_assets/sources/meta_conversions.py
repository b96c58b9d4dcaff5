"""Meta's Conversions API: sends outcomes to a dataset, in batches in which a bad event does not block the others.

The only module that sends data to an outside system. Formats follow Meta's pages on server events, customer information and
the payload of CRM events. Meta rejects a whole request for one bad event and does not always say which; the sender separates
the event that the answer names, or else halves the batch until the bad event is alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciliation_assets.policy.problems import yaml_of
from reconciliation_assets.sources import meta
from reconciliation_assets.sources.config import EnvironmentVariable
from reconciliation_assets.sources.connector import Probe, ProbedAccount
from reconciliation_assets.sources.credentials import bearer, secret
from reconciliation_assets.sources.errors import Misconfigured, RequestRefused, SchemaDrift
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, RetryPolicy
from reconciliation_assets.sources.shapes import Identifier, Shape, read

SYSTEM = "feedback"
EVENTS_PER_CALL = 1000
DEDUPLICATION = timedelta(hours=48)
"""Time within which Meta counts a repeated event name and ID only once."""

# Subcodes of error 100 about an event in the batch, such as 2804003 for an event that is too old.
_EVENT_SUBCODES = range(2804000, 2805000)
_NAMED_EVENT = re.compile(r"\bdata\[(\d+)\]")


class ConversionsSettings(BaseModel):
    """The section `feedback` of the sources file.

    Attributes:
        dataset_id: the dataset (pixel) that receives the events.
        base_url: address of the Graph API.
        api_version: Meta retires versions within about two years.
        token_env: the environment variable with the dataset's or a system user's token.
        lead_event_source: the CRM's name, as Meta shows it with CRM events.
        test_event_code: code from the tab "Test events"; events sent with it still count at Meta.
        data_processing_options: Meta's options for people of some places, such as LDU; an empty list means none.
        data_processing_options_country: with LDU, Meta's country number, or 0 to let Meta determine it.
        data_processing_options_state: with LDU, Meta's state number, or 0 to let Meta determine it.
        events_per_call: events per request; Meta accepts up to 1,000.
        timeout_seconds: time-out of one request.
        max_wait_minutes: limit of all waiting while sending.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset_id: str = Field(pattern=r"^\d+$")
    base_url: str = "https://graph.facebook.com"
    api_version: str = Field(default="v26.0", pattern=r"^v\d+\.\d+$")
    token_env: EnvironmentVariable = "META_CONVERSIONS_TOKEN"  # noqa: S105 - a variable's name
    lead_event_source: str = Field(default="CRM", min_length=1)
    test_event_code: str | None = None
    data_processing_options: tuple[str, ...] | None = None
    data_processing_options_country: int = 0
    data_processing_options_state: int = 0
    events_per_call: int = Field(default=EVENTS_PER_CALL, ge=1, le=EVENTS_PER_CALL)
    timeout_seconds: float = Field(default=60, gt=0)
    max_wait_minutes: float = Field(default=10, ge=0)


class NoDatasetError(Misconfigured):
    """The sources file names no dataset to send events to."""


def load_feedback_settings(sources_file: Path | None) -> ConversionsSettings:
    """Load the section `feedback` of the sources file.

    Raises:
        NoDatasetError: there is no such section.
        Misconfigured: a setting is missing, unknown or invalid.
    """
    where = "See docs/sources/meta_conversions.md for the part 'feedback' of sources.yaml"
    try:
        document = yaml_of(sources_file.read_bytes()) if sources_file else None
    except (OSError, ValueError):
        document = None
    part = document.get("feedback") if isinstance(document, dict) else None
    if not isinstance(part, dict):
        raise NoDatasetError(SYSTEM, "sources.yaml names no dataset that could be told anything", where)
    try:
        return ConversionsSettings.model_validate(part)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        setting = ".".join(str(place) for place in first["loc"])
        problem = f"setting {setting!r}: {first['msg']}"
    raise Misconfigured(SYSTEM, problem, where)


@dataclass(frozen=True, repr=False)
class Event:
    """One outcome to send; without a repr, because it holds identifiers of a person.

    Attributes:
        event_id: stable; Meta counts an ID and name repeated within 48 hours once.
        happened_at: when the outcome was reached.
        value: in `currency`; None if the outcome has none.
        order_id: the order, for records without a lead.
        lead_id: Meta's own ID of a lead-ad lead, 15 to 17 digits.
        click_id: Meta's fbc.
        browser_id: Meta's fbp.
        email_hash: SHA-256 of the address, from `hashed_email`.
        phone_hash: SHA-256 of the number, from `hashed_phone`.
    """

    event_id: str
    name: str
    happened_at: datetime
    value: Decimal | None = None
    currency: str | None = None
    order_id: str | None = None
    lead_id: str | None = None
    click_id: str | None = None
    browser_id: str | None = None
    email_hash: str | None = None
    phone_hash: str | None = None


class EventRefusedError(RequestRefused):
    """Meta rejected a request because of an event in it.

    Args:
        code: Meta's error code and subcode.
        place: index of the event, if the answer names it.
    """

    def __init__(self, code: str, place: int | None) -> None:
        super().__init__(SYSTEM, f"Meta answers with error {code}, an event is not valid", "Look it up in the outbox")
        self.code = code
        self.place = place


@dataclass(frozen=True)
class DeliveryResult:
    """The result of one event: accepted, or rejected with Meta's error."""

    event: Event
    refused_with: str | None = None


class _Accepted(Shape):
    events_received: int


class _Dataset(Shape):
    id: Identifier


class Conversions:
    """Sends events to one dataset.

    Args:
        settings: the dataset and how to reach it.

    Raises:
        Misconfigured: the environment lacks the token.
    """

    def __init__(self, settings: ConversionsSettings) -> None:
        self._settings = settings
        self._token = secret(SYSTEM, settings.token_env)

    def send(self, events: Sequence[Event]) -> Iterator[Sequence[DeliveryResult]]:
        """Send one batch; yields the results of its events as soon as Meta has answered for them.

        Args:
            events: at most `events_per_call` of the settings.

        Raises:
            SourceError: Meta rejects the request for a reason other than a single event, or does not answer.
        """
        with self._client() as client:
            yield from self._send(client, events)

    def probe(self) -> Probe:
        """Read the dataset's metadata, without sending events.

        Raises:
            SourceError: the dataset cannot be read with this token.
        """
        with self._client() as client:
            answer = client.get(f"{self._settings.api_version}/{self._settings.dataset_id}", {"fields": "id,name"})
            dataset = read(_Dataset, answer.body, system=SYSTEM, where="dataset")
            under_test = [f"everything is sent under the test code {self._settings.test_event_code}"]
            findings = under_test if self._settings.test_event_code is not None else []
            return Probe([ProbedAccount(f"dataset {dataset.id}")], client.clock_skew, findings)

    def _client(self) -> HttpClient:
        return HttpClient(
            SYSTEM,
            self._settings.base_url,
            credentials=bearer(self._token),
            classify=classify,
            pace=meta.pace,
            retry_policy=RetryPolicy(
                timeout=timedelta(seconds=self._settings.timeout_seconds),
                budget=timedelta(minutes=self._settings.max_wait_minutes),
            ),
        )

    def _send(self, client: HttpClient, events: Sequence[Event]) -> Iterator[Sequence[DeliveryResult]]:
        if not events:
            return
        try:
            self._post(client, events)
        except EventRefusedError as refusal:
            refused = refusal
        else:
            yield [DeliveryResult(event) for event in events]
            return
        if len(events) == 1:
            yield [DeliveryResult(events[0], refused.code)]
            return
        for part in _split(events, refused.place):
            yield from self._send(client, part)

    def _post(self, client: HttpClient, events: Sequence[Event]) -> None:
        settings = self._settings
        body: dict[str, Any] = {"data": [payload(event, settings) for event in events]}
        if settings.test_event_code is not None:
            body["test_event_code"] = settings.test_event_code
        answer = client.post(f"{settings.api_version}/{settings.dataset_id}/events", json_body=body)
        received = read(_Accepted, answer.body, system=SYSTEM, where="answer").events_received
        if received != len(events):
            raise SchemaDrift(SYSTEM, "events_received", f"says {received:,} where {len(events):,} were sent")


def payload(event: Event, settings: ConversionsSettings) -> dict[str, Any]:
    """One event in the format of Meta's payload specification.

    The outcome was reached in the CRM, the shop or the bank and not on the website, so its source is `system_generated`;
    `website` would require the visitor's user agent, which is not stored.
    """
    identifiers: dict[str, Any] = {
        "lead_id": int(event.lead_id) if event.lead_id else None,
        "fbc": event.click_id,
        "fbp": event.browser_id,
        "em": [event.email_hash] if event.email_hash else None,
        "ph": [event.phone_hash] if event.phone_hash else None,
    }
    custom: dict[str, Any] = {}
    if event.order_id is None:
        custom |= {"event_source": "crm", "lead_event_source": settings.lead_event_source}
    else:
        custom["order_id"] = event.order_id
    if event.value is not None:
        # JSON has no decimal type; a float with two or three decimals is written exactly.
        custom |= {"value": float(event.value), "currency": event.currency}
    event_data: dict[str, Any] = {
        "event_name": event.name,
        "event_time": int(event.happened_at.timestamp()),
        "event_id": event.event_id,
        "action_source": "system_generated",
        "user_data": {name: value for name, value in identifiers.items() if value is not None},
        "custom_data": custom,
    }
    if settings.data_processing_options is not None:
        event_data["data_processing_options"] = list(settings.data_processing_options)
        if settings.data_processing_options:
            event_data["data_processing_options_country"] = settings.data_processing_options_country
            event_data["data_processing_options_state"] = settings.data_processing_options_state
    return event_data


def hashed_email(address: str) -> str:
    """Meta's hash of an address: SHA-256 of the trimmed address in lower case.

    Args:
        address: as returned by `normalise_email`.
    """
    return sha256(address.encode()).hexdigest()


def hashed_phone(number: str) -> str:
    """Meta's hash of a number: SHA-256 of its digits with country code, without the plus sign.

    Args:
        number: in E.164, as returned by `normalise_phone`.
    """
    return sha256(number.removeprefix("+").encode()).hexdigest()


def classify(answer: HttpResponse) -> Failure | None:
    """The failure of an answer: an invalid event, or any other failure of a Meta source; None if it succeeded."""
    error = answer.body.get("error") if isinstance(answer.body, Mapping) else None
    if isinstance(error, Mapping) and error.get("code") == 100:
        subcode, place = error.get("error_subcode"), _named_event(error)
        if place is not None or subcode in _EVENT_SUBCODES:
            return Failure(EventRefusedError(f"100/{subcode}" if subcode else "100", place))
    failure = meta.classify(SYSTEM, answer)
    # Batches are small enough, so an unknown error is only retried.
    if failure is not None and isinstance(failure.error, meta.UnknownError):
        return Failure(failure.error, is_transient=True)
    return failure


def _named_event(error: Mapping[str, Any]) -> int | None:
    """Index of the event that an error names, as in "data[3]"; the messages are searched but never stored."""
    texts = (error.get(name) for name in ("message", "error_user_title", "error_user_msg", "error_data"))
    found = next(filter(None, (_NAMED_EVENT.search(str(text)) for text in texts)), None)
    return None if found is None else int(found[1])


def _split(events: Sequence[Event], place: int | None) -> list[Sequence[Event]]:
    """The parts in which a rejected batch is sent again: the named event separately, or else two halves."""
    if place is not None and place < len(events):
        return [events[place : place + 1], [*events[:place], *events[place + 1 :]]]
    middle = len(events) // 2
    return [events[:middle], events[middle:]]
