"""Stripe: what moved on the balance, in which unit, for which order, and which payout carried it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import MissingPermission, SchemaDrift
from reconciliation_assets.sources.money import from_minor
from reconciliation_assets.sources.stripe import KINDS, MOVED_ON
from reconciliation_assets_tests.sources.conftest import EVERYTHING, Connect, rows_of
from reconciliation_assets_tests.sources.shared_bodies import recorded, shared_json, unlike
from reconciliation_assets_tests.standin.company import Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.system import TOKEN

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
    return sorted(rows, key=lambda row: (str(row["payment_id"]), str(row.get("updated_at"))))


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
        "market": "AE",
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


def test_money_that_comes_back_is_no_new_money(standin: Standin, connect: Connect) -> None:
    one_order(standin, "captured", "disputed", "won", "refunded", "refund failed")
    moved = {(row["kind"], row["amount"], row["fee"], row["order_id"]) for row in versions_of(connect)}
    assert moved == {
        ("payment", "500.00", "14.50", "1001"),
        ("chargeback", "500.00", "15.00", "1001"),
        ("chargeback_reversal", "500.00", "-15.00", "1001"),
        ("refund", "120.50", "0.00", "1001"),
        ("refund_reversal", "500.00", "0.00", "1001"),
    }


def beside(standin: Standin, category: str, amount: int, fee: int = 0, **known: Any) -> None:
    moved = {"id": f"txn_{category}", "amount": amount, "fee": fee, "net": amount - fee, "currency": "aed"}
    made = {"created": int(NOON.timestamp()), "reporting_category": category, "source": None}
    standin.systems["stripe"].beside.append({**moved, **made, **known})


@pytest.mark.parametrize(
    ("category", "minor", "kind", "amount"),
    [
        ("fee", -300, "fee", "3.00"),
        ("fee", 300, "fee", "-3.00"),
        ("network_cost", -125, "fee", "1.25"),
        ("tax", -15, "fee", "0.15"),
        ("other_adjustment", 950, "fee", "-9.50"),
        ("refund", 4000, "refund_reversal", "40.00"),
        ("refund_failure", -4000, "refund", "40.00"),
        ("dispute", 4000, "chargeback_reversal", "40.00"),
        ("charge_failure", -4000, "refund", "40.00"),
        ("partial_capture_reversal", -4000, "refund", "40.00"),
    ],
)
def test_the_sign_is_the_movements_own(
    standin: Standin, connect: Connect, category: str, minor: int, kind: str, amount: str
) -> None:
    standin.company.orders.clear()
    beside(standin, category, minor)
    (row,) = versions_of(connect)
    assert (row["kind"], row["amount"]) == (kind, amount)


def test_a_category_that_is_not_known_is_told_with_its_amount(standin: Standin, connect: Connect) -> None:
    beside(standin, "stablecoin_yield", 7700)
    (odd,) = [row for row in versions_of(connect) if row.get("unread")]
    assert (odd["unread_column"], odd["amount"], odd["currency"]) == (
        "balance transaction.reporting_category",
        "77.00",
        "AED",
    )


def test_one_odd_movement_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    beside(standin, "charge", 7700, fee=200, net=7700)
    beside(standin, "tax", 5, reporting_category=7)
    odd = {(row["unread_column"], row["amount"]) for row in versions_of(connect) if row.get("unread")}
    assert odd == {("balance transaction.net", "77.00"), ("balance transaction.reporting_category", "0.05")}


def test_no_category_is_both_money_of_customers_and_the_companys_own() -> None:
    assert not MOVED_ON & set(KINDS)


def test_what_a_customer_paid_in_another_currency_stands_beside_what_settled(
    standin: Standin, connect: Connect
) -> None:
    def in_riyal(body: dict[str, list[dict[str, Any]]]) -> object:
        for moved in body["data"]:
            moved["source"].update(currency="sar", amount=moved["source"]["amount"] + 1000)
        return body

    one_order(standin, "captured", "refunded")
    standin.plan(Fault("drift", "stripe.balance_transactions", times=100, change=in_riyal))
    moved = {
        (r["kind"], r["amount"], r["currency"], r["order_amount"], r["order_currency"]) for r in versions_of(connect)
    }
    assert moved == {("payment", "500.00", "AED", "510.00", "SAR"), ("refund", "120.50", "AED", "130.50", "SAR")}


def test_a_failed_payout_frees_what_it_carried_and_the_next_one_carries_it(standin: Standin, connect: Connect) -> None:
    one_order(standin, "captured")
    standin.systems["stripe"].failed_payouts = ("po_0703",)
    versions = [(row["settlement_id"], row["updated_at"]) for row in versions_of(connect)]
    assert versions == [
        (None, "2026-07-01T12:00:00+00:00"),
        (None, "2026-07-03T02:00:01+00:00"),
        ("po_0706", "2026-07-06T02:00:00+00:00"),
    ]


def test_a_payout_that_fails_days_later_still_frees_what_it_carried(standin: Standin, connect: Connect) -> None:
    one_order(standin, "captured")
    standin.systems["stripe"].failed_payouts = ("po_0703",)
    days_later = Window(NOON + timedelta(days=4), NOON + timedelta(days=4, hours=1))
    assert {row["settlement_id"] for row in rows_of(connect("stripe"), days_later)["payments"]} >= {None}


def test_test_mode_moves_no_money(standin: Standin, connect: Connect) -> None:
    def in_test_mode(body: dict[str, list[dict[str, Any]]]) -> object:
        for moved in body["data"]:
            moved["source"]["livemode"] = False
        return body

    one_order(standin, "captured")
    standin.plan(Fault("drift", "stripe.balance_transactions", times=100, change=in_test_mode))
    batches = list(connect("stripe").pull(EVERYTHING))
    assert not any(batch.rows for batch in batches)
    assert dict(batches[0].passed_over)["test mode"] >= 1


def test_a_test_key_reads_nothing_that_counts(
    standin: Standin, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciliation_assets.sources.http_connector.TEST_KEYS", TOKEN)
    assert not any(batch.rows for batch in connect("stripe").pull(EVERYTHING))
    (finding,) = connect("stripe").probe().findings
    assert "test mode" in finding


def test_recorded_movements_are_read(standin: Standin, connect: Connect) -> None:
    sources = {record["id"]: record for kind in ("charges", "payouts") for record in recorded("stripe", kind)}
    (dispute,) = recorded("stripe", "disputes")
    listed = [
        *(
            moved | {"source": {**sources[moved["source"]], "livemode": True}}
            for moved in recorded("stripe", "balance_transactions")
        ),
        *(moved | {"source": {**dispute, "livemode": True}} for moved in dispute["balance_transactions"]),
    ]
    standin.plan(
        Fault("drift", "stripe.balance_transactions", times=9, change=lambda _: {"data": listed, "has_more": False}),
        Fault(
            "drift",
            "stripe.payouts",
            times=9,
            change=lambda _: {"data": recorded("stripe", "payouts"), "has_more": False},
        ),
        Fault("drift", "stripe.charge", times=9, change=lambda _: recorded("stripe", "charges")[0]),
    )
    one_order(standin, "captured")
    standin.company.orders[0].number = dispute["charge"].removeprefix("ch_")
    assert {(row["kind"], row["amount"], row["fee"]) for row in versions_of(connect)} == {
        ("payment", "53.00", "1.84"),
        ("payment", "42.00", "1.52"),
        ("chargeback", "7.00", "15.00"),
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
        (1000, "tnd", "1.000"),
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


def live(resources: dict[str, Any]) -> dict[str, Any]:
    """The fixtures as they are outside Stripe's test mode."""
    return {name: {**body, "livemode": True} if "livemode" in body else body for name, body in resources.items()}


