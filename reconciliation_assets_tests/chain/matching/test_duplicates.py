"""Which records repeat an earlier one: only valid ones make later ones duplicates."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pyarrow as pa
import pytest

from reconciliation_assets.chain.matching.duplicates import find_duplicates
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import lead

WEEK = timedelta(days=7)


def candidate(
    source_id: str, day: float, key: str = "k", rule: str = "same phone and form", table: str = "leads"
) -> Any:
    return {
        "source_table": table,
        "source_id": source_id,
        "created_at": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day),
        "repeat_key": key,
        "rule": rule,
    }


def repeats(*candidates: Any, window: timedelta = WEEK) -> dict[str, str]:
    found = find_duplicates(pa.Table.from_pylist(list(candidates)), window).to_pylist()
    return {row["source_id"]: row["duplicate_of"] for row in found}


def test_one_within_the_window_repeats_the_earlier_one() -> None:
    assert repeats(candidate("A", 0), candidate("B", 6)) == {"B": "A"}


def test_the_window_ends_with_its_last_day() -> None:
    assert repeats(candidate("A", 0), candidate("B", 7)) == {"B": "A"}
    assert repeats(candidate("A", 0), candidate("B", 7.001)) == {}


def test_a_duplicate_makes_no_duplicates() -> None:
    """A on day 0, B on day 5, C on day 10: B repeats A, and C, ten days after the valid one, stands."""
    assert repeats(candidate("A", 0), candidate("B", 5), candidate("C", 10)) == {"B": "A"}


def test_one_that_stands_again_makes_duplicates_again() -> None:
    assert repeats(*(candidate(name, day) for name, day in zip("ABCD", (0, 5, 10, 12), strict=True))) == {
        "B": "A",
        "D": "C",
    }


def test_all_repeat_the_first() -> None:
    assert repeats(candidate("A", 0), candidate("B", 1), candidate("C", 2)) == {"B": "A", "C": "A"}


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [
        candidate("A", 0),
        candidate("B", 5),
        candidate("C", 10),
        candidate("D", 10, "other"),
        candidate("E", 11, "other"),
    ]
    assert {tuple(sorted(repeats(*order).items())) for order in permutations(rows)} == {(("B", "A"), ("E", "D"))}


def test_at_one_instant_the_smaller_id_stands() -> None:
    assert repeats(candidate("B", 0), candidate("A", 0)) == {"B": "A"}


def test_a_record_shares_keys_with_several_and_repeats_the_latest() -> None:
    rows = [
        candidate("A", 0, "phone"),
        candidate("B", 2, "mail"),
        candidate("C", 3, "phone"),
        candidate("C", 3, "mail"),
    ]
    assert repeats(*rows) == {"C": "B"}


def test_a_duplicate_by_one_key_stands_for_none_of_its_keys() -> None:
    rows = [
        candidate("A", 0, "phone"),
        candidate("B", 3, "phone"),
        candidate("B", 3, "mail"),
        candidate("C", 4, "mail"),
    ]
    assert repeats(*rows) == {"B": "A"}


def test_tables_are_kept_apart() -> None:
    assert repeats(candidate("A", 0), candidate("B", 1, table="orders")) == {}


def test_the_rule_that_found_it_is_told() -> None:
    (found,) = find_duplicates(
        pa.Table.from_pylist([candidate("A", 0), candidate("B", 1, rule="same e-mail and offer")]), WEEK
    ).to_pylist()
    assert found == {
        "source_table": "leads",
        "source_id": "B",
        "duplicate_of": "A",
        "rule": "same e-mail and offer",
    }


@pytest.mark.parametrize("named", ["session_id", "click_id"])
def test_a_record_without_a_contact_repeats_one_of_its_visit(build: Build, named: str) -> None:
    visit = {named: "V1", "form_id": "F1"}
    built = build(
        {"leads": [lead("L1", "2026-03-01", phone="+971501234567", **visit), lead("L2", "2026-03-02", **visit)]}
    )
    assert [(row["source_id"], row["duplicate_of"]) for row in built.rows("duplicate_records")] == [("L2", "L1")]


def test_two_people_on_one_device_are_not_one(build: Build) -> None:
    visit = {"session_id": "V1", "form_id": "F1"}
    people = [lead("L1", phone="+971501234567", **visit), lead("L2", phone="+971507654321", **visit)]
    built = build({"leads": people})
    assert built.rows("duplicate_records") == []


def test_one_visit_may_fill_in_two_forms(build: Build) -> None:
    built = build({"leads": [lead("L1", session_id="V1", form_id="F1"), lead("L2", session_id="V1", form_id="F2")]})
    assert built.rows("duplicate_records") == []
