"""The open exceptions of each owner as a CSV, for people who work through a list and never open Dagster.

Like the report it reads the published copy and nothing else.
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

# A spreadsheet takes a cell that begins so for a formula, in East Asian forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def write_queues(
    published_path: Path, folder: Path, owners: Iterable[str], zone: ZoneInfo, say: Wording = ENGLISH
) -> dict[Path, int]:
    """Write each owner's queue of a published copy, each file whole or not at all; the folder is theirs alone.

    An owner for whom nothing waits has a file with headings only: a file that is missing would leave open whether it
    was forgotten. A file of an owner whom neither policy nor queue names any more is removed.

    Args:
        published_path: the published database.
        folder: where the files go.
        owners: those whom the policy names.
        zone: in which times are written.
        say: the words of headings, kinds and what to do; English headings are the names of columns.

    Returns:
        How many exceptions each file holds.
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
    """The name of an owner's file: whatever the policy calls the owner, a plain name in this folder."""
    name = re.sub(r"[^\w-]+", "-", owner.lower()).strip("-")
    return f"{name or 'nobody'}.csv"


def _write(path: Path, queue: Iterable[OpenException], zone: ZoneInfo, say: Wording) -> None:
    # With a byte order mark, by which Excel knows that the text is UTF-8; Arabic is unreadable without.
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
    """Text that stays text in a spreadsheet: IDs, statuses and names come from outside and may look like formulas."""
    return f"'{text}" if text.startswith(_FORMULA) else text
