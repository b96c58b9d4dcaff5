"""Which order, or which CRM record, a payment belongs to; a payment belongs to one thing only."""

from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import crm, decision, invoice, lead, order, payment, refund

Row = dict[str, Any]
PHONE = {"phone": "+971501234567"}


def the_link(built: Built, payment_id: str = "P1") -> tuple[str, str, str, str]:
    row = built.one("payment_links", right_id=payment_id)
    return row["link"], row["left_id"], row["match_method"], row["evidence"]


def test_a_payment_that_names_its_order(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1")]})
    assert the_link(built) == ("order_payment", "SO1", "exact_id", "payment names order SO1")


def test_a_payment_that_names_an_invoice_of_the_order(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1")],
            "invoices": [invoice("INV1", order_id="SO1")],
            "payments": [payment("P1", invoice_id="INV1")],
        }
    )
    assert the_link(built) == ("order_payment", "SO1", "exact_id", "payment names invoice INV1 of order SO1")


def test_a_payment_that_names_the_orders_waybill(build: Build) -> None:
    built = build({"orders": [order("SO1", waybill="WB1")], "payments": [payment("P1", waybill="WB1")]})
    assert the_link(built) == ("order_payment", "SO1", "exact_id", "payment names waybill WB1 of order SO1")


def test_a_waybill_that_two_orders_carry_is_no_unique_id(build: Build) -> None:
    orders = [order("SO1", waybill="WB1"), order("SO2", waybill="WB1")]
    built = build({"orders": orders, "payments": [payment("P1", waybill="WB1")]})
    assert built.rows("payment_links") == []
    assert "no single order carries" in built.one("unmatched_records")["reason"]


def test_money_on_a_crm_record(build: Build) -> None:
    built = build({"crm_records": [crm("D1")], "payments": [payment("P1", crm_id="D1")]})
    assert the_link(built) == ("crm_payment", "D1", "exact_id", "payment names CRM record D1")


def test_money_on_an_invoice_of_a_crm_record(build: Build) -> None:
    built = build(
        {
            "crm_records": [crm("D1")],
            "invoices": [invoice("INV1", crm_id="D1")],
            "payments": [payment("P1", invoice_id="INV1")],
        }
    )
    assert the_link(built) == ("crm_payment", "D1", "exact_id", "payment names invoice INV1 of CRM record D1")


def test_a_payment_that_names_both_belongs_to_the_order(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1")],
            "crm_records": [crm("D1")],
            "payments": [payment("P1", order_id="SO1", crm_id="D1")],
        }
    )
    assert the_link(built)[:2] == ("order_payment", "SO1")


def test_a_payment_whose_order_is_missing_is_given_to_nobody_else(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", customer_id="C1", **PHONE)],
            "crm_records": [crm("D1")],
            "payments": [payment("P1", order_id="SO9", crm_id="D1", customer_id="C1", **PHONE)],
        }
    )
    assert built.rows("payment_links") == []
    assert built.one("unmatched_records")["reason"] == "names order SO9, which is not in the orders"
    assert built.one("unmatched_revenue")["amount"] == 100


def test_the_same_contact_inside_the_window(build: Build) -> None:
    built = build({"orders": [order("SO1", "2026-03-05", **PHONE)], "payments": [payment("P1", "2026-03-10", **PHONE)]})
    assert the_link(built) == (
        "order_payment",
        "SO1",
        "exact_contact",
        "same phone, order 5 days before, the amount owed",
    )


def test_of_several_orders_of_a_contact_the_one_of_the_same_amount(build: Build) -> None:
    orders = [order("SO1", value="250", **PHONE), order("SO2", "2026-03-06", value="90", **PHONE)]
    built = build({"orders": orders, "payments": [payment("P1", amount="250", **PHONE)]})
    assert the_link(built)[1] == "SO1"


def test_the_same_contact_as_a_crm_record(build: Build) -> None:
    built = build(
        {"crm_records": [crm("D1", "2026-03-02", **PHONE)], "payments": [payment("P1", "2026-03-10", **PHONE)]}
    )
    assert the_link(built) == (
        "crm_payment",
        "D1",
        "exact_contact",
        "same phone, CRM record 8 days before, no agreed value",
    )


def test_a_payment_that_names_a_lead_with_an_order(build: Build) -> None:
    built = build(
        {"leads": [lead("L1")], "orders": [order("SO1", lead_id="L1")], "payments": [payment("P1", lead_id="L1")]}
    )
    assert the_link(built) == (
        "order_payment",
        "SO1",
        "crm_relationship",
        "payment names its lead, order 5 days before, the amount owed",
    )


def test_a_payment_that_names_a_lead_with_a_crm_record(build: Build) -> None:
    built = build(
        {"leads": [lead("L1")], "crm_records": [crm("D1", lead_id="L1")], "payments": [payment("P1", lead_id="L1")]}
    )
    assert the_link(built)[:3] == ("crm_payment", "D1", "crm_relationship")


def test_the_same_customer_inside_the_window(build: Build) -> None:
    orders = [order("SO1", "2026-03-05", customer_id="C1")]
    built = build({"orders": orders, "payments": [payment("P1", "2026-03-10", customer_id="C1")]})
    assert the_link(built) == (
        "order_payment",
        "SO1",
        "crm_relationship",
        "same customer, order 5 days before, the amount owed",
    )
    late = build({"orders": orders, "payments": [payment("P1", "2026-06-10", customer_id="C1")]})
    assert late.rows("payment_links") == []


@pytest.mark.parametrize("status", ["pending", "failed", "bounced"])
def test_only_settled_money_is_matched(build: Build, status: str) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1", status=status)]})
    assert built.rows("payment_links") == []
    assert built.one("matched_chain")["collected_value"] == 0


def test_refunds_follow_the_same_rules(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [refund("R1", amount="40", order_id="SO1")]})
    assert the_link(built, "R1")[:3] == ("order_payment", "SO1", "exact_id")


def test_a_person_gives_a_payment_to_an_order(build: Build) -> None:
    company = {"orders": [order("SO1"), order("SO2")], "payments": [payment("P1", order_id="SO1")]}
    built = build({**company, "manual_matches": [decision("order_payment", "SO2", "P1")]})
    assert the_link(built)[:3] == ("order_payment", "SO2", "manual_verified")


def test_of_two_orders_that_fit_alike_a_person_decides_and_a_rejected_one_leaves_the_other(build: Build) -> None:
    company = {
        "orders": [order("SO1", **PHONE), order("SO2", "2026-03-06", **PHONE)],
        "payments": [payment("P1", **PHONE)],
    }
    built = build(company)
    assert built.rows("payment_links") == []
    assert built.one("exceptions", kind="possible_match")["value"] == 100
    rejected = [decision("order_payment", "SO2", "P1", "reject")]
    assert the_link(build({**company, "manual_matches": rejected}))[1] == "SO1"
