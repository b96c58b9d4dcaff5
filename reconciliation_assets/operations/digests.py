"""Digests: once a week each owner is told which exceptions wait for it. Of the published copy, at a given instant."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from reconciliation_assets.operations.alerts import Book, Notice, channels_of
from reconciliation_assets.policy.model import WEEKDAYS, Digest, Policy
from reconciliation_assets.publish.amounts import Writer
from reconciliation_assets.publish.figures import OpenException, Published, QueueChange
from reconciliation_assets.publish.queues import queue_file
from reconciliation_assets.publish.words import WHAT_TO_DO
from reconciliation_assets.settings import Settings

# Under which a book remembers the day of the last digest, as an ordinal.
DIGEST = "digest"

_WEEK = timedelta(days=7)
_NAMED = 5


def last_day(now: datetime, digest: Digest) -> date:
    """The day of the last digest that was due at an instant.

    Args:
        now: in the policy's zone.
    """
    day = now.date() - timedelta(days=(now.weekday() - WEEKDAYS.index(digest.weekday)) % 7)
    return day - _WEEK if day == now.date() and now.hour < digest.hour else day


def begun(now: datetime, digest: Digest) -> Book:
    """What a sensor that begins remembers: it tells the digest of its own day, and no older one."""
    day = last_day(now, digest)
    return Book(has_begun=True, seen={DIGEST: day.toordinal() - (day == now.date())})


def digests(published: Published, day: date, policy: Policy, settings: Settings) -> list[Notice]:
    """A notice for each owner for whom something waits, by name.

    Its ID is the owner and the week, so that one that is made again, after a kill, is not told again.
    """
    queues: dict[str, list[OpenException]] = defaultdict(list)
    for each in published.open_exceptions():
        queues[each.owner].append(each)
    changes = {change.owner: change for change in published.queue_changes(day - _WEEK)}
    write = Writer(policy.reporting_currency, policy.locale)
    return [
        Notice(
            notice_id=hashlib.sha256(f"digest|{owner}|{day:%G-W%V}".encode()).hexdigest()[:16],
            problem=f"digest {owner}",
            kind="digest",
            owner=owner,
            title=(
                f"Waiting for {owner}: {write.count(len(queue))} exception{'s' * (len(queue) != 1)}, "
                f"{write.money(_at_stake(queue))} {write.currency} at stake"
            ),
            text="\n".join(
                [
                    *_changes(changes.get(owner), write),
                    *_kinds(queue, write),
                    *_largest(queue, write),
                    f"All of them: {settings.queues_dir / queue_file(owner)}",
                    f"Open in the UI: {settings.ui_url.rstrip('/')}/assets/exceptions",
                ]
            ),
            channels=channels_of("digest", owner, policy.alerts),
        )
        for owner, queue in sorted(queues.items())
    ]


def _at_stake(queue: Sequence[OpenException]) -> Decimal:
    return sum((each.value for each in queue), Decimal(0))


def _changes(change: QueueChange | None, write: Writer) -> list[str]:
    if change is None:
        return []
    came, went, value = write.count(change.came), write.count(change.went), write.money(change.went_value)
    return [f"In the seven days before: {came} came, {went} went with {value} {write.currency}."]


def _kinds(queue: Sequence[OpenException], write: Writer) -> list[str]:
    """A line for each kind, the most value first."""
    kinds: dict[str, list[OpenException]] = defaultdict(list)
    for each in queue:
        kinds[each.kind].append(each)
    ordered = sorted(kinds.items(), key=lambda found: (-_at_stake(found[1]), found[0]))
    return [
        f"- {kind.replace('_', ' ')}: {write.count(len(each))}, {write.money(_at_stake(each))} {write.currency}"
        f"{_oldest(each, write)}. What to do: {WHAT_TO_DO[kind]}."
        for kind, each in ordered
    ]


def _oldest(queue: Sequence[OpenException], write: Writer) -> str:
    """How old the oldest is; nothing where none says since when."""
    ages = [each.age_days for each in queue if each.age_days is not None]
    return f", the oldest {write.count(max(ages))} days old" if ages else ""


def _largest(queue: Sequence[OpenException], write: Writer) -> list[str]:
    """The few with the most at stake; the queue comes in that order."""
    return [
        f"Largest: {each.kind.replace('_', ' ')} {each.source_table} {each.source_id}, "
        f"{write.money(each.value)} {write.currency}, {each.exception_id[:8]}"
        for each in queue[:_NAMED]
    ]
