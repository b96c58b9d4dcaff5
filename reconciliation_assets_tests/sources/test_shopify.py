"""Shopify: one word for its three statuses, whose money it delivers, and errors that come with status 200."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import RateLimited, SchemaDrift
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.standin.company import AS_OF, Ad, Lead, Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PERSON = Person("Invented", "Somebody", "somebody@example.com", "+971500000001", "AE")
AD = Ad("1", "2", "3", "GCC | Summer", "1d_click")
LEAD = Lead("178414000000001", NOON, PERSON, AD, "fb", consents=True)


def one_order(standin: Standin, **known: Any) -> None:
    amounts = Decimal("500.00"), Decimal("50.00"), Decimal("22.50"), Decimal("15.00")
    standin.company.orders[:] = [Order(1001, NOON, NOON + timedelta(hours=1), PERSON, "placed", *amounts, "card", LEAD)]
    for field, value in known.items():
        setattr(standin.company.orders[0], field, value)


def row_of(connect: Connect, **changed: object) -> Row:
    (row,) = rows_of(connect("shopify", **changed))["orders"]
    return row


def test_an_order_becomes_a_row(standin: Standin, connect: Connect) -> None:
    one_order(standin, status="delivered", delivered=NOON + timedelta(days=2), waybill="4800000001")
    assert {column: value for column, value in row_of(connect).items() if value is not None} == {
        "order_id": "1001",
        "created_at": "2026-07-01T12:00:00+00:00",
        "updated_at": "2026-07-01T13:00:00+00:00",
        "status": "delivered",
        "gross_value": "487.50",
        "currency": "AED",
        "lead_id": "178414000000001",
        "customer_id": "67001",
        "source": "facebook",
        "medium": "paid",
        "utm_campaign": "GCC | Summer",
        "landing_page": "https://shop.example/ar",
        "market": "AE",
        "language": "ar",
        "email": "somebody@example.com",
        "phone": "+971500000001",
        "full_name": "Invented Somebody",
        "payment_method": "Cash on Delivery (COD)",
        "discount": "50.00",
        "tax": "22.50",
        "shipping": "15.00",
        "shipped_at": "2026-07-01T12:00:00+00:00",
        "delivered_at": "2026-07-03T12:00:00+00:00",
        "waybill": "4800000001",
    }


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, "placed"),
        ({"displayFinancialStatus": "AUTHORIZED"}, "placed"),
        ({"displayFinancialStatus": "PAID"}, "confirmed"),
        ({"displayFinancialStatus": "PAID", "displayFulfillmentStatus": "FULFILLED"}, "shipped"),
        ({"displayFinancialStatus": "REFUNDED", "displayFulfillmentStatus": "FULFILLED"}, "refunded"),
        ({"displayFinancialStatus": "REFUNDED", "cancelledAt": "2026-07-02T00:00:00Z"}, "cancelled"),
        ({"displayFinancialStatus": "PAID", "test": True}, "test"),
    ],
)
def test_three_statuses_become_one(standin: Standin, connect: Connect, told: dict[str, object], status: str) -> None:
    def say(body: dict[str, Any]) -> object:
        body["data"]["orders"]["nodes"][0].update(told)
        return body

    one_order(standin)
    standin.plan(Fault("drift", "shopify.graphql", times=9, change=say))
    assert row_of(connect)["status"] == status


def test_which_id_other_systems_use_is_a_setting(standin: Standin, connect: Connect) -> None:
    one_order(standin)
    assert row_of(connect, order_id="id")["order_id"] == "5550000001001"


def test_money_is_read_only_of_gateways_that_are_named(standin: Standin, connect: Connect) -> None:
    kinds = ("authorised", "captured", "refunded")
    one_order(standin, money=[Money(n, kind, Decimal(f"{n + 1}.00"), NOON, "tabby") for n, kind in enumerate(kinds)])
    assert connect("shopify", payment_gateways=[]).tables == ("orders",)
    assert rows_of(connect("shopify", payment_gateways=["stripe"]))["payments"] == []
    moved = rows_of(connect("shopify", payment_gateways=["tabby"]))["payments"]
    assert {(row["kind"], row["status"], row["amount"], row["order_id"]) for row in moved} == {
        ("payment", "settled", "2.00", "1001"),
        ("refund", "settled", "3.00", "1001"),
    }


def test_only_what_changed_since_is_pulled(standin: Standin, connect: Connect) -> None:
    orders = standin.company.orders_in("AE")
    since = sorted(order.updated for order in orders)[5]
    rows = rows_of(connect("shopify"), Window(since, AS_OF))["orders"]
    assert {row["order_id"] for row in rows} == {str(order.number) for order in orders if order.updated >= since}


def test_an_order_that_changes_while_paging_comes_once_and_hides_no_other(standin: Standin, connect: Connect) -> None:
    before = {row["order_id"] for row in rows_of(connect("shopify"))["orders"]}
    first = min(standin.company.orders_in("AE"), key=lambda order: order.updated)
    standin.plan(Fault("world_changes", "shopify.graphql", change=lambda _: setattr(first, "updated", AS_OF)))
    rows = {row["order_id"]: row for row in rows_of(connect("shopify"))["orders"]}
    assert set(rows) == before
    assert rows[str(first.number)]["updated_at"] == AS_OF.isoformat()


def test_a_field_the_api_version_no_longer_has_is_named(standin: Standin, connect: Connect) -> None:
    standin.systems["shopify"].retired_fields = ("totalDiscountsSet",)
    with pytest.raises(SchemaDrift, match=r"Order\.totalDiscountsSet"):
        rows_of(connect("shopify"))


def test_an_amount_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_number(body: dict[str, Any]) -> object:
        body["data"]["orders"]["nodes"][0]["totalPriceSet"]["shopMoney"]["amount"] = 48750
        return body

    standin.plan(Fault("drift", "shopify.graphql", times=9, change=as_number))
    with pytest.raises(SchemaDrift, match=r"totalPriceSet\.shopMoney\.amount"):
        rows_of(connect("shopify"))


def test_a_used_up_budget_is_waited_for_as_long_as_it_refills(standin: Standin, connect: Connect) -> None:
    standin.plan(Fault("rate_limited", "shopify.graphql", times=99))
    with pytest.raises(RateLimited) as raised:
        rows_of(connect("shopify", max_wait_minutes=0))
    assert raised.value.back_at == datetime(2026, 7, 10, 12, 0, 7, tzinfo=UTC)


def test_a_missing_scope_is_found_by_the_probe(standin: Standin, connect: Connect) -> None:
    standin.systems["shopify"].scopes = ("read_orders",)
    (finding,) = connect("shopify").probe().findings
    assert "60 days" in finding
    standin.systems["shopify"].scopes = ("read_products", "read_all_orders")
    assert connect("shopify").probe().lacking == ["read_orders"]
