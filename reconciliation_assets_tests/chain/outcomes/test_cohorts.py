"""Cohorts at their maturity days: what had come in by then, and whether the month is old enough to be compared."""

from datetime import datetime

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import insight, order, payment


def test_money_counts_from_the_day_it_came(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", "2026-03-05", value="300")],
            "payments": [
                payment("P1", "2026-03-12", "100", order_id="SO1"),
                payment("P2", "2026-04-04", "100", order_id="SO1"),
                payment("P3", "2026-05-05", "100", order_id="SO1"),
            ],
        }
    )
    collected = {row["maturity_day"]: row["collected_value"] for row in built.rows("cohort_snapshots")}
    assert collected == {7: 100, 30: 200, 60: 200, 90: 300}


@pytest.mark.parametrize(
    ("as_of", "complete"),
    [
        ("2026-04-07T23:59:59+04:00", []),
        ("2026-04-08T00:00:00+04:00", [7]),
        ("2026-06-30T00:00:00+04:00", [7, 30, 60, 90]),
    ],
)
def test_a_month_is_complete_when_its_last_record_is_old_enough(build: Build, as_of: str, complete: list[int]) -> None:
    built = build({"orders": [order("SO1", "2026-03-05")]}, as_of=datetime.fromisoformat(as_of))
    assert [row["maturity_day"] for row in built.rows("cohort_snapshots", is_complete=True)] == complete
    assert built.one("two_numbers")["is_complete"] is (90 in complete)


def test_cash_is_by_its_own_month_and_currency_whatever_the_cohort(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", "2026-03-05", value="300")],
            "payments": [
                payment("P1", "2026-03-12", "100", order_id="SO1"),
                payment("P2", "2026-04-04", "100", order_id="SO1"),
                payment("R1", "2026-04-09", "30", order_id="SO1", kind="refund"),
                payment("P3", "2026-04-10", "7", currency="USD"),
            ],
        }
    )
    cash = {
        (row["month"].month, row["currency"]): (row["collected_value"], row["refunded_value"], row["unmatched_value"])
        for row in built.rows("cash_view")
    }
    assert cash == {(3, "AED"): (100, 0, 0), (4, "AED"): (70, 30, 0), (4, "USD"): (7, 0, 7)}


def test_a_campaign_that_only_spent_is_there_too(build: Build) -> None:
    built = build({"meta_insights": [insight()], "orders": [order("SO1")]})
    assert [row["spend_value"] for row in built.rows("two_numbers") if row["spend_value"]] == [100]
