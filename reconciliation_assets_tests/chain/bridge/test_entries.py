"""Lines 4 to 8: every shortfall of a record on the first line that fits."""

from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import crm, lead, order, payment, refund

Row = dict[str, Any]


def entries(built: Built) -> dict[str, Decimal]:
    """What the entries hold, line by line, of companies in which all of them close."""
    found: dict[str, Decimal] = {}
    for row in built.rows("bridge_entries"):
        found[row["line"]] = found.get(row["line"], Decimal(0)) + row["amount"]
    assert built.ask("bridge", "closes").passed
    assert built.ask("bridge_entries", "adds_up_by_record").passed
    return found


def of_order(build: Build, status: str, *payments: Row, policy: Row | None = None, **cells: Any) -> dict[str, Decimal]:
    return entries(build({"orders": [order("SO1", status=status, **cells)], "payments": list(payments)}, policy))


# 1. invalid or duplicate


@pytest.mark.parametrize("status", ["test", "fraud", "FRAUD"])
def test_an_invalid_order_is_all_line_four(build: Build, status: str) -> None:
    assert of_order(build, status) == {"invalid_or_duplicate": -100}


def test_a_test_lead_is_line_four_with_its_orders(build: Build) -> None:
    built = build({"leads": [lead("L1", is_test="yes")], "orders": [order("SO1", lead_id="L1", status="cancelled")]})
    assert entries(built) == {"invalid_or_duplicate": -100}


@pytest.mark.parametrize("stage", ["spam", "Wrong Number", "job-inquiry"])
def test_a_lead_that_sales_found_invalid(build: Build, stage: str) -> None:
    leads = [lead("L1", stated_value="100", currency="AED")]
    assert entries(build({"leads": leads, "crm_records": [crm("D1", stage=stage, lead_id="L1")]})) == {
        "invalid_or_duplicate": -100
    }


def test_a_repeated_form_is_line_four_and_the_first_stands(build: Build) -> None:
    cells = {"phone": "+971501234567", "form_id": "F1", "stated_value": "100", "currency": "AED"}
    built = build({"leads": [lead("L1", "2026-03-01", **cells), lead("L2", "2026-03-06", **cells)]})
    assert entries(built) == {"invalid_or_duplicate": -100, "open": -100}
    assert built.one("matched_chain", record_id="lead:L2")["invalid_reason"] == "duplicate of L1"
    assert built.one("duplicate_records")["rule"] == "same phone and form"


def test_an_order_placed_twice(build: Build) -> None:
    cells = {"phone": "+971501234567", "offer": "perfume"}
    orders = [order("SO1", "2026-03-01", "placed", **cells), order("SO2", "2026-03-02", "placed", **cells)]
    assert entries(build({"orders": orders})) == {"invalid_or_duplicate": -100, "open": -100}


# 2. lost or cancelled


@pytest.mark.parametrize("status", ["cancelled", "Canceled", "expired", "rejected", "unavailable"])
def test_a_cancelled_order_is_line_five(build: Build, status: str) -> None:
    assert of_order(build, status) == {"lost_or_cancelled": -100}


def test_money_kept_on_a_cancelled_order_leaves_no_shortfall_but_somebody_to_act(build: Build) -> None:
    built = build({"orders": [order("SO1", status="cancelled")], "payments": [payment("P1", order_id="SO1")]})
    assert entries(built) == {}
    exception = built.one("exceptions")
    assert (exception["kind"], exception["source_id"], exception["value"]) == (
        "money_kept_on_cancelled_order",
        "SO1",
        100,
    )
    assert exception["owner"] == "finance"


def test_a_cancelled_order_that_was_refunded_is_all_line_five(build: Build) -> None:
    assert of_order(build, "cancelled", payment("P1", order_id="SO1"), refund("R1", order_id="SO1")) == {
        "lost_or_cancelled": -100
    }


def test_a_lost_opportunity(build: Build) -> None:
    leads = [lead("L1", stated_value="100", currency="AED")]
    assert entries(build({"leads": leads, "crm_records": [crm("D1", stage="closed lost", lead_id="L1")]})) == {
        "lost_or_cancelled": -100
    }


# 3. returned, refunded, failed


