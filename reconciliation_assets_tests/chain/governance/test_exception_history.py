"""An exception keeps its history under its ID: opened, seen, closed when the cause is gone, reopened when it is back."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciliation_assets_tests.harness import AS_OF, Bench, drop
from reconciliation_assets_tests.rows import order

FIRST = date(2026, 7, 1)


class Days:
    """One installation, run day after day with an order whose status is known or not."""

    def __init__(self, home: Path) -> None:
        self._bench = Bench(home)

    def run(self, day: int, status: str) -> list[dict[str, Any]]:
        self._bench.as_of = AS_OF + timedelta(days=day)
        drop(self._bench.inbox, {"orders": [order("SO1", status=status, value="250")]})
        return self._bench.build().rows("exception_history")

    def close(self) -> None:
        self._bench.close()


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    made = Days(tmp_path)
    yield made
    made.close()


def dates(row: dict[str, Any]) -> tuple[date, date, date | None, int]:
    return row["first_seen_on"], row["last_seen_on"], row["closed_on"], row["reopened"]


def test_it_opens_stays_closes_and_reopens_under_one_id(days: Days) -> None:
    seen = [
        days.run(day, status)
        for day, status in enumerate(["on the moon", "on the moon", "placed", "placed", "on the moon"])
    ]
    assert {len(rows) for rows in seen} == {1}
    assert len({rows[0]["exception_id"] for rows in seen}) == 1
    second, third, fifth = (FIRST + timedelta(days=later) for later in (1, 2, 4))
    assert [dates(rows[0]) for rows in seen] == [
        (FIRST, FIRST, None, 0),
        (FIRST, second, None, 0),
        (FIRST, second, third, 0),
        (FIRST, second, third, 0),
        (FIRST, fifth, None, 1),
    ]


@pytest.mark.parametrize(
    "statuses", [["on the moon"], ["on the moon", "placed"], ["on the moon", "placed", "on the moon"]]
)
def test_a_second_run_changes_nothing(days: Days, statuses: list[str]) -> None:
    for day, status in enumerate(statuses):
        once = days.run(day, status)
        assert days.run(day, status) == once


def test_a_run_for_an_earlier_day_rewrites_no_history(days: Days) -> None:
    days.run(0, "on the moon")
    closed = days.run(5, "placed")
    assert days.run(3, "on the moon") == closed


def test_it_carries_owner_and_value_at_stake(days: Days) -> None:
    (row,) = days.run(0, "on the moon")
    assert (row["kind"], row["source_id"], row["owner"], row["value"]) == (
        "unknown_order_status",
        "SO1",
        "operations",
        250,
    )
