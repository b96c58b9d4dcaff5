"""Send the outbox to Meta: only by command; every event is logged before it is sent and again when Meta has answered.

Only events in the published copy are sent, so all of them have passed every blocking check. Identifiers come from the private
warehouse, contacts are held in memory only. A process killed between sending and logging sends the same event again with the
same ID and name, which Meta counts once within 48 hours of the first attempt. After that it is not sent again: a missing event
is better than a duplicate.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from reconciliation_assets.chain.feedback.capi_deliveries import DELIVERIES
from reconciliation_assets.errors import PlainError
from reconciliation_assets.operations.instance import run_lock
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.copy import SCHEMA, escaped
from reconciliation_assets.publish.figures import OutboxCount, Published
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.capi_contacts import WantedContact, hashed_contacts
from reconciliation_assets.sources.errors import RequestRefused, SourceError, SourceUnavailable
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.meta_conversions import (
    DEDUPLICATION,
    SYSTEM,
    Conversions,
    ConversionsSettings,
    DeliveryResult,
    Event,
)
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import ContactProtector, load_contact_key
from reconciliation_assets.warehouse.duckdb import DuckDB, connect

MOST_REFUSED = 50
"""More rejected events than this indicate a general fault, so sending stops."""

_PENDING = f"""
select p.event_id, p.record_id, p.outcome, p.event_name, p.event_time, p.value, p.currency, p.identifiers,
  case when e.record_type = 'order' then e.source_id end as order_id, e.meta_lead_id, e.click_id, e.browser_id,
  e.source_table, e.source_id, e.email_key, e.phone_key
from published.{SCHEMA}.capi_outbox p
join feedback.outcome_events e on e.event_id = p.event_id
left join {DELIVERIES} d on d.event_id = p.event_id
where p.status = 'ready' and p.event_time >= $oldest
  and (d.event_id is null or (d.answer = 'none' and d.attempted_at >= $still_counted_once))
order by p.event_time, p.event_id
"""

# `attempted_at` stays the time of the first attempt: Meta may have counted it, and would count the event again after 48 hours.
_ENTER = f"""
insert into {DELIVERIES}
select event_id, record_id, outcome, event_name, event_time, value, currency, identifiers, $now, 1, 'none', null, $is_test
from _entered
on conflict (event_id) do update set
  event_name = excluded.event_name, event_time = excluded.event_time, value = excluded.value,
  currency = excluded.currency, identifiers = excluded.identifiers,
  attempts = {DELIVERIES.name}.attempts + 1, is_test = excluded.is_test