@pytest.mark.parametrize("status", ["refused", "returned", "failed delivery", "RTO", "refunded"])
def test_an_order_that_came_back_is_line_six_though_no_money_moved(build: Build, status: str) -> None:
    assert of_order(build, status, payment_method="cod") == {"returned_refunded_failed": -100}


def test_a_part_refund_splits(build: Build) -> None:
    assert of_order(
        build, "delivered", payment("P1", order_id="SO1", amount="80"), refund("R1", order_id="SO1", amount="30")
    ) == {
        "returned_refunded_failed": -30,
        "open": -20,
    }


def test_a_chargeback_is_a_refund_that_the_bank_made(build: Build) -> None:
    assert of_order(
        build, "delivered", payment("P1", order_id="SO1"), refund("C1", order_id="SO1", kind="chargeback")
    ) == {"returned_refunded_failed": -100}


# 4. open, value and basis


@pytest.mark.parametrize("status", ["placed", "shipped", "delivered"])
def test_what_is_won_or_moving_and_not_collected_is_open(build: Build, status: str) -> None:
    assert of_order(build, status) == {"open": -100}


def test_a_status_the_policy_does_not_know_counts_as_open_and_is_told(build: Build) -> None:
    built = build({"orders": [order("SO1", status="قيد المراجعة")]})
    assert entries(built) == {"open": -100}
    exception = built.one("exceptions")
    assert (exception["kind"], exception["owner"]) == ("unknown_order_status", "operations")
    assert "قيد المراجعة" in exception["detail"]


def test_a_stage_the_policy_does_not_know_counts_as_open_and_is_told(build: Build) -> None:
    leads = [lead("L1", stated_value="100", currency="AED")]
    built = build({"leads": leads, "crm_records": [crm("D1", stage="on the moon", lead_id="L1")]})
    assert entries(built) == {"open": -100}
    assert built.one("exceptions")["kind"] == "unknown_crm_stage"


def test_an_unknown_payment_status_is_no_money_and_is_told(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1", status="bounced")]})
    assert entries(built) == {"open": -100}
    assert built.one("exceptions")["kind"] == "unknown_payment_status"


def test_a_won_opportunity_of_another_value_than_was_stated(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1", stated_value="1000", currency="AED")],
            "crm_records": [crm("D1", stage="won", lead_id="L1", final_value="800", currency="AED")],
            "payments": [payment("P1", crm_id="D1", amount="500")],
        }
    )
    assert entries(built) == {"value_and_basis": -200, "open": -300}


def test_a_won_opportunity_without_a_value_is_told(build: Build) -> None:
    built = build({"leads": [lead("L1")], "crm_records": [crm("D1", stage="won", lead_id="L1")]})
    assert entries(built) == {}
    assert built.one("exceptions")["kind"] == "won_without_value"


def test_paid_more_than_the_order_is_worth(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1", amount="130")]})
    assert entries(built) == {"value_and_basis": 30}
    assert built.one("exceptions")["kind"] == "overpaid_order"


def test_a_discount_that_the_customer_kept(build: Build) -> None:
    assert of_order(build, "delivered", payment("P1", order_id="SO1", amount="90"), discount="10") == {
        "value_and_basis": -10
    }


def test_a_discount_already_taken_off_the_gross_value(build: Build) -> None:
    assert of_order(build, "delivered", payment("P1", order_id="SO1", amount="100"), discount="10") == {}


def test_a_stated_value_is_spread_over_its_orders_by_their_value(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1", stated_value="100", currency="AED")],
            "orders": [
                order("SO1", "2026-03-02", "cancelled", "200", lead_id="L1"),
                order("SO2", "2026-03-03", "delivered", "100", lead_id="L1"),
            ],
            "payments": [payment("P1", order_id="SO2")],
        }
    )
    assert built.one("matched_chain")["stated_value"] == 100
    assert entries(built) == {"lost_or_cancelled": Decimal("-66.67"), "value_and_basis": Decimal("66.67")}


def test_a_lead_without_a_stated_value_is_stated_at_its_orders(build: Build) -> None:
    orders = [order("SO1", lead_id="L1"), order("SO2", value="250", lead_id="L1")]
    assert build({"leads": [lead("L1")], "orders": orders}).one("matched_chain")["stated_value"] == 350