def test_the_official_fixtures_are_read(standin: Standin, connect: Connect) -> None:
    fixtures: dict[str, Any] = live(shared_json("stripe/fixtures3.json")["resources"])
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


def test_the_stand_in_answers_as_the_official_fixtures_do(standin: Standin, connect: Connect) -> None:
    fixtures: dict[str, Any] = shared_json("stripe/fixtures3.json")["resources"]
    one_order(standin, "captured", "refunded", "disputed")
    rows_of(connect("stripe"))
    told: list[dict[str, Any]] = []
    for request in standin.requests:
        _, answer = standin.systems["stripe"].find(request)
        told += answer().body.get("data", [])
    kinds = {record["object"] for record in told} | {
        record["source"]["object"] for record in told if "source" in record
    }
    assert kinds == {"balance_transaction", "payout", "charge", "refund", "dispute"}
    for record in told:
        source = record.get("source")
        assert unlike(fixtures[record["object"]], {**record, **({"source": source["id"]} if source else {})}) == []
        if source:
            # What a shop writes into the metadata of a charge is its own.
            assert unlike(fixtures[source["object"]], {**source, "metadata": {}}) == []


@pytest.mark.parametrize("resource", ["refund", "dispute"])
def test_official_refunds_and_disputes_name_their_charge(standin: Standin, connect: Connect, resource: str) -> None:
    fixtures: dict[str, Any] = live(shared_json("stripe/fixtures3.json")["resources"])
    category = {"refund": "refund", "dispute": "dispute"}[resource]
    out = {"amount": -100, "net": -100, "source": fixtures[resource], "reporting_category": category}
    moved = fixtures["balance_transaction"] | out
    body = {"object": "list", "url": "/v1/balance_transactions", "has_more": False, "data": [moved]}
    standin.plan(Fault("drift", "stripe.balance_transactions", times=100, change=lambda _: body))
    one_order(standin, "captured")
    standin.company.orders[0].number = fixtures[resource]["charge"].removeprefix("ch_")
    assert {row["kind"] for row in versions_of(connect)} == {"refund" if resource == "refund" else "chargeback"}
