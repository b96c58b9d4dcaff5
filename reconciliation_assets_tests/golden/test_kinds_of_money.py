"""One shop with every kind of money, to the fils: a won dispute, a failed refund, a gift card, an edit, goods that came back."""

from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import CAMPAIGN, crm, insight, lead, order, payment, refund

Row = dict[str, Any]

# Order, what its shop says, its money, and the lines of the bridge that come of it, each by its number.
SHOP: dict[str, tuple[Row, list[Row], dict[int, str]]] = {
    "a dispute that was won": (
        {"value": "1800"},
        [
            payment("p1", amount="1800"),
            refund("p2", amount="1800", kind="chargeback"),
            payment("p3", amount="1800", kind="chargeback_reversal"),
        ],
        {},
    ),
    "a refund that failed": (
        {"value": "100"},
        [payment("p4"), refund("p5"), payment("p6", kind="refund_reversal")],
        {},
    ),
    "a refund of which a part came back": (
        {"value": "100"},
        [payment("p7"), refund("p8", amount="40"), payment("p9", amount="15", kind="refund_reversal")],
        {6: "-25"},
    ),
    "paid by gift card and card": (
        {"value": "100"},
        [payment("p10", amount="70"), payment("p11", amount="30", kind="credit")],
        {8: "-30"},
    ),
    "paid by points alone, and a rest open": (
        {"value": "100"},
        [payment("p12", amount="80", kind="credit")],
        {7: "-20", 8: "-80"},
    ),
    "an item removed before delivery": (
        {"value": "300", "current_value": "250"},
        [payment("p13", amount="250")],
        {8: "-50"},
    ),
    "an item added": ({"value": "300", "current_value": "340"}, [payment("p14", amount="340")], {8: "40"}),
    "goods came back at the door and no money moved for them": (
        {"value": "100", "returned_value": "30"},
        [payment("p15", amount="70")],
        {6: "-30"},
    ),
    "the same where the shop has taken them off": (
        {"value": "100", "returned_value": "30", "current_value": "70"},
        [payment("p16", amount="70")],
        {6: "-30"},
    ),
    "goods came back and were refunded, once": (
        {"value": "100", "returned_value": "30", "current_value": "70"},
        [payment("p17"), refund("p18", amount="30")],
        {6: "-30"},
    ),
    "goods came back and part is still unpaid": (
        {"value": "100", "returned_value": "30"},
        [payment("p19", amount="50")],
        {6: "-30", 7: "-20"},
    ),
    "paid in SAR, settled in AED": (
        {"value": "1000", "currency": "SAR"},
        [payment("p20", amount="960", order_amount="1000", order_currency="SAR")],
        {8: "-19.33"},
    ),
    "a discount granted after placing": ({"value": "100", "discount": "10"}, [], {7: "-90", 8: "-10"}),
}


@pytest.fixture(scope="module")
def shop(build_once: Build) -> Built:
    return build_once(
        {
            "meta_insights": [insight()],
            "orders": [order(name, campaign_id=CAMPAIGN, **cells) for name, (cells, _, _) in SHOP.items()],
            "payments": [{**row, "order_id": name} for name, (_, money, _) in SHOP.items() for row in money],
        }
    ).make_all()


@pytest.mark.parametrize("name", SHOP)
def test_an_order_comes_out_line_by_line(name: str, shop: Built) -> None:
    lines: dict[int, Decimal] = {}
    numbers = {row["line"]: row["line_order"] for row in shop.rows("bridge")}
    for row in shop.rows("bridge_entries", record_id=f"order:{name}"):
        lines[numbers[row["line"]]] = lines.get(numbers[row["line"]], Decimal(0)) + row["amount"]
    assert {line: amount for line, amount in lines.items() if amount} == {
        line: Decimal(amount) for line, amount in SHOP[name][2].items()
    }


def test_the_bridge_closes_on_the_money_that_was_collected(shop: Built) -> None:
    lines = {row["line"]: row["amount"] for row in shop.rows("bridge", campaign_id=CAMPAIGN)}
    assert lines["collected"] == 1800 + 100 + 75 + 70 + 250 + 340 + 70 + 70 + 70 + 50 + 960
    assert lines["returned_refunded_failed"] == -25 - 30 - 30 - 30 - 30
    assert lines["open"] == -20 - 20 - 90
    assert lines["value_and_basis"] == Decimal(-30) - 80 - 50 + 40 - Decimal("19.33") - 10
    assert shop.blocked_by() == []


def test_nothing_of_it_is_anything_to_act_on(shop: Built) -> None:
    assert shop.rows("exceptions") == []


def test_a_credit_is_no_money_and_excluded_from_the_totals(shop: Built) -> None:
    row = shop.one("source_totals", source_table="payments", measure="amount AED")
    assert (row["excluded"], row["difference"]) == (110, 0)


def test_a_reversal_lowers_what_was_refunded_in_the_month_it_came_back(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1")],
            "payments": [
                payment("P1", "2026-03-10", order_id="SO1"),
                refund("C1", "2026-03-20", kind="chargeback", order_id="SO1"),
                payment("W1", "2026-04-20", kind="chargeback_reversal", order_id="SO1"),
            ],
        }
    )
    cash = {str(row["month"]): (row["collected_value"], row["refunded_value"]) for row in built.rows("cash_view")}
    assert cash == {"2026-03-01": (0, 100), "2026-04-01": (100, -100)}
    assert built.one("matched_chain")["refunded_value"] == 0