def test_a_lead_without_orders_is_stated_at_its_final_value(build: Build) -> None:
    records = [crm("D1", stage="won", lead_id="L1", final_value="250", currency="AED")]
    assert build({"leads": [lead("L1")], "crm_records": records}).one("matched_chain")["stated_value"] == 250


def test_money_on_the_opportunity_of_a_lead_with_orders_pays_them(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1")],
            "crm_records": [crm("D1", lead_id="L1")],
            "orders": [order("SO1", lead_id="L1")],
            "payments": [payment("P1", crm_id="D1", amount="60")],
        }
    )
    assert entries(built) == {"open": -40}


# currencies


RATES = [
    {"date": "2026-03-01", "currency": "EUR", "rate": "4.00"},
    {"date": "2026-03-08", "currency": "EUR", "rate": "4.30"},
]


def test_a_moving_rate_opens_nothing(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", currency="EUR")],
            "payments": [payment("P1", currency="EUR", order_id="SO1")],
            "fx_rates": RATES,
        }
    )
    assert built.one("matched_chain")["stated_value"] == 400
    assert built.one("matched_chain")["collected_value"] == 430
    assert entries(built) == {"value_and_basis": 30}
    assert built.rows("exceptions") == []


def test_what_is_open_under_a_moving_rate_is_open_at_the_orders_rate(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", currency="EUR")],
            "payments": [payment("P1", currency="EUR", order_id="SO1", amount="60")],
            "fx_rates": RATES,
        }
    )
    assert entries(built) == {"open": -160, "value_and_basis": 18}


def test_a_payment_in_another_currency_is_compared_in_the_reporting_one(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", value="367.25")],
            "payments": [payment("P1", order_id="SO1", amount="90", currency="USD")],
        }
    )
    assert built.one("matched_chain")["collected_value"] == Decimal("330.52"), "330.525 to the even fils"
    assert entries(built) == {"open": Decimal("-36.73")}


def test_kuwaiti_dinars_report_with_three_decimals(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", value="12.345", currency="KWD"), order("SO2", value="100")],
            "payments": [payment("P1", order_id="SO2", amount="33")],
            "fx_rates": [{"date": "2026-03-01", "currency": "AED", "rate": "0.0836125"}],
        },
        {"reporting_currency": "KWD"},
    )
    values = {row["record_id"]: row["stated_value"] for row in built.rows("matched_chain")}
    assert values == {"order:SO1": Decimal("12.345"), "order:SO2": Decimal("8.361")}
    assert entries(built) == {"open": Decimal("-12.345") - Decimal("8.361") + Decimal("2.759")}


# basis


TAXED = {"tax": "5", "shipping": "20"}


@pytest.mark.parametrize(
    ("basis", "collected"),
    [
        ({}, "100"),
        ({"include_tax": False}, "95"),
        ({"include_shipping": False}, "80"),
        ({"deduct_payment_fees": True}, "97"),
        ({"include_tax": False, "include_shipping": False, "deduct_payment_fees": True}, "72"),
    ],
)
def test_tax_shipping_and_fees_in_or_out(build: Build, basis: Row, collected: str) -> None:
    built = build(
        {"orders": [order("SO1", **TAXED)], "payments": [payment("P1", order_id="SO1", tax="5", fee="3")]},
        {"basis": basis} if basis else None,
    )
    assert built.one("matched_chain")["collected_value"] == Decimal(collected)
    shortfall = Decimal(collected) - 100
    assert entries(built) == ({"value_and_basis": shortfall} if shortfall else {})


def test_a_payment_that_states_no_tax_carries_its_orders_share(build: Build) -> None:
    built = build(
        {"orders": [order("SO1", **TAXED)], "payments": [payment("P1", order_id="SO1", amount="50")]},
        {"basis": {"include_tax": False}},
    )
    assert built.one("matched_chain")["collected_value"] == Decimal("47.50")
    assert entries(built) == {"open": -50, "value_and_basis": Decimal("-2.50")}


def test_fees_are_money_only_where_the_policy_deducts_them(build: Build) -> None:
    company = {
        "orders": [order("SO1")],
        "payments": [payment("P1", order_id="SO1"), payment("F1", order_id="SO1", kind="fee", amount="4")],
    }
    assert build(company).one("matched_chain")["collected_value"] == 100
    assert build(company, {"basis": {"deduct_payment_fees": True}}).one("matched_chain")["collected_value"] == 96
