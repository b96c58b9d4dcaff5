"""Tabby: payments newest first by offset, with captures and refunds nested and every amount as text."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from reconciliation_assets_tests.standin.company import Money, Order
from reconciliation_assets_tests.standin.system import Reply, Request, System, page_of


class Tabby(System):
    """One merchant with the instalment payments of the AE market."""

    name = "tabby"

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {r"GET /api/v2/payments": self.payments}

    def refuse(self, kind: str) -> Reply:
        reply = super().refuse(kind)
        return Reply({"status": "error", "errorType": "not_authorized", "error": kind}, reply.status, reply.headers)

    def payments(self, request: Request) -> Reply:
        since = date.fromisoformat(request.query.get("created_at__gte", "1970-01-01"))
        orders = [
            order
            for order in self.company.orders
            if any(money.provider == "tabby" for money in order.money) and order.created.date() >= since
        ]
        orders.sort(key=lambda order: order.created, reverse=True)
        limit, offset = min(int(request.query.get("limit", 20)), 20), int(request.query.get("offset", 0))
        shown, _ = page_of(orders, offset, limit)
        pagination = {"limit": limit, "offset": offset, "total_count": len(orders)}
        return Reply({"payments": [_payment(order) for order in shown], "pagination": pagination})


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _movement(money: Money) -> dict[str, Any]:
    return {
        "id": _uuid(money.number),
        "created_at": money.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "amount": str(money.amount),
        "reference_id": f"key-{money.number}",
    }


def _payment(order: Order) -> dict[str, Any]:
    captures = [_movement(money) | {"tax_amount": str(order.tax)} for money in order.money if money.kind == "captured"]
    refunds = [_movement(money) | {"reason": "returned"} for money in order.money if money.kind == "refunded"]
    person = order.person
    return {
        "id": _uuid(990000 + order.number),
        "created_at": order.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "CLOSED" if captures or order.cancelled else "AUTHORIZED",
        "is_test": False,
        "amount": str(order.total),
        "currency": order.currency,
        "buyer": {"name": f"{person.first_name} {person.last_name}", "email": person.email, "phone": person.phone},
        "order": {
            "reference_id": str(order.number),
            "items": [],
            "tax_amount": str(order.tax),
            "shipping_amount": str(order.shipping),
        },
        "captures": captures or None,
        "refunds": refunds or None,
        "buyer_history": {"registered_since": "2026-01-01T00:00:00Z", "loyalty_level": 0},
        "order_history": [],
        "shipping_address": {"city": "Dubai", "address": "-", "zip": "0"},
    }
