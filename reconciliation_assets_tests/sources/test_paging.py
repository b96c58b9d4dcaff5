"""Paging: pages that repeat, shift or shrink while they are read lose nothing and repeat nothing."""

from collections.abc import Callable

import pytest

from reconciliation_assets.sources.errors import SourceUnavailable
from reconciliation_assets.sources.paging import CountedPage, CursorPage, by_cursor, by_number, newest

SIZE = 3


def numbered(records: list[int], between: Callable[[int], None] = lambda _: None) -> Callable[[int], CountedPage[int]]:
    """Serves `records` in pages of three and runs `between` after each page."""

    def fetch(number: int) -> CountedPage[int]:
        start = (number - 1) * SIZE
        page = CountedPage(records[start : start + SIZE], start + SIZE >= len(records), len(records))
        between(number)
        return page

    return fetch


def test_numbered_pages_are_read_to_the_last() -> None:
    assert list(by_number("shop", numbered([1, 2, 3, 4, 5, 6, 7]), key=int)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_record_leaving_while_paging_hides_no_other() -> None:
    records = [1, 2, 3, 4, 5, 6, 7]

    def leave(number: int) -> None:
        if number == 1 and 1 in records:
            records.remove(1)

    assert {2, 3, 4, 5, 6, 7} <= set(by_number("shop", numbered(records, leave), key=int))


def test_a_record_arriving_at_the_head_hides_no_other() -> None:
    records = [1, 2, 3, 4, 5, 6, 7]

    def arrive(number: int) -> None:
        if number == 1 and 0 not in records:
            records.insert(0, 0)

    assert {1, 2, 3, 4, 5, 6, 7} <= set(by_number("shop", numbered(records, arrive), key=int))


def test_a_page_served_in_place_of_another_is_noticed() -> None:
    served: list[int] = []

    def fetch(number: int) -> CountedPage[int]:
        served.append(number)
        shown = 1 if served == [1, 2] else number
        return CountedPage([shown * 10, shown * 10 + 1], number == 2, 4)

    assert set(by_number("shop", fetch, key=int)) == {10, 11, 20, 21}


def test_pages_that_never_come_to_rest_are_told() -> None:
    def fetch(number: int) -> CountedPage[int]:
        return CountedPage([1, 2], number == 2, 10)

    with pytest.raises(SourceUnavailable, match="keep changing"):
        list(by_number("shop", fetch, key=int))


def test_cursors_are_followed_to_the_last_page() -> None:
    pages = {None: CursorPage([1], "a"), "a": CursorPage([], "b"), "b": CursorPage([2], None)}
    assert list(by_cursor("shop", pages.__getitem__)) == [1, 2]


def test_a_cursor_that_leads_to_itself_is_told() -> None:
    with pytest.raises(SourceUnavailable, match="keep changing"):
        list(by_cursor("shop", lambda _: CursorPage([1], "same")))


def test_of_a_record_seen_twice_the_newest_version_stays() -> None:
    seen = [("a", 1), ("b", 5), ("a", 3), ("a", 2), ("b", 5)]
    assert newest(seen, key=lambda record: record[0], version=lambda record: record[1]) == [("a", 3), ("b", 5)]
