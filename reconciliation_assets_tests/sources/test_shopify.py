"""Shopify: one word for its three statuses, whose money it delivers, and errors that come with status 200."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from graphql import build_client_schema, execute_sync, parse, validate

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import RateLimited, SchemaDrift
from reconciliation_assets.sources.shopify import STATUSES
from reconciliation_assets_tests.sources.conftest import EVERYTHING, Connect, rows_of
from reconciliation_assets_tests.sources.shared_bodies import shared_json
from reconciliation_assets_tests.standin.company import AS_OF, Ad, Lead, Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PERSON = Person("Invented", "Somebody", "somebody@example.com", "+971500000001", "AE")
AD = Ad("1", "2", "3", "GCC | Summer", "1d_click")
LEAD = Lead("178414000000001", NOON, PERSON, AD, "fb", consents=True)


SENT = {
    "status": "SUCCESS",
    "createdAt": "2026-07-02T00:00:00Z",
    "deliveredAt": None,
    "trackingInfo": [{"number": "4800000009"}],
}


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
        "tax": "22.50",
        "shipping": "15.00",
        "shipped_at": "2026-07-01T12:00:00+00:00",
        "delivered_at": "2026-07-03T12:00:00+00:00",
        "waybill": "4800000001",
        "current_value": "487.50",
        "is_test": "false",
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
        ({"displayFinancialStatus": "PAID", "test": True}, "confirmed"),
        ({"displayFinancialStatus": "VOIDED"}, "voided"),
        ({"displayFinancialStatus": "EXPIRED"}, "expired"),
        (
            {"displayFinancialStatus": "VOIDED", "displayFulfillmentStatus": "FULFILLED", "fulfillments": [SENT]},
            "shipped",
        ),
        ({"displayFinancialStatus": "VOIDED", "fulfillments": [{**SENT, "status": "CANCELLED"}]}, "voided"),
        ({"displayFulfillmentStatus": "RESTOCKED"}, "returned"),
    ],
)
def test_three_statuses_become_one(standin: Standin, connect: Connect, told: dict[str, object], status: str) -> None:
    def say(body: dict[str, Any]) -> object:
        body["data"]["orders"]["nodes"][0].update(told)
        return body

    one_order(standin)
    standin.plan(Fault("drift", "shopify.graphql", times=1, change=say))
    assert row_of(connect)["status"] == status


def saying(told: Mapping[str, object]) -> Fault:
    """Every order is told so."""

    def say(body: dict[str, Any]) -> object:
        for node in body["data"].get("orders", {"nodes": []})["nodes"]:
            node.update(told)
        return body

    return Fault("drift", "shopify.graphql", times=9, change=say)


def test_every_word_the_connector_makes_is_listed() -> None:
    assert {"placed", "confirmed", "shipped", "refunded", "cancelled", "voided", "expired", "returned"} <= set(STATUSES)


def test_a_cancelled_fulfilment_is_no_parcel(standin: Standin, connect: Connect) -> None:
    gone = {**SENT, "status": "CANCELLED", "deliveredAt": "2026-07-03T00:00:00Z"}
    one_order(standin)
    standin.plan(saying({"fulfillments": [gone]}))
    row = row_of(connect)
    assert (row["status"], row["shipped_at"], row["delivered_at"], row["waybill"]) == ("placed", None, None, None)
    standin.plan(saying({"fulfillments": [gone, SENT]}))
    row = row_of(connect)
    assert (row["shipped_at"], row["delivered_at"], row["waybill"]) == ("2026-07-02T00:00:00+00:00", None, "4800000009")


def test_an_edited_order_is_worth_what_it_is_now(standin: Standin, connect: Connect) -> None:
    one_order(standin)
    standin.plan(saying({"currentTotalPriceSet": {"shopMoney": {"amount": "300.00"}}}))
    row = row_of(connect)
    assert (row["gross_value"], row["current_value"], row.get("returned_value")) == ("487.50", "300.00", None)


def test_goods_that_came_back_without_money_are_told_and_items_taken_off_before_are_not(
    standin: Standin, connect: Connect
) -> None:
    one_order(standin, returned=Decimal("100.00"))
    row = row_of(connect)
    assert (row["current_value"], row["returned_value"]) == ("387.50", "101.25")
    standin.plan(saying({"taxesIncluded": True}))
    assert row_of(connect)["returned_value"] == "100.00"


def test_a_test_order_says_so_and_its_money_is_passed_over(standin: Standin, connect: Connect) -> None:
    one_order(standin, money=[Money(1, "captured", Decimal("10.00"), NOON, "tabby")])
    standin.plan(saying({"test": True}))
    connector = connect("shopify", payment_gateways=["tabby"])
    assert rows_of(connector)["orders"][0]["is_test"] == "true"
    *_, money = connector.pull(EVERYTHING)
    assert (list(money.rows), money.passed_over) == ([], {"test transaction": 1})


def transaction(number: int, kind: str, amount: str, gateway: str = "cash", **known: object) -> dict[str, object]:
    when = "2026-07-01T12:00:00Z"
    told = {"id": f"gid://shopify/OrderTransaction/{number}", "kind": kind, "status": "SUCCESS", "gateway": gateway}
    rest = {"test": False, "createdAt": when, "processedAt": when, "parentTransaction": None}
    return {**told, **rest, "amountSet": {"shopMoney": {"amount": amount}}, **known}


def moved(standin: Standin, connect: Connect, *transactions: dict[str, object]) -> set[tuple[str | None, str | None]]:
    one_order(standin)
    standin.systems["shopify"].moved = {1001: list(transactions)}
    named = {"paymentGatewayNames": [str(each["gateway"]) for each in transactions]}
    standin.plan(saying(named))
    rows = rows_of(connect("shopify", payment_gateways=["cash"]))["payments"]
    return {(row["kind"], row["amount"]) for row in rows}


def test_change_is_taken_off_the_cash_it_was_given_back_on(standin: Standin, connect: Connect) -> None:
    sale, change = transaction(1, "SALE", "100.00"), transaction(2, "CHANGE", "13.00")
    assert moved(standin, connect, sale, change) == {("payment", "87.00")}
    other = transaction(3, "SALE", "20.00")
    change["parentTransaction"] = {"id": other["id"]}
    assert moved(standin, connect, sale, other, change) == {("payment", "100.00"), ("payment", "7.00")}


@pytest.mark.parametrize("gateway", ["gift_card", "shopify_store_credit"])
def test_a_gift_card_is_credit_and_no_cash_whoever_reads_the_rest(
    standin: Standin, connect: Connect, gateway: str
) -> None:
    card = transaction(1, "SALE", "50.00", gateway)
    assert moved(standin, connect, card, transaction(2, "SALE", "437.50")) == {
        ("credit", "50.00"),
        ("payment", "437.50"),
    }
    rows = rows_of(connect("shopify"))["payments"]
    assert [(row["kind"], row["amount"], row["order_id"]) for row in rows] == [("credit", "50.00", "1001")]


def test_credit_that_went_back_to_its_card_settles_nothing(standin: Standin, connect: Connect) -> None:
    card, back = transaction(1, "SALE", "50.00", "gift_card"), transaction(2, "REFUND", "20.00", "gift_card")
    assert moved(standin, connect, card, back) == {("credit", "30.00")}


def test_a_transaction_of_a_kind_that_is_not_known_is_told_with_its_amount(standin: Standin, connect: Connect) -> None:
    assert moved(standin, connect, transaction(1, "TOPUP", "50.00"), transaction(2, "VOID", "50.00")) == {
        (None, "50.00")
    }


def test_an_order_with_more_transactions_than_a_list_brings_is_read_whole(standin: Standin, connect: Connect) -> None:
    many = [transaction(number, "SALE", f"{number}.00") for number in range(1, 31)]
    assert len(moved(standin, connect, *many)) == 30


def dispute(number: int, status: str, kind: str = "CHARGEBACK", **known: object) -> dict[str, object]:
    told = {"legacyResourceId": str(number), "type": kind, "status": status, "initiatedAt": "2026-07-05T00:00:00Z"}
    money = {"amount": {"amount": "487.50", "currencyCode": "AED"}}
    order = {"order": {"name": "#1001", "legacyResourceId": "5550000001001"}}
    return {**told, "finalizedOn": None, **money, **order, **known}


def test_a_chargeback_goes_and_comes_again_when_it_is_won(standin: Standin, connect: Connect) -> None:
    one_order(standin)
    standin.systems["shopify"].disputes = [
        dispute(1, "UNDER_REVIEW"),
        dispute(2, "WON", finalizedOn="2026-07-09T00:00:00Z"),
        dispute(3, "NEEDS_RESPONSE", "INQUIRY"),
        dispute(4, "PREVENTED"),
    ]
    rows = rows_of(connect("shopify", payment_gateways=["shopify_payments"]))["payments"]
    assert {(row["payment_id"], row["kind"], row["amount"], row["order_id"], row["paid_at"]) for row in rows} == {
        ("dispute-1", "chargeback", "487.50", "1001", "2026-07-05T00:00:00+00:00"),
        ("dispute-2", "chargeback", "487.50", "1001", "2026-07-05T00:00:00+00:00"),
        ("dispute-2-won", "chargeback_reversal", "487.50", "1001", "2026-07-09T00:00:00+00:00"),
    }


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", None])
def test_an_error_of_shopifys_own_with_status_200_is_asked_again(
    standin: Standin, connect: Connect, code: str | None
) -> None:
    one_order(standin)
    broken = {"errors": [{"message": "Internal error", "extensions": {"code": code} if code else {}}]}
    standin.plan(Fault("drift", "shopify.graphql", times=2, change=lambda _: broken))
    assert row_of(connect)["order_id"] == "1001"


def test_a_query_too_dear_is_asked_for_in_smaller_pages(standin: Standin, connect: Connect) -> None:
    whole = rows_of(connect("shopify"))
    standin.systems["shopify"].most_orders = 2
    assert rows_of(connect("shopify", page_limit=20)) == whole


def test_one_odd_order_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, Any]) -> object:
        body["data"]["orders"]["nodes"][0]["createdAt"] = "at noon"
        body["data"]["orders"]["nodes"][1]["customer"] = "nobody"
        return body

    before = {row["order_id"]: row for row in rows_of(connect("shopify"))["orders"]}
    standin.plan(Fault("drift", "shopify.graphql", times=1, change=harm))
    after = rows_of(connect("shopify"))["orders"]
    (odd,) = [row for row in after if row.get("unread")]
    same = before[str(odd["order_id"]).removeprefix("#")]
    assert (odd["unread_column"], odd["gross_value"]) == ("orders.createdAt", same["gross_value"])
    assert len(after) == len(before)


def test_queries_and_answers_keep_to_shopifys_own_schema(standin: Standin, connect: Connect) -> None:
    schema = build_client_schema(shared_json("shopify/admin_2026-07.introspection.json.gz")["data"])
    standin.systems["shopify"].disputes = [dispute(1, "WON", finalizedOn="2026-07-09T00:00:00Z"), dispute(2, "LOST")]
    standin.company.orders_in("AE")[0].returned = Decimal("10.00")
    connector = connect("shopify", payment_gateways=["shopify_payments", "stripe"])
    connector.probe()
    rows_of(connector)
    rows_of(connect("shopify"))
    asked = {re.findall(r"query (\w+)", request.body["query"])[0] for request in standin.requests}
    assert asked == {"Shop", "Orders", "OrderTransactions", "OrderRefunds", "RefundLines", "Disputes"}
    for request in standin.requests:
        document = parse(request.body["query"])
        assert validate(schema, document) == []
        _, answer = standin.systems["shopify"].find(request)
        told = answer().body["data"]
        made = execute_sync(schema, document, told, variable_values=request.body.get("variables"))
        assert made.errors is None
        assert made.data == told


def test_which_id_other_systems_use_is_a_setting(standin: Standin, connect: Connect) -> None:
    one_order(standin)
    assert row_of(connect, order_id="id")["order_id"] == "5550000001001"


def test_money_is_read_only_of_gateways_that_are_named(standin: Standin, connect: Connect) -> None:
    kinds = ("authorised", "captured", "refunded")
    one_order(standin, money=[Money(n, kind, Decimal(f"{n + 1}.00"), NOON, "tabby") for n, kind in enumerate(kinds)])
    assert rows_of(connect("shopify"))["payments"] == []
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
    standin.systems["shopify"].retired_fields = ("totalTaxSet",)
    with pytest.raises(SchemaDrift, match=r"Order\.totalTaxSet"):
        rows_of(connect("shopify"))


def test_an_amount_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_number(body: dict[str, Any]) -> object:
        for node in body["data"]["orders"]["nodes"]:
            node["totalPriceSet"]["shopMoney"]["amount"] = 48750
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
    assert connect("shopify").probe().missing_permissions == ["read_orders"]
    needed = connect("shopify", payment_gateways=["shopify_payments"]).probe().missing_permissions
    assert needed == ["read_orders", "read_shopify_payments_disputes"]
