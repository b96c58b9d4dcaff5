"""Tap: only what is captured is money, in major units, and a refund finds its order through its charge."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import RequestRefused, SchemaDrift
from reconciliation_assets.sources.http import HttpResponse
from reconciliation_assets_tests.sources.conftest import EVERYTHING, Connect, rows_of
from reconciliation_assets_tests.sources.openapi import violations
from reconciliation_assets_tests.sources.shared_bodies import shared_yaml
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
        "market": "KW",
        "email": "somebody@example.com",
        "phone": "+96560000001",
        "payer_name": "Invented Somebody",
        "method": "KNET",
    }


def test_no_refunds_is_an_answer_and_no_fault(standin: Standin, connect: Connect) -> None:
    assert set(rows(standin, connect, ("captured", "50.125"))) == {"payment"}
    told = [because for batch in connect("tap").pull(EVERYTHING) for because in batch.passed_over]
    assert told == ["Tap answers 400 to the list of refunds, as it does where there are none"]


def test_a_refusal_of_the_charges_is_told_as_one(standin: Standin, connect: Connect) -> None:
    failure = connect("tap")._classify(HttpResponse(400, {}, {"errors": [{"code": "1104"}]}))
    assert failure is not None
    assert isinstance(failure.error, RequestRefused)


def test_test_charges_are_passed_over(standin: Standin, connect: Connect) -> None:
    standin.systems["tap"].live = False
    assert rows(standin, connect, ("captured", "50.125")) == {}
    charges, _ = connect("tap").pull(EVERYTHING)
    assert charges.passed_over == {"test mode": 1}


def test_one_odd_charge_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, list[dict[str, Any]]]) -> object:
        body["charges"][0]["transaction"] = {"created": "today"}
        body["charges"][1]["customer"] = "cus_1"
        return body

    before = rows_of(connect("tap"))["payments"]
    standin.plan(Fault("drift", "tap.charges", times=1, change=harm))
    after = rows_of(connect("tap"))["payments"]
    (odd,) = [row for row in after if row.get("unread")]
    assert odd["unread_column"] == "charges.transaction.created"
    assert (odd["amount"], odd["currency"]) == next(
        (row["amount"], "KWD") for row in before if row["payment_id"] == odd["payment_id"]
    )
    assert len(after) == len(before)


def test_answers_keep_to_the_harvested_spec(standin: Standin, connect: Connect) -> None:
    spec = shared_yaml("gcc/tap-payments-openapi.yml")
    rows_of(connect("tap"))
    for name, schema in (("charges", "Charge"), ("refunds", "Refund")):
        asked = next(request for request in standin.requests if request.path == f"/v2/{name}/list")
        _, answer = standin.systems["tap"].find(asked)
        for record in answer().body[name]:
            assert violations(spec, schema, record) == []


def test_an_authorised_charge_is_not_settled(standin: Standin, connect: Connect) -> None:
    assert rows(standin, connect, ("authorised", "50.125"))["payment"]["status"] == "pending"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("VOID", "failed"),
        ("DECLINED", "failed"),
        ("EXPIRED", "failed"),
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