def test_goods_that_came_back_while_their_money_was_kept_are_to_be_refunded(build: Build) -> None:
    built = build({"orders": [order("SO1", returned_value="30")], "payments": [payment("P1", order_id="SO1")]})
    told = built.one("exceptions")
    assert (told["kind"], told["value"]) == ("overpaid_order", 30)
    assert "Goods came back" in told["detail"]
    lines = {row["line"]: row["amount"] for row in built.rows("bridge_entries")}
    assert lines == {"returned_refunded_failed": -30, "value_and_basis": 30}


def test_a_credit_on_the_opportunity_closes_it(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1")],
            "crm_records": [crm("D1", stage="won", lead_id="L1", final_value="500", currency="AED")],
            "payments": [payment("P1", amount="400", crm_id="D1"), payment("P2", kind="credit", crm_id="D1")],
        }
    )
    assert {row["line"]: row["amount"] for row in built.rows("bridge_entries")} == {"value_and_basis": -100}


def test_a_deal_in_sar_settled_in_aed_is_closed_by_what_the_customer_paid(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1")],
            "crm_records": [crm("D1", stage="won", lead_id="L1", final_value="1000", currency="SAR")],
            "payments": [payment("P1", amount="960", crm_id="D1", order_amount="1000", order_currency="SAR")],
        }
    )
    assert {row["line"]: row["amount"] for row in built.rows("bridge_entries")} == {
        "value_and_basis": Decimal("-19.33")
    }


def test_a_fee_row_keeps_the_orders_share_of_tax_and_shipping(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", value="105", tax="5", shipping="20")],
            "payments": [
                payment("P1", amount="105", order_id="SO1"),
                payment("F1", amount="10", kind="fee", order_id="SO1"),
            ],
        },
        {"basis": {"include_tax": False, "include_shipping": False, "deduct_payment_fees": True}},
    )
    assert built.one("matched_chain")["collected_value"] == 70


def test_deals_that_were_lost_or_invalid_were_worth_what_they_say(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1"), lead("L2"), lead("L3")],
            "crm_records": [
                crm("D1", stage="lost", lead_id="L1", final_value="1000", currency="AED"),
                crm("D2", stage="spam", lead_id="L2", final_value="300", currency="AED"),
                crm("D3", stage="won", lead_id="L3", final_value="500", currency="AED"),
                crm("D4", stage="lost", lead_id="L3", final_value="200", currency="AED"),
            ],
            "payments": [payment("P3", amount="500", crm_id="D3")],
        }
    )
    stated = {row["record_id"]: row["stated_value"] for row in built.rows("matched_chain")}
    assert stated == {"lead:L1": 1000, "lead:L2": 300, "lead:L3": 700}
    entries = {row["record_id"]: (row["line"], row["amount"]) for row in built.rows("bridge_entries")}
    assert entries == {
        "lead:L1": ("lost_or_cancelled", -1000),
        "lead:L2": ("invalid_or_duplicate", -300),
        "lead:L3": ("lost_or_cancelled", -200),
    }


@pytest.mark.parametrize(
    "merges",
    [
        {"D1": "D2", "D2": "D1"},
        {"D1": "D2", "D2": "D3", "D3": "D1"},
        {"D1": "D9", "D2": "D9"},
        {"D1": "D2", "D2": ""},
        {"D1": "D1"},
    ],
    ids=["into each other", "in a ring", "into one that is missing", "plainly", "into itself"],
)
def test_merged_deals_count_once(merges: dict[str, str], build: Build) -> None:
    deals = [
        crm(name, stage="won", lead_id="L1", final_value="500", currency="AED", merged_into=into)
        for name, into in merges.items()
    ]
    built = build({"leads": [lead("L1")], "crm_records": deals})
    assert built.one("matched_chain")["stated_value"] == 500
    assert len(built.rows("duplicate_records")) == len(merges) - 1


def test_what_was_deleted_or_is_a_test_stops_counting_from_that_version_on_and_is_listed(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1")],
            "crm_records": [
                crm("D1", stage="won", lead_id="L1", final_value="500", currency="AED"),
                crm("D1", stage="won", lead_id="L1", final_value="500", updated_at="2026-04-01", is_deleted="true"),
            ],
            "orders": [
                order("SO1"),
                order("SO1", updated_at="2026-04-01", is_deleted="true"),
                order("SO2", is_test="true", value="60"),
                order("SO3"),
                order("SO3", updated_at="2026-04-01", is_deleted="false"),
            ],
            "payments": [payment("P1", order_id="SO1")],
        }
    )
    assert [row["record_id"] for row in built.rows("matched_chain")] == ["lead:L1", "order:SO3"]
    listed = {row["source_id"]: row["reason"] for row in built.rows("excluded_records")}
    assert listed == {"D1": "deleted at the source", "SO1": "deleted at the source", "SO2": "test"}
    totals = built.one("source_totals", source_table="orders", measure="gross_value AED")
    assert (totals["excluded"], totals["chain_total"], totals["difference"]) == (160, 100, 0)
    assert "deleted" in built.one("exceptions", kind="unmatched_money")["detail"]