"""


class FeedbackError(PlainError):
    """No events can be sent; the message says why."""


@dataclass(frozen=True, repr=False)
class PendingEvent:
    """An event to send next, and the row with its contact; without a repr, like `Event`."""

    event: Event
    record_id: str
    outcome: str
    identifiers: str
    contact: WantedContact | None


@dataclass
class SendResult:
    """The result of sending.

    Attributes:
        taken: number of events that Meta accepted.
        refused: record, outcome and Meta's error of every rejected event.
        without_contact: number of events that only a contact identifies and whose row is no longer in the inbox.
    """

    taken: int = 0
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    without_contact: int = 0


def outbox_counts(settings: Settings) -> list[OutboxCount]:
    """Counts of the published outbox by outcome, status and reason.

    Raises:
        FeedbackError: there is no published copy with an outbox yet.
        UnreadableCopyError: there is one, but it is damaged.
    """
    _require_outbox(settings)
    with Published(settings.published_path) as published:
        return sorted(published.outbox(), key=lambda each: (each.outcome, each.status, each.reason))


def pending_events(settings: Settings, now: datetime) -> list[PendingEvent]:
    """The events to send next, oldest first; nothing is sent or logged.

    Raises:
        FeedbackError: there is no published copy with an outbox yet.
        UnreadableCopyError: there is one, but it is damaged.
        AlreadyRunningError: a run uses the data directory.
        WarehouseBusyError: a run started from the Dagster UI has the warehouse open.
    """
    _require_outbox(settings)
    with run_lock(settings), closing(connect(settings.warehouse_path)) as connection:
        return _pending(DuckDB(connection), settings, now)


def send_feedback(settings: Settings, conversions: ConversionsSettings, now: datetime) -> SendResult:
    """Send the events that are ready to Meta, batch by batch.

    Args:
        settings: the installation.
        conversions: the dataset that receives them.
        now: the real time, not `RECON_AS_OF`, because Meta checks the age of events by its own clock.

    Raises:
        FeedbackError: there is no published copy with an outbox yet.
        UnreadableCopyError: there is one, but it is damaged.
        SourceError: Meta rejects the request or does not answer; events accepted before are logged.
        AlreadyRunningError: a run uses the data directory.
        WarehouseBusyError: a run started from the Dagster UI has the warehouse open.
    """
    _require_outbox(settings)
    meta = Conversions(conversions)
    is_test = conversions.test_event_code is not None
    result = SendResult()
    with run_lock(settings), closing(connect(settings.warehouse_path)) as connection:
        warehouse = DuckDB(connection)
        pending = _with_contacts(_pending(warehouse, settings, now), settings)
        ready = [each for each in pending if each.identifiers != "hashed contact" or _has_contact(each.event)]
        result.without_contact = len(pending) - len(ready)
        for first in range(0, len(ready), conversions.events_per_call):
            batch = ready[first : first + conversions.events_per_call]
            _log_attempts(warehouse, batch, now, is_test=is_test)
            by_id = {each.event.event_id: each for each in batch}
            try:
                for results in meta.send([each.event for each in batch]):
                    _log_answers(warehouse, results)
                    _count(result, results, by_id)
            except SourceError as problem:
                if not isinstance(problem, SourceUnavailable):
                    _remove_log_entries(warehouse, by_id)
                raise
            if len(result.refused) > MOST_REFUSED:
                raise RequestRefused(
                    SYSTEM,
                    f"Meta refused {len(result.refused)} events, the first with error {result.refused[0][2]}",
                    "See capi_deliveries for them after the next run; correct dataset, policy or data before sending more",
                )
    return result


def _require_outbox(settings: Settings) -> None:
    if not settings.published_path.is_file() or not settings.warehouse_path.is_file():
        raise FeedbackError(f"There is no published copy in {settings.data_dir} yet: run `reconcile run` first.")
    with Published(settings.published_path) as published:
        if not published.has("capi_outbox"):
            raise FeedbackError("The published copy was made before there was an outbox: run `reconcile run` first.")


@contextmanager
def _published(warehouse: DuckDB, settings: Settings) -> Iterator[None]:
    warehouse.execute(f"attach '{escaped(settings.published_path)}' as published (read_only)")
    try:
        yield
    finally:
        warehouse.execute("detach published")


def _pending(warehouse: DuckDB, settings: Settings, now: datetime) -> list[PendingEvent]:
    oldest = now - timedelta(hours=load_policy(settings.policy_path).policy.capi.max_age_hours)
    with _published(warehouse, settings):
        rows = warehouse.rows(_PENDING, {"oldest": oldest, "still_counted_once": now - DEDUPLICATION})
    return [_pending_event(*row) for row in rows]


def _pending_event(
    event_id: str,
    record_id: str,
    outcome: str,
    name: str,
    happened_at: datetime,
    value: Decimal | None,
    currency: str | None,
    identifiers: str,
    order_id: str | None,
    lead_id: str | None,
    click_id: str | None,
    browser_id: str | None,
    *contact: Any,
) -> PendingEvent:
    return PendingEvent(
        Event(event_id, name, happened_at, value, currency, order_id, lead_id, click_id, browser_id),
        record_id,
        outcome,
        identifiers,
        WantedContact(*contact) if identifiers == "hashed contact" else None,
    )


def _with_contacts(pending: Sequence[PendingEvent], settings: Settings) -> list[PendingEvent]:
    """The events, with hashed contacts for those that only a contact identifies, if the policy allows hashed contacts."""
    wanted = [each.contact for each in pending if each.contact is not None]
    if not wanted:
        return list(pending)
    files, _ = discover(settings.inbox, load_presets(settings.presets_dir))
    key = load_contact_key(settings.data_dir, settings.contact_key, is_new=False)
    protector = ContactProtector(key, load_policy(settings.policy_path).policy.reporting_currency)
    found = hashed_contacts(wanted, files, protector)
    return [
        replace(each, event=replace(each.event, email_hash=contact.email_hash, phone_hash=contact.phone_hash))
        if each.contact and (contact := found.get((each.contact.table, each.contact.source_id)))
        else each
        for each in pending
    ]


def _has_contact(event: Event) -> bool:
    return event.email_hash is not None or event.phone_hash is not None


def _log_attempts(warehouse: DuckDB, batch: Sequence[PendingEvent], now: datetime, *, is_test: bool) -> None:
    """Log events before they are sent."""
    rows = pa.Table.from_pylist(
        [
            {
                "event_id": each.event.event_id,
                "record_id": each.record_id,
                "outcome": each.outcome,
                "event_name": each.event.name,
                "event_time": each.event.happened_at,
                "value": each.event.value,
                "currency": each.event.currency,
                "identifiers": each.identifiers,
            }
            for each in batch
        ]
    )
    with warehouse.transaction(), warehouse.reading("_entered", rows):
        warehouse.execute(_ENTER, {"now": now, "is_test": is_test})


def _log_answers(warehouse: DuckDB, results: Sequence[DeliveryResult]) -> None:
    """Log Meta's answer for all its events in one transaction."""
    answers = pa.table(
        {
            "event_id": [each.event.event_id for each in results],
            "answer_code": pa.array([each.refused_with for each in results], pa.string()),
        }
    )
    with warehouse.transaction(), warehouse.reading("_answers", answers):
        warehouse.execute(
            f"""
            update {DELIVERIES} d
            set answer = case when a.answer_code is null then 'taken' else 'refused' end, answer_code = a.answer_code
            from _answers a where a.event_id = d.event_id
            """
        )


def _remove_log_entries(warehouse: DuckDB, event_ids: Iterable[str]) -> None:
    """Delete the log entries of events that Meta certainly did not accept; keep those with earlier attempts, which may have succeeded."""
    ids = pa.table({"event_id": pa.array(list(event_ids), pa.string())})
    with warehouse.transaction(), warehouse.reading("_taken_back", ids):
        warehouse.execute(
            f"""
            delete from {DELIVERIES}
            where answer = 'none' and attempts = 1 and event_id in (select event_id from _taken_back)
            """
        )


def _count(result: SendResult, results: Sequence[DeliveryResult], by_id: dict[str, PendingEvent]) -> None:
    for each in results:
        if each.refused_with is None:
            result.taken += 1
        else:
            place = by_id[each.event.event_id]
            result.refused.append((place.record_id, place.outcome, each.refused_with))
