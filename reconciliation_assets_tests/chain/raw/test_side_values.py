"""A side value never costs the money of its row, and money that cannot be read is told with its amount."""

from decimal import Decimal

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import order, payment, refund


@pytest.mark.parametrize(
    ("column", "text"), [("fee", "2.90-"), ("tax", "-5"), ("order_amount", "n/a"), ("order_currency", "dirham")]
)
def test_a_side_value_of_a_payment_that_cannot_be_read_is_unknown_and_told(
    column: str, text: str, build: Build
) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1", **{column: text})]})
    assert built.one("matched_chain")["collected_value"] == 100
    assert built.rows("quarantined_rows") == []
    assert built.one("payments")[column] is None
    told = built.one("exceptions", kind="unread_value")
    assert told["source_id"] == f"P1, {column}"
    assert f"column {column}" in told["detail"]
    assert not built.ask("raw_payments", "few_rows_in_quarantine").passed


@pytest.mark.parametrize(
    ("column", "text"), [("discount", "10 %"), ("delivered_at", "2026-02-30"), ("is_deleted", "perhaps")]
)
def test_a_side_value_of_an_order_that_cannot_be_read_is_unknown_and_told(column: str, text: str, build: Build) -> None:
    built = build({"orders": [order("SO1", **{column: text})], "payments": [payment("P1", order_id="SO1")]})
    assert built.one("matched_chain")["stated_value"] == 100
    assert built.one("exceptions", kind="unread_value")["source_id"] == f"SO1, {column}"


def test_a_fee_that_was_given_back_is_negative_and_its_refund_counts(build: Build) -> None:
    company = {
        "orders": [order("SO1"), order("SO2")],
        "payments": [
            payment("P1", order_id="SO1", fee="3.20"),
            refund("R1", order_id="SO1", fee="-2.90"),
            payment("P2", order_id="SO2", fee="3.20"),
        ],
    }
    built = build(company)
    assert sum(row["collected_value"] for row in built.rows("matched_chain")) == 100
    assert {row["line"]: row["amount"] for row in built.rows("bridge_entries")} == {"returned_refunded_failed": -100}
    deducted = build(company, {"basis": {"deduct_payment_fees": True}})
    assert sum(row["collected_value"] for row in deducted.rows("matched_chain")) == Decimal("96.50")
    assert sum(row["refunded_value"] for row in deducted.rows("matched_chain")) == 100


def test_a_row_of_kind_fee_may_be_negative_which_is_a_credit(build: Build) -> None:
    company = {
        "orders": [order("SO1")],
        "payments": [payment("P1", order_id="SO1"), payment("F1", order_id="SO1", kind="fee", amount="-4")],
    }
    deducted = build(company, {"basis": {"deduct_payment_fees": True}})
    assert deducted.one("matched_chain")["collected_value"] == 104
    assert {row["difference"] for row in deducted.rows("source_totals")} == {0}
    assert {row["difference"] for row in build(company).rows("source_totals")} == {0}


def test_a_negative_amount_of_any_other_kind_is_no_money(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [refund("R1", amount="-5", order_id="SO1")]})
    assert built.one("quarantined_rows")["reason"] == "a negative number"


def test_money_in_quarantine_is_an_exception_with_its_amount(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1"), order("SO2", status="", value="250")],
            "payments": [
                payment("P1", order_id="SO1"),
                payment("P2", amount="1000", currency="SAR", kind="gift"),
                payment("P3", amount="much"),
            ],
        }
    )
    told = {
        row["source_id"]: (row["value"], row["detail"]) for row in built.rows("exceptions", kind="money_in_quarantine")
    }
    assert {name: value for name, (value, _) in told.items()} == {
        "orders.csv, row 3": 250,
        "payments.csv, row 3": Decimal("979.33"),
        "payments.csv, row 4": 0,
    }
    assert "An amount of 1000.00 SAR is in no figure" in told["payments.csv, row 3"][1]
    assert "much" not in told["payments.csv, row 4"][1], "what the cell says is never told"


def test_an_unreadable_row_in_an_unknown_currency_stops_no_run(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", currency="XTS", kind="gift")]})
    assert built.one("exceptions", kind="money_in_quarantine")["value"] == 0
    assert built.ask("daily_rates", "rates_known").passed
