"""Reading all pages of a list, even if pages repeat or records shift meanwhile.

A cursor that names a record is robust against changes. Page numbers and offsets are not, so the records read by them are
compared with the total that the system reports, and read again until both agree.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reconciliation_assets.sources.errors import SourceUnavailable

R = TypeVar("R")

_REPEATS = 3


@dataclass(frozen=True)
class CursorPage(Generic[R]):
    """Records, and the cursor of the next page (None on the last)."""

    records: Sequence[R]
    next: str | None


@dataclass(frozen=True)
class CountedPage(Generic[R]):
    """Records of a numbered page, whether it is the last one, and the total that the system reports."""

    records: Sequence[R]
    last: bool
    total: int | None


def by_cursor(system: str, fetch: Callable[[str | None], CursorPage[R]]) -> Iterator[R]:
    """Yield the records of all pages; a record may come twice.

    Args:
        system: the source's name, for the message.
        fetch: reads the page at a cursor; None for the first.

    Raises:
        SourceUnavailable: the system keeps returning the same cursor.
    """
    cursor: str | None = None
    repeats = 0
    while True:
        page = fetch(cursor)
        yield from page.records
        if page.next is None:
            return
        repeats = repeats + 1 if page.next == cursor else 0
        if repeats > _REPEATS:
            raise _stuck(system)
        cursor = page.next


def by_number(
    system: str, fetch: Callable[[int], CountedPage[R]], key: Callable[[R], Hashable], first: int = 1
) -> Iterator[R]:
    """Yield the records of all numbered pages; read again while they are fewer than the reported total.

    A record removed while paging shifts later ones onto pages already read (the total falls). A page served twice hides
    another one (fewer distinct records than the total). A record may come twice.

    Args:
        system: the source's name, for the message.
        fetch: reads the page with a number.
        key: the record's ID.
        first: number of the first page.

    Raises:
        SourceUnavailable: the pages keep changing.
    """
    for _ in range(_REPEATS + 1):
        number = first
        seen: set[Hashable] = set()
        totals: list[int] = []
        while True:
            page = fetch(number)
            yield from page.records
            seen.update(key(record) for record in page.records)
            if page.total is not None:
                totals.append(page.total)
            if page.last:
                break
            number += 1
        # New records only move others to later pages; only a removed record or a repeated page can hide one.
        if not totals or (min(totals) == totals[0] and len(seen) >= totals[0]):
            return
    raise _stuck(system)


def newest(records: Iterable[R], key: Callable[[R], Hashable], version: Callable[[R], Any] = lambda _: 0) -> list[R]:
    """Every record once, in its newest version; of equal versions, or without versions, the last one read."""
    kept: dict[Hashable, R] = {}
    for record in records:
        known = kept.get(key(record))
        if known is None or version(record) >= version(known):
            kept[key(record)] = record
    return list(kept.values())


def _stuck(system: str) -> SourceUnavailable:
    return SourceUnavailable(
        system, "the pages of a list keep changing or repeating", "Run again at a quieter time; nothing was landed"
    )
