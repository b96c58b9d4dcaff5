"""What real systems send, all the way to the bridge: money that came back, that was never cash, that settled in another currency."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import CAMPAIGN
from reconciliation_assets_tests.sources.conftest import Connect, rows_of
from reconciliation_assets_tests.standin.company import AS_OF, Money, Order, Person
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PERSON = Person("Invented", "Somebody", "somebody@example.com", "+971500000001", "AE")


def an_order(*money: tuple[str, str, str], returned: str = "0") -> Order:
    """A delivered order of 500.00 with its money: kind, amount, provider."""
    moved = [
        Money(n + 1, kind, Decimal(amount), NOON + timedelta(hours=n), provider)
        for n, (kind, amount, provider) in enumerate(money)
    ]
    zero = Decimal("0.00")
    return Order(
        1001, NOON, NOON, PERSON, "delivered", Decimal("500.00"), zero, zero, zero, "card", money=moved,
        delivered=NOON + timedelta(hours=3), returned=Decimal(returned),
    )  # fmt: skip


def built_of(build: Build, connect: Connect, *sources: str, **settings: Any) -> Built:
    """The chain over what the sources deliver."""
    company: dict[str, list[Any]] = {}
    for source in sources:
        for table, rows in rows_of(connect(source, **settings.get(source, {}))).items():
            company.setdefault(table, []).extend(rows)
    for order in company["orders"]:
        order["campaign_id"] = CAMPAIGN
    return build(company, as_of=AS_OF)


def lines_of(built: Built) -> dict[str, Decimal]:
    lines: dict[str, Decimal] = {}
    for entry in built.rows("bridge_entries"):
        lines[entry["line"]] = lines.get(entry["line"], Decimal(0)) + entry["amount"]
    return {line: amount for line, amount in lines.items() if amount}


def told(built: Built) -> set[str]:
    return {row["kind"] for row in built.rows("exceptions")}


def test_a_dispute_that_was_won_leaves_no_trace_but_its_payment(
    standin: Standin, connect: Connect, build: Build
) -> None:
    standin.company.orders[:] = [
        an_order(("captured", "500.00", "stripe"), ("disputed", "500.00", "stripe"), ("won", "500.00", "stripe"))
    ]
    built = built_of(build, connect, "shopify", "stripe")
    assert built.one("matched_chain")["collected_value"] == 500
    assert lines_of(built) == {}
    assert "overpaid_order" not in told(built)


def test_a_refund_that_failed_is_no_second_payment(standin: Standin, connect: Connect, build: Build) -> None:
    standin.company.orders[:] = [
        an_order(
            ("captured", "500.00", "stripe"), ("refunded", "500.00", "stripe"), ("refund failed", "500.00", "stripe")
        )
    ]
    built = built_of(build, connect, "shopify", "stripe")
    assert built.one("matched_chain")["collected_value"] == 500
    assert lines_of(built) == {}
    assert "overpaid_order" not in told(built)


def test_a_gift_card_closes_its_part_without_being_cash(standin: Standin, connect: Connect, build: Build) -> None:
    standin.company.orders[:] = [an_order(("captured", "450.00", "stripe"), ("credited", "50.00", "gift_card"))]
    built = built_of(build, connect, "shopify", "stripe")
    assert built.one("matched_chain")["collected_value"] == 450
    assert lines_of(built) == {"value_and_basis": Decimal(-50)}


def test_goods_sent_back_before_they_were_paid_are_returned_and_not_owed(
    standin: Standin, connect: Connect, build: Build
) -> None:
    order = an_order(("captured", "398.75", "stripe"), returned="100.00")
    standin.company.orders[:] = [order]

    def as_shopify_tells(body: dict[str, Any]) -> object:
        for node in body["data"].get("orders", {"nodes": []})["nodes"]:
            node["currentTotalPriceSet"] = {"shopMoney": {"amount": "398.75"}}
        return body

    standin.plan(Fault("drift", "shopify.graphql", times=99, change=as_shopify_tells))
    built = built_of(build, connect, "shopify", "stripe")
    assert built.one("matched_chain")["collected_value"] == Decimal("398.75")
    assert lines_of(built) == {"returned_refunded_failed": Decimal("-101.25")}


def test_an_edited_order_leaves_no_debt(standin: Standin, connect: Connect, build: Build) -> None:
    standin.company.orders[:] = [an_order(("captured", "300.00", "stripe"))]

    def edited(body: dict[str, Any]) -> object:
        for node in body["data"].get("orders", {"nodes": []})["nodes"]:
            node["currentTotalPriceSet"] = {"shopMoney": {"amount": "300.00"}}
        return body

    standin.plan(Fault("drift", "shopify.graphql", times=99, change=edited))
    built = built_of(build, connect, "shopify", "stripe")
    assert lines_of(built) == {"value_and_basis": Decimal(-200)}


def test_an_order_in_one_currency_settled_in_another_closes(standin: Standin, connect: Connect, build: Build) -> None:
    def in_riyal(body: dict[str, Any]) -> object:
        for node in body["data"]["orders"]["nodes"]:
            node["currencyCode"] = "SAR"
        return body

    def in_dirham(body: dict[str, Any]) -> object:
        for moved in body["data"]:
            moved["source"] = {**moved["source"], "currency": "sar", "amount": 50000}
            moved.update(amount=48000, net=48000 - moved["fee"])
        return body

    standin.company.orders[:] = [an_order(("captured", "500.00", "stripe"))]
    standin.plan(
        Fault("drift", "shopify.graphql", times=99, change=in_riyal),
        Fault("drift", "stripe.balance_transactions", times=99, change=in_dirham),
    )
    built = built_of(build, connect, "shopify", "stripe")
    row = built.one("matched_chain")
    assert (row["stated_value"], row["collected_value"]) == (Decimal("489.67"), 480)
    assert lines_of(built) == {"value_and_basis": Decimal("-9.67")}


def test_test_orders_and_their_money_do_not_exist(standin: Standin, connect: Connect, build: Build) -> None:
    standin.company.orders[:] = [an_order(("captured", "500.00", "tabby"))]

    def as_test(body: dict[str, Any]) -> object:
        for node in body.get("data", {}).get("orders", {"nodes": []})["nodes"]:
            node["test"] = True
        for payment in body.get("payments") or []:
            payment["is_test"] = True
        return body

    standin.plan(*(Fault("drift", call, times=99, change=as_test) for call in ("shopify.graphql", "tabby.payments")))
    built = built_of(build, connect, "shopify", "tabby")
    assert sum((row["collected_value"] for row in built.rows("matched_chain")), Decimal(0)) == 0
    assert built.rows("unmatched_revenue") == []
