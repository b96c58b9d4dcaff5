"""Tap: only what is captured is money, in major units, and a refund finds its order through its charge."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import SchemaDrift
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.standin.company import Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def rows(standin: Standin, connect: Connect, *money: tuple[str, str]) -> dict[str | None, Row]:
    person = Person("Invented", "Somebody", "somebody@example.com", "+96560000001", "KW")
    moved = [
        Money(n + 1, kind, Decimal(amount), NOON + timedelta(hours=n), "tap") for n, (kind, amount) in enumerate(money)
    ]
    amounts = Decimal("50.000"), Decimal("0.000"), Decimal("0.000"), Decimal("0.000")
    standin.company.orders[:] = [Order(1001, NOON, NOON, person, "delivered", *amounts, "card", money=moved)]
    return {row["kind"]: row for row in rows_of(connect("tap"))["payments"]}


def test_a_captured_charge_becomes_a_payment_of_three_decimals(standin: Standin, connect: Connect) -> None:
    assert rows(standin, connect, ("captured", "50.125"))["payment"] == {
        "payment_id": "chg_TS1001",
        "kind": "payment",
        "status": "settled",
        "paid_at": "2026-07-01T12:00:00+00:00",
        "amount": "50.125",
        "currency": "KWD",
        "updated_at": "2026-07-01T12:00:00+00:00",
        "order_id": "1001",
        "customer_id": "cus_somebody",
        "reference": "chg_TS1001",
        "email": "somebody@example.com",
        "phone": "+96560000001",
        "payer_name": "Invented Somebody",
        "method": "KNET",
    }


def test_an_authorised_charge_is_not_settled(standin: Standin, connect: Connect) -> None:
    assert rows(standin, connect, ("authorised", "50.125"))["payment"]["status"] == "pending"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("VOID", "failed"),
        ("DECLINED", "failed"),
        ("INITIATED", "pending"),
        ("CAPTURED", "settled"),
        ("NEW_WORD", "new_word"),
    ],
)
def test_every_status_is_sorted_and_a_new_one_is_not_guessed(
    standin: Standin, connect: Connect, told: str, status: str
) -> None:
    def say(body: dict[str, list[dict[str, object]]]) -> object:
        for charge in body["charges"]:
            charge["status"] = told
        return body

    standin.plan(Fault("drift", "tap.charges", times=100, change=say))
    assert rows(standin, connect, ("captured", "50.125"))["payment"]["status"] == status


def test_a_refund_finds_its_order_through_a_charge_before_the_window(standin: Standin, connect: Connect) -> None:
    rows(standin, connect, ("captured", "50.125"), ("refunded", "10.500"))
    window = Window(NOON + timedelta(minutes=30), NOON + timedelta(days=1))
    (refund,) = rows_of(connect("tap"), window)["payments"]
    assert (refund["kind"], refund["amount"], refund["order_id"]) == ("refund", "10.5", "1001")


def test_where_the_order_is_named_is_a_setting(standin: Standin, connect: Connect) -> None:
    rows(standin, connect, ("captured", "50.125"))
    (row,) = rows_of(connect("tap", order_id_from="reference.transaction"))["payments"]
    assert row["order_id"] == "txn_1001"


def test_an_amount_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_text(body: dict[str, list[dict[str, object]]]) -> object:
        for charge in body["charges"]:
            charge["amount"] = "50125"
        return body

    standin.plan(Fault("drift", "tap.charges", times=100, change=as_text))
    with pytest.raises(SchemaDrift, match=r"charges\.amount"):
        rows_of(connect("tap"))
