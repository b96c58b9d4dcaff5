"""Tamara: one order at a time, by the merchant's reference; captures and refunds in its transactions."""

from collections.abc import Callable, Mapping
from typing import Any

from reconciliation_assets_tests.standin.company import Money, Order
from reconciliation_assets_tests.standin.system import Reply, Request, System


class Tamara(System):
    """The merchant of the SA market."""

    name = "tamara"

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {r"GET /merchants/orders/reference-id/(?P<reference>[\w-]+)": self.order}

    def refuse(self, kind: str) -> Reply:
        reply = super().refuse(kind)
        return Reply({"message": kind, "errors": [{"error_code": kind}]}, reply.status, reply.headers)

    def order(self, request: Request, reference: str) -> Reply:
        found = [order for order in self.company.orders_in("SA") if str(order.number) == reference]
        known = [order for order in found if any(money.provider == "tamara" for money in order.money)]
        return Reply(_order(known[0])) if known else Reply({"message": "order not found", "errors": []}, 404)


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012d}"


def _money(amount: object) -> dict[str, Any]:
    return {"amount": amount, "currency": "SAR"}


def _movement(order: Order, money: Money) -> dict[str, Any]:
    return {
        "order_id": _uuid(990000 + order.number),
        "capture_id": _uuid(money.number),
        "total_amount": _money(money.amount),
        "items": [],
        "created_at": money.at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    }


def _order(order: Order) -> dict[str, Any]:
    person = order.person
    captures = [
        _movement(order, money) | {"tax_amount": _money(order.tax)} for money in order.money if money.kind == "captured"
    ]
    refunds = [
        _movement(order, money) | {"refund_id": _uuid(500000 + money.number)}
        for money in order.money
        if money.kind == "refunded"
    ]
    return {
        "order_id": _uuid(990000 + order.number),
        "order_reference_id": str(order.number),
        "order_number": str(order.number),
        "status": "fully_captured" if captures else "authorised",
        "payment_type": "PAY_BY_INSTALMENTS",
        "total_amount": _money(order.total),
        "captured_amount": _money(
            sum((money.amount for money in order.money if money.kind == "captured"), order.total * 0)
        ),
        "refunded_amount": _money(
            sum((money.amount for money in order.money if money.kind == "refunded"), order.total * 0)
        ),
        "consumer": {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "phone_number": person.phone,
        },
        "country_code": order.market,
        "created_at": order.created.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "transactions": {"cancels": None, "captures": captures or None, "refunds": refunds or None},
    }
