"""The diagnosis of small companies: which segment is named, what the gap is worth, and when nothing is said."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciliation_assets.chain.decisions.causes import CAUSES
from reconciliation_assets.policy.model import STEPS
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import lead, order, payment

Row = dict[str, Any]


def orders(
    prefix: str, count: int, collected: int, day: str = "2026-03-05", **cells: Any
) -> tuple[list[Row], list[Row]]:
    """Delivered orders of 100, the first few of them paid, the others refused."""
    rows = [
        order(
            f"{prefix}{number}",
            day,
            **({} if number < collected else {"status": "refused", "reason": "no cash"}),
            **cells,
        )
        for number in range(count)
    ]
    return rows, [payment(f"P-{prefix}{number}", order_id=f"{prefix}{number}") for number in range(collected)]


@pytest.fixture(scope="module")
def refusing_market(build_once: Build) -> Built:
    """Kuwait collects a fifth of what the other markets do; a landing page is used there and elsewhere."""
    made = [
        orders("A", 80, 64, market="AE", landing_page="a"),
        orders("B", 80, 66, market="SA", landing_page="b"),
        orders("C", 80, 65, market="QA", landing_page="c"),
        orders("D", 60, 10, market="KW", landing_page="a"),
        orders("E", 60, 10, market="KW", landing_page="b"),
    ]
    return build_once(
        {"orders": [row for rows, _ in made for row in rows], "payments": [row for _, rows in made for row in rows]}
    )


def test_the_segment_and_step_are_named(refusing_market: Built) -> None:
    found = refusing_market.one("diagnosis", verdict="bottleneck")
    assert (found["segment_kind"], found["segment"], found["step"]) == ("market", "KW", "collected_orders")
    assert (found["entered"], found["passed"], found["peers"]) == (120, 20, 3)
    assert found["owner"] == "operations"


def test_the_reason_most_of_them_give_is_told(refusing_market: Built) -> None:
    found = refusing_market.one("diagnosis", verdict="bottleneck")
    assert (found["leading_reason"], found["leading_reason_share"]) == ("returned: no cash", 1.0)


def test_the_gap_is_worth_the_segments_own_money(refusing_market: Built) -> None:
    found = refusing_market.one("diagnosis", verdict="bottleneck")
    short = (found["expected_rate"] - found["rate"]) * 120
    assert found["records_short"] == pytest.approx(short)
    assert float(found["value_at_stake"]) == pytest.approx(short * 100, abs=0.01)
    assert found["value_low"] < found["value_at_stake"] < found["value_high"]


def test_a_segment_that_is_low_only_because_of_it_is_not_named(refusing_market: Built) -> None:
    pages = refusing_market.rows("diagnosis", segment_kind="landing_page", step="collected_orders")
    assert {row["verdict"] for row in pages} <= {"in_line", "explained_by_another"}


def test_every_row_says_what_it_found_in_words(refusing_market: Built) -> None:
    assert all(row["finding"].endswith(".") for row in refusing_market.rows("diagnosis"))
    found = refusing_market.one("diagnosis", verdict="bottleneck")
    assert "16.7% of 120 orders were collected within 60 days" in found["finding"]


def test_few_records_are_not_enough_yet(build: Build) -> None:
    rows, paid = orders("A", 49, 0, market="AE")
    more, more_paid = orders("B", 100, 90, market="SA")
    built = build({"orders": [*rows, *more], "payments": [*paid, *more_paid]})
    row = built.one("diagnosis", segment_kind="market", segment="AE", step="collected_orders")
    assert row["verdict"] == "not_enough_yet"
    assert "50 are needed" in row["finding"]


def test_records_that_are_too_young_are_not_judged(build: Build) -> None:
    rows, paid = orders("A", 100, 0, day="2026-06-20", market="AE")
    more, more_paid = orders("B", 100, 90, market="SA")
    built = build({"orders": [*rows, *more], "payments": [*paid, *more_paid]})
    assert built.rows("diagnosis", segment_kind="market", segment="AE", step="collected_orders") == []


def test_money_that_comes_after_the_steps_days_does_not_count(build: Build) -> None:
    built = build(
        {"orders": [order("SO1", "2026-03-05"), order("SO2", "2026-03-05")],
         "payments": [payment("P1", "2026-05-04", order_id="SO1"), payment("P2", "2026-05-05", order_id="SO2")]}
    )  # fmt: skip
    passed = {row["record_id"]: row["is_passed"] for row in built.rows("record_steps", step="collected_orders")}
    assert passed == {"order:SO1": True, "order:SO2": False}


def test_a_fall_against_its_own_past_is_found_without_peers(build: Build) -> None:
    before, paid_before = orders("A", 150, 130, day="2025-12-20", market="AE")
    after, paid_after = orders("B", 150, 60, day="2026-04-20", market="AE")
    paid_before = [row | {"paid_at": "2025-12-28T12:00:00+04:00"} for row in paid_before]
    paid_after = [row | {"paid_at": "2026-04-28T12:00:00+04:00"} for row in paid_after]
    built = build({"orders": [*before, *after], "payments": [*paid_before, *paid_after]})
    found = built.one("diagnosis", verdict="bottleneck", step="collected_orders")
    assert (found["compared_with"], found["past_entered"]) == ("past", 150)


def test_records_that_name_no_segment_are_no_segment(build: Build) -> None:
    rows, paid = orders("A", 100, 5)
    more, more_paid = orders("B", 100, 90, market="SA")
    built = build({"orders": [*rows, *more], "payments": [*paid, *more_paid]})
    assert (
        built.one("diagnosis", segment_kind="market", segment="(none)", step="collected_orders")["verdict"]
        == "nothing_to_compare"
    )


def test_what_nobody_was_asked_to_answer_is_not_unanswered(build: Build) -> None:
    built = build({"leads": [lead(f"L{number}") for number in range(3)]})
    assert {row["step"] for row in built.rows("record_steps")} == {"valid_leads", "qualified"}


def test_an_empty_company_has_no_diagnosis(build: Build) -> None:
    assert build({"leads": []}).rows("diagnosis") == []


def test_the_answer_is_the_same_in_any_order(build: Build, refusing_market: Built) -> None:
    made: list[Callable[[], tuple[list[Row], list[Row]]]] = [
        lambda: orders("E", 60, 10, market="KW", landing_page="b"),
        lambda: orders("D", 60, 10, market="KW", landing_page="a"),
        lambda: orders("C", 80, 65, market="QA", landing_page="c"),
        lambda: orders("B", 80, 66, market="SA", landing_page="b"),
        lambda: orders("A", 80, 64, market="AE", landing_page="a"),
    ]
    rows = [each() for each in made]
    again = build(
        {
            "orders": [row for each, _ in rows for row in each][::-1],
            "payments": [row for _, each in rows for row in each],
        }
    )
    assert again.rows("diagnosis") == refusing_market.rows("diagnosis")


def test_every_step_is_told_in_words() -> None:
    assert set(CAUSES) == set(STEPS)
    assert all("{days}" in cause.passed and cause.next_step.endswith(".") for cause in CAUSES.values())
