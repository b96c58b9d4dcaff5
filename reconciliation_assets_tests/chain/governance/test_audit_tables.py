"""The tables behind the audit: what was delivered, what is filled, and what the policy's choices weigh."""

from datetime import date
from decimal import Decimal

import pytest

from reconciliation_assets.chain.queries import queries
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import insight, lead, order, payment


@pytest.fixture(scope="module")
def built(build_once: Build) -> Built:
    return build_once(
        {
            "meta_insights": [insight()],
            "leads": [
                lead("L1", source="facebook", medium="paid", click_id="IwAR1", email="a@example.com"),
                lead("L2", "2026-03-04", source="facebook", medium="paid"),
                lead("L3", "2026-03-05", source="google", medium="cpc", click_id="Cj0"),
            ],
            "orders": [
                order("O1", value=105, tax=5, shipping=20, lead_id="L1"),
                order("O2", "2026-03-06", value=210, tax=10, phone="+971501112233", market="AE"),
                order("O3", "2026-03-06", value=50),
            ],
            "payments": [
                payment("P1", amount=105, fee=3, order_id="O1"),
                payment("P2", "2026-03-20", 210, phone="+971501112233"),
                payment("P4", "2026-06-20", 50, order_id="O3"),
                payment("P3", "2026-03-12", "twelve"),
            ],
        }
    )


def test_every_file_is_in_the_inventory_with_its_newest_record(built: Built) -> None:
    rows = {row["origin_name"]: row for row in built.rows("source_inventory")}
    assert {name: (row["records"], row["bad_rows"], row["newest_day"]) for name, row in rows.items()} == {
        "meta_insights.csv": (1, 0, date(2026, 3, 1)),
        "leads.csv": (3, 0, date(2026, 3, 5)),
        "orders.csv": (3, 0, date(2026, 3, 6)),
        "payments.csv": (4, 1, date(2026, 6, 20)),
    }


def test_the_inventory_dates_every_input_table() -> None:
    read = {
        table.name for table in queries()[TableName("governance", "source_inventory")].reads if table.layer == "raw"
    }
    assert read - {"landings"} == {table.raw_asset for table in INPUT_TABLES}


def test_a_column_is_filled_as_often_as_it_holds_something_contacts_included(built: Built) -> None:
    fill = {
        (row["population"], row["column_name"]): (row["filled"], row["records"])
        for row in built.rows("field_fill", source_table="leads")
    }
    assert fill["all", "click_id"] == (2, 3)
    assert fill["from_meta", "click_id"] == (1, 2)
    assert fill["all", "email"] == (1, 3)


def test_an_order_of_a_lead_has_no_origin_of_its_own(built: Built) -> None:
    (row,) = built.rows("field_fill", source_table="orders", population="from_meta", column_name="click_id")
    assert (row["records"], row["fill_rate"]) == (0, None)


def test_a_choice_weighs_what_the_other_setting_would_change(built: Built) -> None:
    weighs = {row["choice"]: (row["records"], row["value"]) for row in built.rows("policy_choices")}
    assert weighs == {
        "basis.include_tax": (2, Decimal(-15)),
        "basis.include_shipping": (1, Decimal(-20)),
        "basis.deduct_payment_fees": (1, Decimal(-3)),
        "matching.exact_contact": (1, Decimal(-210)),
        "matching.crm_relationship": (0, 0),
        "matching.inferred": (0, 0),
        "invalid records that paid": (0, 0),
        "cohorts.maturity_days": (1, Decimal(50)),
        "matching.duplicate_window_days": (0, 0),
    }


def test_a_setting_turned_round_is_weighed_the_other_way(build: Build) -> None:
    company = {"orders": [order("O1", value=105, tax=5)], "payments": [payment("P1", amount=105, order_id="O1")]}
    for setting, value in ((True, -5), (False, 5)):
        built = build(company, {"basis": {"include_tax": setting}})
        assert built.one("policy_choices", choice="basis.include_tax")["value"] == value
        assert built.one("matched_chain")["collected_value"] == (105 if setting else 100)
