"""Tap: charges and refunds listed by POST, newest first; amounts are decimals in major units, times milliseconds."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from reconciliation_assets_tests.standin.company import Money, Order
from reconciliation_assets_tests.standin.system import Reply, Request, System


class Tap(System):
    """One merchant with the card payments of the KW market.

    Attributes:
        live: whether charges were made with the live key.
    """

    name = "tap"
    live = True

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"POST /v2/charges/list": self.charges,
            r"POST /v2/refunds/list": self.refunds,
            r"GET /v2/charges/(?P<charge>chg_\w+)": self.charge,
        }

    def refuse(self, kind: str) -> Reply:
        reply = super().refuse(kind)
        return Reply({"errors": [{"code": "2104", "description": kind}]}, reply.status, reply.headers)

    def charges(self, request: Request) -> Reply:
        return self._listed(
            request.body, "charges", self._charges(), lambda charge: int(charge["transaction"]["created"])
        )

    def refunds(self, request: Request) -> Reply:
        refunds = [
            _refund(order, money) for order in self._orders() for money in order.money if money.kind == "refunded"
        ]
        if not refunds:
            return Reply({"errors": [{"code": "1143", "description": "Refund not found"}]}, 400)
        return self._listed(request.body, "refunds", refunds, lambda refund: int(refund["created"]))

    def charge(self, request: Request, charge: str) -> Reply:
        return Reply(next(found for found in self._charges() if found["id"] == charge))

    def _orders(self) -> list[Order]:
        return [order for order in self.company.orders if any(money.provider == "tap" for money in order.money)]

    def _charges(self) -> list[dict[str, Any]]:
        return [
            _charge(order, money) | {"live_mode": self.live}
            for order in self._orders()
            for money in order.money
            if money.kind in {"captured", "authorised"}
        ]

    def _listed(
        self, asked: Any, name: str, records: list[dict[str, Any]], created: Callable[[dict[str, Any]], int]
    ) -> Reply:
        period = asked["period"]["date"]
        found = [record for record in records if period["from"] <= created(record) <= period["to"]]
        found.sort(key=lambda record: (created(record), record["id"]), reverse=True)
        start = next((n + 1 for n, record in enumerate(found) if record["id"] == asked["starting_after"]), 0)
        shown = found[start : start + asked["limit"]]
        more = start + len(shown) < len(found)
        return Reply({"object": "list", "live_mode": True, "has_more": more, "count": len(shown), name: shown})


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def _charge_id(order: Order) -> str:
    return f"chg_TS{order.number}"


def _charge(order: Order, money: Money) -> dict[str, Any]:
    person = order.person
    return {
        "id": _charge_id(order),
        "object": "charge",
        "status": {"captured": "CAPTURED", "authorised": "AUTHORIZED"}[money.kind],
        "amount": money.amount,
        "currency": order.currency,
        "threeDSecure": True,
        "transaction": {"timezone": "UTC+03:00", "created": _milliseconds(money.at)},
        "reference": {"transaction": f"txn_{order.number}", "order": str(order.number)},
        "response": {"code": "000", "message": "Captured"},
        "source": {"object": "source", "id": "src_kw.knet", "payment_method": "KNET"},
        "customer": {
            "id": f"cus_{person.email.partition('@')[0]}",
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            # Tap leaves out what the shop did not give.
            **({"phone": {"country_code": person.phone[1:4], "number": person.phone[4:]}} if order.number % 5 else {}),
        },
    }


def _refund(order: Order, money: Money) -> dict[str, Any]:
    return {
        "id": f"re_TS{money.number}",
        "object": "refund",
        "status": "REFUNDED",
        "amount": money.amount,
        "currency": order.currency,
        "charge_id": _charge_id(order),
        "created": _milliseconds(money.at),
    }
