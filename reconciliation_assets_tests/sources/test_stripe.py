"""Stripe: what moved on the balance, in which unit, for which order, and which payout carried it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import MissingPermission, SchemaDrift
from reconciliation_assets.sources.money import from_minor
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.sources.shared_bodies import shared_json
from reconciliation_assets_tests.standin.company import Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def one_order(standin: Standin, *kinds: str) -> None:
    person = Person("Invented", "Somebody", "somebody@example.com", "+971500000001", "AE")
    money = [
        Money(
            n + 1,
            kind,
            Decimal("120.50") if kind == "refunded" else Decimal("500.00"),
            NOON + timedelta(hours=n),
            "stripe",
        )
        for n, kind in enumerate(kinds)
    ]
    zero = Decimal("0.00")
    order = Order(1001, NOON, NOON, person, "delivered", Decimal("500.00"), zero, zero, zero, "card", money=money)
    standin.company.orders[:] = [order]


def versions_of(connect: Connect, **changed: object) -> list[Row]:
    rows = rows_of(connect("stripe", **changed))["payments"]
    return sorted(rows, key=lambda row: (str(row["payment_id"]), str(row["updated_at"])))


def test_a_captured_charge_becomes_a_payment(standin: Standin, connect: Connect) -> None:
    one_order(standin, "captured")
    first, paid_out = versions_of(connect)
    assert {column: value for column, value in first.items() if value is not None} == {
        "payment_id": "txn_1",
        "kind": "payment",
        "status": "settled",
        "paid_at": "2026-07-01T12:00:00+00:00",
        "amount": "500.00",
        "currency": "AED",
        "fee": "14.50",
        "updated_at": "2026-07-01T12:00:00+00:00",
        "order_id": "1001",
        "reference": "pi_1001",
        "email": "somebody@example.com",
        "payer_name": "Invented Somebody",
        "method": "card",
    }
    assert paid_out == {**first, "settlement_id": "po_0703", "updated_at": "2026-07-03T02:00:00+00:00"}


def test_an_authorisation_is_no_money(standin: Standin, connect: Connect) -> None:
    one_order(standin, "authorised")
    assert versions_of(connect) == []


def test_refunds_and_disputes_find_their_order_through_the_charge(standin: Standin, connect: Connect) -> None:
    one_order(standin, "captured", "refunded", "disputed")
    moved = {(row["kind"], row["amount"], row["fee"], row["order_id"]) for row in versions_of(connect)}
    assert moved == {
        ("payment", "500.00", "14.50", "1001"),
        ("refund", "120.50", "0.00", "1001"),
        ("chargeback", "500.00", "15.00", "1001"),
    }


def test_a_payout_is_no_income(connect: Connect) -> None:
    assert not [row for row in versions_of(connect) if str(row["payment_id"]).startswith("txn_po")]


def test_a_refund_after_the_window_began_still_finds_an_older_charge(standin: Standin, connect: Connect) -> None:
    one_order(standin, "captured", "refunded")
    rows = rows_of(connect("stripe"), Window(NOON + timedelta(minutes=30), NOON + timedelta(hours=2)))["payments"]
    assert {(row["kind"], row["order_id"]) for row in rows if row["settlement_id"] is None} == {("refund", "1001")}


@pytest.mark.parametrize(
    ("amount", "currency", "major"),
    [
        (1999, "aed", "19.99"),
        (1999, "sar", "19.99"),
        (1230, "kwd", "1.230"),
        (1230, "BHD", "1.230"),
        (5, "omr", "0.005"),
        (700, "jpy", "700"),
    ],
)
def test_minor_units_differ_by_currency(amount: int, currency: str, major: str) -> None:
    assert str(from_minor(amount, currency)) == major


def test_a_restricted_key_without_a_permission_is_told(standin: Standin, connect: Connect) -> None:
    standin.plan(Fault("missing_permission", "stripe.payouts"))
    with pytest.raises(MissingPermission, match="restricted key"):
        rows_of(connect("stripe"))


def test_a_field_that_changes_its_type_is_named(standin: Standin, connect: Connect) -> None:
    def as_decimal(body: dict[str, list[dict[str, object]]]) -> object:
        for record in body["data"]:
            record["amount"] = "500.00"
        return body

    standin.plan(Fault("drift", "stripe.balance_transactions", times=100, change=as_decimal))
    with pytest.raises(SchemaDrift, match=r"balance transaction\.amount"):
        rows_of(connect("stripe"))


def test_the_official_fixtures_are_read(standin: Standin, connect: Connect) -> None:
    fixtures: dict[str, Any] = shared_json("stripe/fixtures3.json")["resources"]
    moved = fixtures["balance_transaction"] | {"source": fixtures["charge"]}
    body = {"object": "list", "url": "/v1/balance_transactions", "has_more": False, "data": [moved]}
    payouts = body | {"url": "/v1/payouts", "data": [fixtures["payout"]]}
    standin.plan(
        Fault("drift", "stripe.balance_transactions", times=100, change=lambda _: body),
        Fault("drift", "stripe.payouts", times=100, change=lambda _: payouts),
    )
    rows = versions_of(connect)
    assert {(row["amount"], row["currency"], row["payer_name"]) for row in rows} == {("1.00", "USD", "Jenny Rosen")}
    assert fixtures["payout"]["id"] in {row["settlement_id"] for row in rows}


@pytest.mark.parametrize("resource", ["refund", "dispute"])
def test_official_refunds_and_disputes_name_their_charge(standin: Standin, connect: Connect, resource: str) -> None:
    fixtures: dict[str, Any] = shared_json("stripe/fixtures3.json")["resources"]
    category = {"refund": "refund", "dispute": "dispute"}[resource]
    moved = fixtures["balance_transaction"] | {"source": fixtures[resource], "reporting_category": category}
    body = {"object": "list", "url": "/v1/balance_transactions", "has_more": False, "data": [moved]}
    standin.plan(Fault("drift", "stripe.balance_transactions", times=100, change=lambda _: body))
    one_order(standin, "captured")
    standin.company.orders[0].number = fixtures[resource]["charge"].removeprefix("ch_")
    assert {row["kind"] for row in versions_of(connect)} == {"refund" if resource == "refund" else "chargeback"}
