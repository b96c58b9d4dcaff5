"""The open exceptions of each owner as a CSV, for people who work through a list and never open Dagster.

Reads only the published copy.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.model import minor_digits
from reconciliation_assets.publish.figures import OpenException, Published
from reconciliation_assets.publish.wording import ENGLISH, Wording
from reconciliation_assets.publish.words import WHAT_TO_DO

COLUMNS = (
    "exception_id",
    "owner",
    "kind",
    "what_to_do",
    "source_table",
    "source_id",
    "value_at_stake",
    "currency",
    "age_days",
    "opened_at",
    "first_seen_on",
    "reopened",
    "evidence",
)

# A spreadsheet reads a cell that starts with one of these as a formula, full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def write_queues(
    published_path: Path, folder: Path, owners: Iterable[str], zone: ZoneInfo, say: Wording = ENGLISH
) -> dict[Path, int]:
    """Write the queue of every owner from a published copy; every file is written atomically.

    An owner without open exceptions gets a file with headings only, because a missing file could mean that it was forgotten.
    Files of owners that are no longer in the policy or the queue are deleted, so nothing else belongs in this folder.

    Args:
        published_path: the published database.
        folder: the folder for the files.
        owners: the owners in the policy.
        zone: time zone of all times.
        say: language of headings, kinds and actions; English headings are the column names.

    Returns:
        Number of exceptions in each file.
    """
    with Published(published_path) as published:
        waiting = published.open_exceptions()
    queues: dict[Path, list[OpenException]] = defaultdict(list)
    for owner in owners:
        queues[folder / queue_file(owner)] = []
    for each in waiting:
        queues[folder / queue_file(each.owner)].append(each)
    folder.mkdir(parents=True, exist_ok=True)
    for path, queue in queues.items():
        _write(path, queue, zone, say)
    for path in folder.glob("*.csv"):
        if path not in queues:
            path.unlink()
    return {path: len(queue) for path, queue in sorted(queues.items())}


def queue_file(owner: str) -> str:
    """File name of an owner's queue: letters, digits and hyphens only, so that it stays in this folder."""
    name = re.sub(r"[^\w-]+", "-", owner.lower()).strip("-")
    return f"{name or 'nobody'}.csv"


def _write(path: Path, queue: Iterable[OpenException], zone: ZoneInfo, say: Wording) -> None:
    # The byte order mark makes Excel read UTF-8; without it Arabic is unreadable.
    with atomic_file(path) as unfinished, unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(say(column) for column in COLUMNS)
        writer.writerows(_row(each, zone, say) for each in queue)


def _row(each: OpenException, zone: ZoneInfo, say: Wording) -> list[str]:
    kind = each.kind if say is ENGLISH else say(each.kind.replace("_", " "))
    what_to_do = say(WHAT_TO_DO[each.kind])
    texts = (each.exception_id, each.owner, kind, what_to_do, each.source_table, each.source_id)
    return [
        *map(as_text, texts),
        f"{each.value:.{minor_digits(each.currency)}f}",
        each.currency,
        "" if each.age_days is None else str(each.age_days),
        each.opened_at.replace(tzinfo=UTC).astimezone(zone).isoformat(timespec="seconds") if each.opened_at else "",
        each.first_seen_on.isoformat() if each.first_seen_on else "",
        str(each.reopened),
        as_text(each.detail),
    ]


def as_text(text: str) -> str:
    """Text that a spreadsheet will not run as a formula: IDs, statuses and names come from outside."""
    return f"'{text}" if text.startswith(_FORMULA) else text
