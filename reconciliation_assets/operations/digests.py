"""Digests: a weekly notice to each owner about its open exceptions, from the published copy."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from reconciliation_assets.operations.alerts import Notice, SensorState, channels_of
from reconciliation_assets.policy.model import WEEKDAYS, Digest, Policy
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.figures import OpenException, Published, QueueChange
from reconciliation_assets.publish.queues import queue_file
from reconciliation_assets.publish.wording import Wording, wording
from reconciliation_assets.publish.words import WHAT_TO_DO
from reconciliation_assets.settings import Settings

# Key in the sensor state for the day of the last digest, stored as an ordinal.
DIGEST = "digest"

_WEEK = timedelta(days=7)
_NAMED = 5


def last_day(now: datetime, digest: Digest) -> date:
    """The day of the last digest due at `now`.

    Args:
        now: in the policy's zone.
    """
    day = now.date() - timedelta(days=(now.weekday() - WEEKDAYS.index(digest.weekday)) % 7)
    return day - _WEEK if day == now.date() and now.hour < digest.hour else day


def initial_state(now: datetime, digest: Digest) -> SensorState:
    """The initial state of the sensor: a digest due today is sent, older ones are not."""
    day = last_day(now, digest)
    return SensorState(has_begun=True, seen={DIGEST: day.toordinal() - (day == now.date())})


def digests(published: Published, day: date, policy: Policy, settings: Settings) -> list[Notice]:
    """One notice per owner with open exceptions, sorted by owner.

    Its ID depends on owner and week, so that a digest made again after a killed tick is not sent twice.
    """
    queues: dict[str, list[OpenException]] = defaultdict(list)
    for each in published.open_exceptions():
        queues[each.owner].append(each)
    changes = {change.owner: change for change in published.queue_changes(day - _WEEK)}
    write, say = FigureFormatter(policy.reporting_currency, policy.locale, policy.numerals), wording(policy.locale)
    return [
        Notice(
            notice_id=hashlib.sha256(f"digest|{owner}|{day:%G-W%V}".encode()).hexdigest()[:16],
            problem=f"digest {owner}",
            kind="digest",
            owner=owner,
            title=say.plural(
                "Open items of {owner}: {number} exception, {amount} {currency} at stake",
                "Open items of {owner}: {number} exceptions, {amount} {currency} at stake",
                len(queue),
                owner=owner,
                number=write.count(len(queue)),
                amount=write.money(_at_stake(queue)),
                currency=write.currency,
            ),
            text="\n".join(
                [
                    *_changes(changes.get(owner), write, say),
                    *_kinds(queue, write, say),
                    *_largest(queue, write, say),
                    say("Full list: {file}", file=settings.queues_dir / queue_file(owner)),
                    say("Open in the UI: {link}", link=f"{settings.ui_url.rstrip('/')}/assets/exceptions"),
                ]
            ),
            channels=channels_of("digest", owner, policy.alerts),
        )
        for owner, queue in sorted(queues.items())
    ]


def _at_stake(queue: Sequence[OpenException]) -> Decimal:
    return sum((each.value for each in queue), Decimal(0))


def _changes(change: QueueChange | None, write: FigureFormatter, say: Wording) -> list[str]:
    if change is None:
        return []
    return [
        say(
            "In the last seven days: {came} opened, {went} closed with {amount} {currency}.",
            came=write.count(change.came),
            went=write.count(change.went),
            amount=write.money(change.went_value),
            currency=write.currency,
        )
    ]


def _kinds(queue: Sequence[OpenException], write: FigureFormatter, say: Wording) -> list[str]:
    """One line per kind, the highest value first."""
    kinds: dict[str, list[OpenException]] = defaultdict(list)
    for each in queue:
        kinds[each.kind].append(each)
    ordered = sorted(kinds.items(), key=lambda found: (-_at_stake(found[1]), found[0]))
    return [
        say(
            "- {kind}: {number}, {amount} {currency}{oldest}. Next step: {what_to_do}.",
            kind=say(kind.replace("_", " ")),
            number=write.count(len(each)),
            amount=write.money(_at_stake(each)),
            currency=write.currency,
            oldest=_oldest(each, write, say),
            what_to_do=say(WHAT_TO_DO[kind]),
        )
        for kind, each in ordered
    ]


def _oldest(queue: Sequence[OpenException], write: FigureFormatter, say: Wording) -> str:
    """The age of the oldest exception; empty if none has a date."""
    ages = [each.age_days for each in queue if each.age_days is not None]
    return say(", the oldest {days} days old", days=write.count(max(ages))) if ages else ""


def _largest(queue: Sequence[OpenException], write: FigureFormatter, say: Wording) -> list[str]:
    """The exceptions with the most at stake; the queue is sorted by value."""
    return [
        say(
            "Largest: {kind} {table} {id}, {amount} {currency}, {exception}",
            kind=say(each.kind.replace("_", " ")),
            table=each.source_table,
            id=each.source_id,
            amount=write.money(each.value),
            currency=write.currency,
            exception=each.exception_id[:8],
        )
        for each in queue[:_NAMED]
    ]
