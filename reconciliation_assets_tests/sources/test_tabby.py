"""Tabby: captures and refunds are the money, whatever the payment's status says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import SchemaDrift
from reconciliation_assets_tests.sources.conftest import EVERYTHING, Connect, rows_of
from reconciliation_assets_tests.sources.openapi import violations
from reconciliation_assets_tests.sources.shared_bodies import shared_yaml
from reconciliation_assets_tests.standin.company import AS_OF, Company, Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def order_with(*money: tuple[str, str]) -> Order:
    person = Person("Invented", "Somebody", "somebody@example.com", "+971500000001", "AE")
    moved = [
        Money(n + 1, kind, Decimal(amount), NOON + timedelta(hours=n), "tabby")
        for n, (kind, amount) in enumerate(money)
    ]
    amounts = Decimal("500.00"), Decimal("0.00"), Decimal("25.00"), Decimal("0.00")
    return Order(1001, NOON, NOON, person, "delivered", *amounts, "tabby", money=moved)


def rows(standin: Standin, connect: Connect, *money: tuple[str, str]) -> list[Row]:
    standin.company.orders[:] = [order_with(*money)]
    return rows_of(connect("tabby"))["payments"]


def test_a_capture_becomes_a_payment(standin: Standin, connect: Connect) -> None:
    (row,) = rows(standin, connect, ("captured", "525.00"))
    assert row == {
        "payment_id": "00000000-0000-4000-8000-000000000001",
        "kind": "payment",
        "status": "settled",
        "paid_at": "2026-07-01T12:00:00+00:00",
        "amount": "525.00",
        "currency": "AED",
        "tax": "25.00",
        "order_id": "1001",
        "reference": "00000000-0000-4000-8000-000000991001",
        "market": "AE",
        "email": "somebody@example.com",
        "phone": "+971500000001",
        "payer_name": "Invented Somebody",
        "method": "tabby",
        "updated_at": "2026-07-01T12:00:00+00:00",
    }


def test_part_captures_and_refunds_each_count(standin: Standin, connect: Connect) -> None:
    moved = rows(standin, connect, ("captured", "300.00"), ("captured", "225.00"), ("refunded", "100.00"))
    assert sorted((str(row["kind"]), str(row["amount"])) for row in moved) == [
        ("payment", "225.00"),
        ("payment", "300.00"),
        ("refund", "100.00"),
    ]


def test_an_authorised_payment_is_no_money(standin: Standin, connect: Connect) -> None:
    assert rows(standin, connect, ("authorised", "525.00")) == []


def test_the_overlap_reaches_back_to_refunds_of_old_payments(connect: Connect) -> None:
    assert connect("tabby").overlap == timedelta(days=90)


def test_payments_are_asked_for_since_the_day_the_window_began(standin: Standin, connect: Connect) -> None:
    rows_of(connect("tabby"), Window(NOON, AS_OF))
    assert {request.query["created_at__gte"] for request in standin.requests} == {"2026-07-01"}


@pytest.mark.parametrize("change", ["arrives", "leaves"])
def test_a_payment_that_comes_or_goes_while_paging_hides_no_other(
    standin: Standin, connect: Connect, change: str
) -> None:
    connector = connect("tabby", page_limit=2)
    before = {row["payment_id"]: row for row in rows_of(connector)["payments"]}
    newcomer = order_with(("captured", "1.00"))
    newest = max(
        (order for order in standin.company.orders_in("AE") if "tabby" in {m.provider for m in order.money}),
        key=lambda o: o.created,
    )

    def move(company: Company) -> None:
        company.orders.append(newcomer) if change == "arrives" else company.orders.remove(newest)

    standin.plan(Fault("world_changes", "tabby.payments", change=move))
    during = {row["payment_id"]: row for row in rows_of(connector)["payments"]}
    gone = {f"00000000-0000-4000-8000-{money.number:012d}" for money in newest.money} if change == "leaves" else set()
    assert {key: row for key, row in before.items() if key not in gone}.items() <= during.items()


def test_an_amount_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_minor_units(body: dict[str, list[dict[str, list[dict[str, object]]]]]) -> object:
        for payment in body["payments"]:
            for capture in payment["captures"] or ():
                capture["amount"] = 52500
        return body

    standin.plan(Fault("drift", "tabby.payments", times=100, change=as_minor_units))
    with pytest.raises(SchemaDrift, match=r"payments\.captures and refunds\.amount"):
        rows_of(connect("tabby"))


def test_test_payments_are_passed_over(standin: Standin, connect: Connect) -> None:
    def as_tests(body: dict[str, list[dict[str, object]]]) -> object:
        for payment in body["payments"]:
            payment["is_test"] = True
        return body

    standin.plan(Fault("drift", "tabby.payments", times=100, change=as_tests))
    payments, movements = connect("tabby").pull(EVERYTHING)
    assert list(movements.rows) == []
    assert payments.passed_over["test payment"] > 2


def test_what_tabby_calls_optional_may_be_missing_or_of_another_type(standin: Standin, connect: Connect) -> None:
    def strip(body: dict[str, list[dict[str, Any]]]) -> object:
        for payment in body["payments"]:
            payment["buyer"] = None
            payment["order"] = None
            payment.pop("refunds")
            for capture in payment["captures"] or ():
                capture.pop("tax_amount")
        return body

    standin.plan(Fault("drift", "tabby.payments", times=100, change=strip))
    (row,) = rows(standin, connect, ("captured", "525.00"))
    assert (row["amount"], row["order_id"], row["phone"], row["tax"]) == ("525.00", None, None, None)


def test_one_odd_capture_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, list[dict[str, Any]]]) -> object:
        body["payments"][0]["captures"][0]["created_at"] = "now"
        return body

    standin.plan(Fault("drift", "tabby.payments", times=100, change=harm))
    moved = rows(standin, connect, ("captured", "300.00"), ("captured", "225.00"))
    assert {(row["amount"], row["currency"], bool(row.get("unread"))) for row in moved} == {
        ("300.00", "AED", True),
        ("225.00", "AED", False),
    }


def test_answers_keep_to_the_harvested_spec(standin: Standin, connect: Connect) -> None:
    spec = shared_yaml("gcc/tabby-api-openapi.yml")
    rows_of(connect("tabby"))
    _, answer = standin.systems["tabby"].find(standin.requests[0])
    for payment in answer().body["payments"]:
        assert violations(spec, "PaymentResponse", payment) == []
