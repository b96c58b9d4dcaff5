"""Tamara: looked up by the shop's orders, captured is money, and an unknown reference is no error."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row
from reconciliation_assets.sources.errors import Misconfigured, RequestRefused, SchemaDrift
from reconciliation_assets_tests.sources.conftest import EVERYTHING, Connect, rows_of
from reconciliation_assets_tests.sources.openapi import schema_violations
from reconciliation_assets_tests.sources.shared_bodies import shared_json
from reconciliation_assets_tests.standin.company import Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PERSON = Person("Invented", "Somebody", "somebody@example.com", "+966500000001", "SA")


def an_order(number: int, method: str, *money: tuple[str, str]) -> Order:
    moved = [
        Money(n + 1, kind, Decimal(amount), NOON + timedelta(hours=n), "tamara")
        for n, (kind, amount) in enumerate(money)
    ]
    amounts = Decimal("500.00"), Decimal("0.00"), Decimal("25.00"), Decimal("0.00")
    return Order(number, NOON, NOON, PERSON, "delivered", *amounts, method, money=moved)


def rows(standin: Standin, connect: Connect, *orders: Order) -> dict[str | None, Row]:
    standin.company.orders[:] = orders
    return {row.get("kind"): row for row in rows_of(connect("tamara"))["payments"]}


def test_a_capture_becomes_a_payment(standin: Standin, connect: Connect) -> None:
    assert rows(standin, connect, an_order(1001, "card", ("captured", "525.50")))["payment"] == {
        "payment_id": "00000000-0000-4000-9000-000000000001",
        "market": "SA",
        "kind": "payment",
        "status": "settled",
        "paid_at": "2026-07-01T12:00:00+00:00",
        "amount": "525.5",
        "currency": "SAR",
        "tax": "25",
        "order_id": "1001",
        "reference": "00000000-0000-4000-9000-000000991001",
        "email": "somebody@example.com",
        "phone": "+966500000001",
        "payer_name": "Invented Somebody",
        "method": "tamara",
        "updated_at": "2026-07-01T12:00:00+00:00",
    }


def test_a_refund_becomes_a_refund(standin: Standin, connect: Connect) -> None:
    refund = rows(standin, connect, an_order(1001, "card", ("captured", "525.50"), ("refunded", "100.25")))["refund"]
    assert (refund["amount"], refund["order_id"], refund["paid_at"]) == ("100.25", "1001", "2026-07-01T13:00:00+00:00")


def test_an_authorised_order_is_no_money(standin: Standin, connect: Connect) -> None:
    assert rows(standin, connect, an_order(1001, "card", ("authorised", "525.50"))) == {}


def test_a_local_phone_number_has_the_market_of_the_order(standin: Standin, connect: Connect) -> None:
    def without_country(body: dict[str, Any]) -> object:
        body.pop("country_code")
        body["consumer"]["phone_number"] = 566027755
        return body

    standin.plan(Fault("drift", "tamara.order", times=99, change=without_country))
    payment = rows(standin, connect, an_order(1001, "card", ("captured", "525.50")))["payment"]
    assert (payment["phone"], payment["market"]) == ("566027755", "SA")


def test_one_odd_capture_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, Any]) -> object:
        body["transactions"]["captures"][0]["created_at"] = None
        return body

    standin.plan(Fault("drift", "tamara.order", times=99, change=harm))
    moved = rows(standin, connect, an_order(1001, "card", ("captured", "525.50"), ("refunded", "100.25")))
    assert {(row["amount"], row.get("unread_column")) for row in moved.values()} == {
        ("525.5", "order.transactions.captures.created_at"),
        ("100.25", None),
    }


def test_the_sandbox_tells_no_money(standin: Standin, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciliation_assets.sources.tamara._SANDBOX", "127.0.0.1")
    assert rows(standin, connect, an_order(1001, "card", ("captured", "525.50"))) == {}
    (batch,) = connect("tamara").pull(EVERYTHING)
    assert batch.passed_over == {"order of Tamara's sandbox": 1}


def test_only_orders_paid_with_tamara_are_looked_up(standin: Standin, connect: Connect) -> None:
    rows(standin, connect, an_order(1001, "card", ("captured", "1.00")), an_order(1002, "cod"))
    assert standin.calls["tamara.order"] == 1


def test_a_reference_tamara_does_not_know_is_passed_over(standin: Standin, connect: Connect) -> None:
    found = rows(standin, connect, an_order(1001, "card", ("captured", "1.00")), an_order(1002, "card"))
    assert set(found) == {"payment"}


def test_knowing_none_of_them_is_told(standin: Standin, connect: Connect) -> None:
    with pytest.raises(RequestRefused, match="knows none of the shop's 2 orders"):
        rows(standin, connect, an_order(1001, "card"), an_order(1002, "card"))


def test_the_shop_has_to_be_in_the_file(connect: Connect) -> None:
    with pytest.raises(Misconfigured, match="orders_from"):
        connect("tamara", orders_from="nowhere")


def test_an_amount_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_text(body: dict[str, dict[str, list[dict[str, dict[str, object]]]]]) -> object:
        for capture in body["transactions"]["captures"]:
            capture["total_amount"]["amount"] = "525.50"
        return body

    standin.plan(Fault("drift", "tamara.order", times=99, change=as_text))
    orders = [an_order(number, "card", ("captured", f"{number}.50")) for number in (1001, 1002)]
    with pytest.raises(SchemaDrift, match=r"order\.transactions\.captures\.total_amount\.amount"):
        rows(standin, connect, *orders)


def test_answers_keep_to_the_harvested_schema(standin: Standin, connect: Connect) -> None:
    schema = shared_json("gcc/tamara-order-schema.json")
    rows(standin, connect, an_order(1001, "card", ("captured", "525.50")))
    answer = standin.systems["tamara"].find(next(r for r in standin.requests if "reference-id" in r.path))[1]()
    assert schema_violations(schema, answer.body) == []
