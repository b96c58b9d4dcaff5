"""WooCommerce: GMT and not local times, guests without an ID, and numbered pages that change while they are read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import MissingPermission, SchemaDrift
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.sources.shared_bodies import recorded, unlike
from reconciliation_assets_tests.standin.company import AS_OF, Lead, Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PERSON = Person("Invented", "Somebody", "somebody@example.com", "+96560000001", "KW")
LEAD = Lead("178414000000001", NOON, PERSON, None, "fb", consents=True)


def an_order(number: int = 1002, **known: Any) -> Order:
    amounts = Decimal("50.000"), Decimal("0.500"), Decimal("2.500"), Decimal("1.500")
    order = Order(number, NOON, NOON + timedelta(hours=1), PERSON, "shipped", *amounts, "cod", LEAD)
    for field, value in known.items():
        setattr(order, field, value)
    return order


def row_of(standin: Standin, connect: Connect, order: Order, **changed: object) -> Row:
    standin.company.orders[:] = [order]
    (row,) = rows_of(connect("woocommerce", **changed))["orders"]
    return row


def test_an_order_becomes_a_row(standin: Standin, connect: Connect) -> None:
    row = row_of(standin, connect, an_order(waybill="4800000001"))
    assert {column: value for column, value in row.items() if value is not None} == {
        "order_id": "1002",
        "created_at": "2026-07-01T12:00:00+00:00",
        "updated_at": "2026-07-01T13:00:00+00:00",
        "status": "processing",
        "gross_value": "53.500",
        "currency": "KWD",
        "customer_id": "10002",
        "source": "facebook",
        "medium": "paid",
        "landing_page": "https://shop.example/",
        "device": "mobile",
        "market": "KW",
        "email": "somebody@example.com",
        "phone": "+96560000001",
        "full_name": "Invented Somebody",
        "payment_method": "cod",
        "tax": "2.500",
        "shipping": "1.500",
        "waybill": "4800000001",
        "current_value": "53.500",
        "is_test": "false",
        "is_deleted": "false",
    }


def test_what_the_shop_gave_back_is_told_whether_or_not_money_moved(standin: Standin, connect: Connect) -> None:
    back = [Money(1, "refunded", Decimal("10.250"), NOON, "tap"), Money(2, "refunded", Decimal("5.000"), NOON, "tap")]
    row = row_of(standin, connect, an_order(money=back))
    assert (row["gross_value"], row["current_value"], row["returned_value"]) == ("53.500", "53.500", "15.250")


def test_an_order_in_the_trash_is_deleted(standin: Standin, connect: Connect) -> None:
    standin.systems["woocommerce"].trashed = (1002,)
    row = row_of(standin, connect, an_order())
    assert (row["status"], row["is_deleted"]) == ("trash", "true")


@pytest.mark.parametrize("note", [("_wcpay_mode", "test"), ("_ppcp_paypal_payment_mode", "sandbox")])
def test_an_order_paid_in_test_mode_is_a_test(standin: Standin, connect: Connect, note: tuple[str, str]) -> None:
    def add(body: list[dict[str, Any]]) -> object:
        for order in body:
            order["meta_data"].append({"key": note[0], "value": note[1]})
        return body

    standin.plan(Fault("drift", "woocommerce.orders", times=99, change=add))
    assert row_of(standin, connect, an_order())["is_test"] == "true"


def test_an_order_without_billing_keeps_its_money(standin: Standin, connect: Connect) -> None:
    def strip(body: list[dict[str, Any]]) -> object:
        for order in body:
            order.pop("billing")
            order["shipping_total"] = 1.5
        return body

    standin.plan(Fault("drift", "woocommerce.orders", times=99, change=strip))
    row = row_of(standin, connect, an_order())
    assert (row["gross_value"], row["phone"], row["shipping"]) == ("53.500", None, None)


def test_one_odd_order_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: list[dict[str, Any]]) -> object:
        for order in body:
            order["date_created_gmt"] = "once" if order["number"] == "1002" else order["date_created_gmt"]
        return body

    standin.plan(Fault("drift", "woocommerce.orders", times=99, change=harm))
    standin.company.orders[:] = [an_order(), an_order(1003)]
    rows = rows_of(connect("woocommerce"))["orders"]
    (odd,) = [row for row in rows if row.get("unread")]
    assert (odd["order_id"], odd["gross_value"], odd["unread_column"]) == ("1002", "53.500", "orders.date_created_gmt")
    assert len(rows) == 2


def test_a_recorded_order_is_read(standin: Standin, connect: Connect) -> None:
    (real,) = recorded("woocommerce", "orders")
    standin.plan(Fault("drift", "woocommerce.orders", times=1, change=lambda _: [real]))
    row = row_of(standin, connect, an_order())
    assert (row["order_id"], row["status"], row["gross_value"], row["returned_value"], row["phone"]) == (
        "45",
        "pending",
        "90.00",
        "10.00",
        None,
    )


def test_the_stand_in_answers_as_a_recorded_shop_does(standin: Standin, connect: Connect) -> None:
    (real,) = recorded("woocommerce", "orders")
    rows_of(connect("woocommerce"))
    for request in standin.requests:
        _, answer = standin.systems["woocommerce"].find(request)
        for order in answer().body:
            assert unlike(real, order) == []


def test_an_order_without_a_visit_has_no_device(standin: Standin, connect: Connect) -> None:
    row = row_of(standin, connect, an_order(lead=None))
    assert (row["source"], row["device"]) == (None, None)


def test_a_guest_has_no_customer_id(standin: Standin, connect: Connect) -> None:
    assert row_of(standin, connect, an_order(1003))["customer_id"] is None


def test_a_completed_order_is_delivered_when_it_was_completed(standin: Standin, connect: Connect) -> None:
    row = row_of(standin, connect, an_order(status="delivered", delivered=NOON + timedelta(days=1)))
    assert (row["status"], row["delivered_at"]) == ("completed", "2026-07-02T12:00:00+00:00")


def test_which_id_other_systems_use_is_a_setting(standin: Standin, connect: Connect) -> None:
    assert row_of(standin, connect, an_order(), order_id="id")["order_id"] == "71002"


def test_only_what_changed_since_is_pulled(standin: Standin, connect: Connect) -> None:
    orders = standin.company.orders_in("KW")
    since = sorted(order.updated for order in orders)[5]
    rows = rows_of(connect("woocommerce"), Window(since, AS_OF))["orders"]
    assert {row["order_id"] for row in rows} == {str(order.number) for order in orders if order.updated >= since}


def test_an_order_that_leaves_while_paging_hides_no_other(standin: Standin, connect: Connect) -> None:
    before = {row["order_id"]: row for row in rows_of(connect("woocommerce"))["orders"]}
    first = standin.company.orders_in("KW")[0]
    standin.plan(Fault("world_changes", "woocommerce.orders", change=lambda company: company.orders.remove(first)))
    during = {row["order_id"]: row for row in rows_of(connect("woocommerce"))["orders"]}
    assert {key: row for key, row in before.items() if key != str(first.number)}.items() <= during.items()


def test_a_key_that_may_not_read_orders_is_told(standin: Standin, connect: Connect) -> None:
    standin.plan(Fault("missing_permission", "woocommerce.orders"))
    with pytest.raises(MissingPermission, match="may not read orders"):
        rows_of(connect("woocommerce"))


@pytest.mark.parametrize(("field", "value"), [("date_modified_gmt", None), ("total", 53.5), ("status", [])])
def test_a_field_that_vanishes_or_changes_is_named(
    standin: Standin, connect: Connect, field: str, value: object
) -> None:
    def change(body: list[dict[str, object]]) -> object:
        for order in body:
            order.pop(field)
            order.update({} if value is None else {field: value})
        return body

    standin.plan(Fault("drift", "woocommerce.orders", times=99, change=change))
    with pytest.raises(SchemaDrift, match=rf"orders\.{field}"):
        rows_of(connect("woocommerce"))


def test_a_list_that_hides_how_many_pages_it_has_is_no_short_list(standin: Standin, connect: Connect) -> None:
    standin.systems["woocommerce"].hides_totals = True
    with pytest.raises(SchemaDrift, match="x-wp-totalpages"):
        rows_of(connect("woocommerce"))
