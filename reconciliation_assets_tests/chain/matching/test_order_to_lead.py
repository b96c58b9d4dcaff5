"""Which lead an order belongs to; an order that finds none is a captured record of its own."""

from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import crm, decision, lead, order

Row = dict[str, Any]
PHONE = {"phone": "0501234567", "market": "AE"}


def the_link(built: Built, order_id: str = "SO1") -> tuple[str, str, str]:
    row = built.one("lead_order_links", right_id=order_id)
    return row["left_id"], row["match_method"], row["evidence"]


def test_an_order_that_names_its_lead(build: Build) -> None:
    built = build({"leads": [lead("L1")], "orders": [order("SO1", lead_id="L1")]})
    assert the_link(built) == ("L1", "exact_id", "order names lead L1")
    assert [row["record_id"] for row in built.rows("matched_chain")] == ["lead:L1"]


def test_the_same_contact_inside_the_window(build: Build) -> None:
    built = build({"leads": [lead("L1", **PHONE)], "orders": [order("SO1", "2026-03-05", **PHONE)]})
    assert the_link(built) == ("L1", "exact_contact", "same phone, lead 4 days before")


@pytest.mark.parametrize(("day", "is_linked"), [("2026-05-30", True), ("2026-05-31", False), ("2026-02-28", False)])
def test_the_lead_is_at_most_ninety_days_before_the_order(build: Build, day: str, is_linked: bool) -> None:
    built = build({"leads": [lead("L1", "2026-03-01", **PHONE)], "orders": [order("SO1", day, **PHONE)]})
    assert bool(built.rows("lead_order_links")) is is_linked


def test_a_company_sets_its_own_window(build: Build) -> None:
    company = {"leads": [lead("L1", **PHONE)], "orders": [order("SO1", "2026-03-12", **PHONE)]}
    assert build(company, {"matching": {"contact_window_days": 11}}).rows("lead_order_links")
    assert not build(company, {"matching": {"contact_window_days": 10}}).rows("lead_order_links")


def test_of_several_valid_leads_the_latest_before_it(build: Build) -> None:
    leads = [
        lead("L1", "2026-03-01", **PHONE),
        lead("L2", "2026-03-10", **PHONE),
        lead("L3", "2026-03-12", is_test="true", **PHONE),
        lead("L4", "2026-03-14", **PHONE),
    ]
    spam = crm("D4", "2026-03-15", "spam", lead_id="L4")
    built = build({"leads": leads, "crm_records": [spam], "orders": [order("SO1", "2026-03-20", **PHONE)]})
    assert the_link(built)[:2] == ("L2", "exact_contact")


def test_an_order_whose_crm_record_names_the_lead(build: Build) -> None:
    built = build(
        {"leads": [lead("L1")], "crm_records": [crm("D1", lead_id="L1")], "orders": [order("SO1", crm_id="D1")]}
    )
    assert the_link(built) == ("L1", "crm_relationship", "order names CRM record D1 of lead L1")


def test_an_order_whose_crm_record_was_merged_away(build: Build) -> None:
    records = [crm("D1", merged_into="D2"), crm("D2", lead_id="L1")]
    built = build({"leads": [lead("L1")], "crm_records": records, "orders": [order("SO1", crm_id="D1")]})
    assert the_link(built)[:2] == ("L1", "crm_relationship")


def test_another_order_of_the_same_customer(build: Build) -> None:
    orders = [order("SO1", lead_id="L1", customer_id="C1"), order("SO2", "2026-04-01", customer_id="C1")]
    built = build({"leads": [lead("L1")], "orders": orders})
    assert the_link(built, "SO2") == ("L1", "crm_relationship", "same customer as order SO1 of lead L1")


@pytest.mark.parametrize("day", ["2026-02-20", "2026-06-15"])
def test_the_same_customer_outside_the_window_is_none_of_the_leads(build: Build, day: str) -> None:
    orders = [order("SO1", lead_id="L1", customer_id="C1"), order("SO2", day, customer_id="C1")]
    built = build({"leads": [lead("L1")], "orders": orders})
    assert [row["right_id"] for row in built.rows("lead_order_links")] == ["SO1"]


def test_an_order_that_no_lead_claims_is_a_record_and_no_failure(build: Build) -> None:
    built = build({"leads": [lead("L1")], "orders": [order("SO1")]})
    assert {row["record_id"] for row in built.rows("matched_chain")} == {"lead:L1", "order:SO1"}
    assert built.rows("unmatched_records", link="lead_order") == []


def test_an_order_that_names_a_lead_which_is_not_there_is_unmatched(build: Build) -> None:
    built = build({"leads": [lead("L1")], "orders": [order("SO1", lead_id="L9")]})
    unmatched = built.one("unmatched_records", link="lead_order")
    assert unmatched["source_id"] == "SO1"
    assert unmatched["reason"] == "names lead L9, which is not in the leads"


def test_a_decision_and_a_rejection(build: Build) -> None:
    company = {
        "leads": [lead("L1", **PHONE), lead("L2", "2026-03-03", **PHONE), lead("L3")],
        "orders": [order("SO1", **PHONE)],
    }
    assert the_link(build(company))[0] == "L2"
    rejected = [decision("lead_order", "L2", "SO1", "reject")]
    assert the_link(build({**company, "manual_matches": rejected}))[0] == "L1"
    accepted = [decision("lead_order", "L3", "SO1")]
    assert the_link(build({**company, "manual_matches": accepted}))[:2] == ("L3", "manual_verified")


def test_an_accepted_pair_whose_end_is_gone_is_an_exception(build: Build) -> None:
    company = {"leads": [lead("L1")], "orders": [order("SO1")]}
    built = build({**company, "manual_matches": [decision("lead_order", "L9", "SO1")]})
    assert built.one("exceptions", kind="manual_match_not_used")["source_id"] == "lead_order L9 SO1"
    assert built.rows("lead_order_links") == []
