"""Salla: local times, split phone numbers, two shapes of tax, and a refresh token that is never used twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.sources.connector import Row, Window
from reconciliation_assets.sources.errors import ExpiredCredentials, MissingPermission, SchemaDrift, SourceUnavailable
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.sources.openapi import violations
from reconciliation_assets_tests.sources.shared_bodies import shared_json, shared_yaml
from reconciliation_assets_tests.standin.company import AS_OF, Ad, Lead, Order, Person
from reconciliation_assets_tests.standin.faults import Fault, FaultKind
from reconciliation_assets_tests.standin.server import Standin

EVENING = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
PERSON = Person("Invented", "Somebody", "somebody@example.com", "+966500000001", "SA")


def one_order(standin: Standin, **known: Any) -> None:
    amounts = Decimal("500.00"), Decimal("50.00"), Decimal("22.50"), Decimal("15.00")
    order = Order(1001, EVENING, EVENING, PERSON, "delivered", *amounts, "cod")
    for field, value in known.items():
        setattr(order, field, value)
    standin.company.orders[:] = [order]


def row_of(connect: Connect, **changed: object) -> Row:
    (row,) = rows_of(connect("salla", **changed))["orders"]
    return row


def test_an_order_becomes_a_row_with_its_time_in_the_stores_zone(standin: Standin, connect: Connect) -> None:
    one_order(standin)
    assert {column: value for column, value in row_of(connect).items() if value is not None} == {
        "order_id": "1001",
        "created_at": "2026-07-01T22:30:00+00:00",
        "updated_at": "2026-07-01T22:30:00+00:00",
        "status": "delivered",
        "gross_value": "487.5",
        "current_value": "487.5",
        "currency": "SAR",
        "customer_id": "9801",
        "medium": "direct",
        "device": "mobile",
        "market": "SA",
        "email": "somebody@example.com",
        "phone": "+966500000001",
        "full_name": "Invented Somebody",
        "payment_method": "cod",
        "tax": "22.5",
        "shipping": "15",
    }


@pytest.mark.parametrize(
    ("told", "device"),
    [
        ({"source": "dashboard"}, None),
        ({"source_details": {"type": "direct", "value": None}, "source_device": "Desktop"}, "desktop"),
        ({"source_details": {"type": "direct", "value": None}, "source_device": None}, None),
    ],
)
def test_the_device_is_the_buyers_and_never_the_merchants(
    standin: Standin, connect: Connect, told: dict[str, object], device: str | None
) -> None:
    one_order(standin)

    def change(body: dict[str, Any]) -> object:
        return {**body, "data": [{**order, **told} for order in body["data"]]}

    standin.plan(Fault("drift", "salla.orders", times=99, change=change))
    assert row_of(connect)["device"] == device


def test_the_campaign_of_the_link_and_the_time_of_change_are_told(standin: Standin, connect: Connect) -> None:
    ad = Ad("120417936800000001", "2", "3", "GCC | Summer", "1d_click")
    lead = Lead("178414000000001", EVENING, PERSON, ad, "fb", consents=True)
    one_order(standin, lead=lead, updated=EVENING + timedelta(days=3))
    row = row_of(connect)
    assert (row["source"], row["medium"], row["utm_campaign"], row["utm_content"]) == (
        "instagram",
        "paid",
        "GCC | Summer",
        "120417936800000001",
    )
    assert row["updated_at"] == "2026-07-04T22:30:00+00:00"


@pytest.mark.parametrize(
    ("campaign", "told"), [("Summer", "Summer"), ({"source": "fb", "campaign": "Summer"}, "Summer"), ([], None)]
)
def test_a_campaign_beside_the_visit_is_read_too(
    standin: Standin, connect: Connect, campaign: object, told: str | None
) -> None:
    def change(body: dict[str, Any]) -> object:
        return {**body, "data": [{**order, "campaign": campaign} for order in body["data"]]}

    one_order(standin)
    standin.plan(Fault("drift", "salla.orders", times=99, change=change))
    assert row_of(connect)["utm_campaign"] == told


def test_one_odd_order_goes_to_quarantine_with_its_amount(standin: Standin, connect: Connect) -> None:
    def harm(body: dict[str, Any]) -> object:
        body["data"][0]["date"] = {"date": "اليوم", "timezone": "Asia/Riyadh"}
        body["data"][1]["customer"] = "nobody"
        return body

    before = rows_of(connect("salla"))["orders"]
    standin.plan(Fault("drift", "salla.orders", times=1, change=harm))
    after = rows_of(connect("salla"))["orders"]
    (odd,) = [row for row in after if row.get("unread")]
    same = next(row for row in before if row["order_id"] == odd["order_id"])
    assert (odd["gross_value"], odd["currency"]) == (same["gross_value"], "SAR")
    assert len(after) == len(before)


def test_a_status_is_its_slug_and_never_its_name(standin: Standin, connect: Connect) -> None:
    one_order(standin, status="cancelled")
    assert row_of(connect)["status"] == "canceled"


def test_a_short_list_is_completed_order_by_order(standin: Standin, connect: Connect) -> None:
    whole = rows_of(connect("salla"))
    standin.systems["salla"].lists_are_short = True
    assert rows_of(connect("salla")) == whole


def test_short_lists_get_over_faults_too(standin: Standin, connect: Connect) -> None:
    connector = connect("salla")
    whole = rows_of(connector)
    standin.systems["salla"].lists_are_short = True
    kinds: tuple[FaultKind, ...] = ("rate_limited", "cut_body", "wrong_json", "expired_token")
    for kind in kinds:
        standin.plan(Fault(kind, "salla.order", nth=2))
        assert rows_of(connector) == whole


def test_a_harvested_order_is_read(standin: Standin, connect: Connect) -> None:
    real = shared_json("gcc/salla-create-order-example.json")["data"]

    def put(body: dict[str, Any]) -> object:
        return {**body, "data": [real], "pagination": {**body["pagination"], "total": 1, "totalPages": 1}}

    standin.plan(Fault("drift", "salla.orders", times=99, change=put))
    row = row_of(connect)
    assert (row["order_id"], row["created_at"]) == (str(real["reference_id"]), "2026-05-24T09:42:11+00:00")
    assert row["phone"] == f"+{real['customer']['mobile_code']}{real['customer']['mobile']}"
    assert row["tax"] == str(real["amounts"]["tax"]["amount"])


def test_answers_keep_to_the_harvested_spec_but_for_what_sallas_own_pages_show_otherwise(
    standin: Standin, connect: Connect
) -> None:
    spec = shared_yaml("gcc/salla-orders-api-openapi.yml")
    rows_of(connect("salla"))
    asked = next(request for request in standin.requests if request.path == "/orders")
    known = {parameter["name"] for parameter in spec["paths"]["/orders"]["get"]["parameters"]}
    assert set(asked.query) - known == {"expanded"}
    _, answer = standin.systems["salla"].find(asked)
    for order in answer().body["data"]:
        # By Salla's pages a phone number is a whole number, the tax has a percentage, and discounts are a list.
        plain = {**order, "amounts": {k: v for k, v in order["amounts"].items() if k not in {"tax", "discounts"}}}
        plain["customer"] = {**order["customer"], "mobile": str(order["customer"]["mobile"])}
        assert violations(spec, "Order", plain) == []


def test_the_refresh_token_rotates_and_outlives_the_process(standin: Standin, connect: Connect) -> None:
    rows_of(connect("salla"))
    standin.plan(Fault("expired_token", "salla.orders"))
    rows_of(connect("salla"))
    assert standin.systems["salla"].generation == 2
    standin.plan()
    rows_of(connect("salla"))
    assert standin.calls["salla.grant_token"] == 0


def test_of_two_connectors_with_the_same_refused_token_only_one_renews(standin: Standin, connect: Connect) -> None:
    first, second = connect("salla"), connect("salla")
    rows_of(first)
    with first._store() as one, second._store() as other:
        one.get("orders", {"per_page": 1})
        other.get("orders", {"per_page": 1})
        standin.plan(Fault("expired_token", "salla.orders", times=1))
        one.get("orders", {"per_page": 1})
        other.get("orders", {"per_page": 1})
    assert standin.systems["salla"].generation == 2
    assert not standin.systems["salla"].revoked


@pytest.mark.parametrize("kind", ["server_error", "slow", "cut_body", "wrong_json"])
def test_a_grant_is_never_asked_for_twice(standin: Standin, connect: Connect, kind: FaultKind) -> None:
    standin.plan(Fault(kind, "salla.grant_token", times=99))
    with pytest.raises(SourceUnavailable):
        rows_of(connect("salla"))
    assert standin.calls["salla.grant_token"] == 1


def test_a_used_refresh_token_says_that_the_app_must_be_installed_again(standin: Standin, connect: Connect) -> None:
    standin.systems["salla"].generation = 7
    with pytest.raises(ExpiredCredentials, match="install the app again"):
        rows_of(connect("salla"))


def test_a_new_installation_starts_a_new_chain(
    standin: Standin, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_of(connect("salla"))
    monkeypatch.setenv("SALLA_REFRESH_TOKEN", f"refresh-1-{'standin-secret-token'}")
    rows_of(connect("salla"))
    assert standin.systems["salla"].generation == 2


def test_missing_scopes_are_named_and_no_reason_to_renew(standin: Standin, connect: Connect) -> None:
    rows_of(connect("salla"))
    standin.plan(Fault("missing_permission", "salla.orders"))
    with pytest.raises(MissingPermission, match=r"orders\.read"):
        rows_of(connect("salla"))
    assert standin.calls["salla.grant_token"] == 0


def test_orders_are_asked_for_since_the_window_began(standin: Standin, connect: Connect) -> None:
    orders = standin.company.orders_in("SA")
    since = sorted(order.created for order in orders)[6]
    rows = rows_of(connect("salla"), Window(since, AS_OF))["orders"]
    pulled = {row["order_id"] for row in rows}
    assert {str(order.number) for order in orders if order.created >= since} <= pulled
    assert not {str(order.number) for order in orders if order.created < since - timedelta(days=2)} & pulled


def test_an_order_that_leaves_while_paging_hides_no_other(standin: Standin, connect: Connect) -> None:
    before = {row["order_id"]: row for row in rows_of(connect("salla"))["orders"]}
    newest = max(standin.company.orders_in("SA"), key=lambda order: order.created)
    standin.plan(Fault("world_changes", "salla.orders", change=lambda company: company.orders.remove(newest)))
    during = {row["order_id"]: row for row in rows_of(connect("salla"))["orders"]}
    assert {key: row for key, row in before.items() if key != str(newest.number)}.items() <= during.items()


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", {"name": "x"}), ("date", {"date": "اليوم", "timezone": "Asia/Riyadh"}), ("amounts", {})],
)
def test_a_field_that_vanishes_or_changes_is_named(
    standin: Standin, connect: Connect, field: str, value: object
) -> None:
    def change(body: dict[str, list[dict[str, object]]]) -> object:
        for order in body["data"]:
            order[field] = value
        return body

    standin.plan(Fault("drift", "salla.orders", times=99, change=change))
    with pytest.raises(SchemaDrift, match=rf"orders\.{field}"):
        rows_of(connect("salla"))
