"""Stripe: balance transactions newest first, with their source expanded, and the payouts that carried them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from reconciliation_assets_tests.standin.company import Company, Money, Order
from reconciliation_assets_tests.standin.system import Reply, Request, System

FEE = Decimal("0.029")


class Stripe(System):
    """One account with the card payments of the AE market, paid out two days after.

    Attributes:
        failed_payouts: payouts the bank returned; their money goes with the next one.
        beside: further balance transactions.
    """

    name = "stripe"
    failed_payouts: tuple[str, ...] = ()

    def __init__(self, company: Company) -> None:
        super().__init__(company)
        self.beside: list[dict[str, Any]] = []

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"GET /v1/account": self.account,
            r"GET /v1/balance_transactions": self.balance_transactions,
            r"GET /v1/charges/(?P<charge>ch_\w+)": self.charge,
            r"GET /v1/payouts": self.payouts,
        }

    def refuse(self, kind: str) -> Reply:
        status, error = {
            "expired_token": (401, {"type": "invalid_request_error", "message": "Invalid API Key provided"}),
            "missing_permission": (403, {"type": "invalid_request_error", "code": "more_permissions_required"}),
            "rate_limited": (429, {"type": "invalid_request_error", "code": "rate_limit"}),
            "server_error": (500, {"type": "api_error", "message": "An unknown error occurred"}),
        }[kind]
        return Reply({"error": error}, status)

    def account(self, request: Request) -> Reply:
        return Reply({"id": "acct_1", "object": "account", "default_currency": "aed", "country": "AE"})

    def balance_transactions(self, request: Request) -> Reply:
        moved = [record for order in self.orders() for record in _movements(order)] + self.beside + self._returned()
        payout = request.query.get("payout")
        if payout:
            moved = [record for record in moved if _payout_id(record) == payout]
        else:
            moved += [_balance_transaction(f"txn_{p['id']}", -p["amount"], 0, p["created"], p) for p in self._payouts()]
        if request.query.get("expand[]") != "data.source":
            moved = [record | {"source": record["source"]["id"]} for record in moved]
        return self._page(request, "/v1/balance_transactions", moved)

    def charge(self, request: Request, charge: str) -> Reply:
        return Reply(
            next(
                _charge(order, money) for order in self.orders() for money in order.money if _charge_id(order) == charge
            )
        )

    def payouts(self, request: Request) -> Reply:
        return self._page(request, "/v1/payouts", self._payouts())

    def orders(self) -> list[Order]:
        return [order for order in self.company.orders if any(money.provider == "stripe" for money in order.money)]

    def _returned(self) -> list[dict[str, Any]]:
        """What came back from payouts the bank returned, a day after each."""
        returned = []
        for payout_id in self.failed_payouts:
            made = int(datetime.fromisoformat(f"2026-{payout_id[-4:-2]}-{payout_id[-2:]}T12:00:00+00:00").timestamp())
            payout = {"id": payout_id, "object": "payout", "currency": "aed", "livemode": True}
            back = _balance_transaction(f"txn_back_{payout_id}", 0, 0, made + 86400, payout)
            returned.append(back | {"reporting_category": "payout_reversal", "type": "payout_failure"})
        return returned

    def _payouts(self) -> list[dict[str, Any]]:
        moved = [record for order in self.orders() for record in _movements(order)] + self._returned()
        totals: dict[str, int] = {}
        for record in moved:
            totals[_payout_id(record)] = totals.get(_payout_id(record), 0) + record["net"]
        return [
            {
                "id": payout_id,
                "object": "payout",
                "amount": total,
                "automatic": True,
                "created": int(
                    datetime.fromisoformat(f"2026-{payout_id[-4:-2]}-{payout_id[-2:]}T02:00:00+00:00").timestamp()
                ),
                "currency": "aed",
                "livemode": True,
                "status": "failed" if payout_id in self.failed_payouts else "paid",
            }
            for payout_id, total in totals.items()
        ]

    def _page(self, request: Request, url: str, records: list[dict[str, Any]]) -> Reply:
        since = int(request.query.get("created[gte]", "0"))
        found = sorted(
            (record for record in records if record["created"] >= since),
            key=lambda r: (r["created"], r["id"]),
            reverse=True,
        )
        after = request.query.get("starting_after")
        start = next((n + 1 for n, record in enumerate(found) if record["id"] == after), 0)
        shown = found[start : start + int(request.query["limit"])]
        return Reply({"object": "list", "url": url, "has_more": start + len(shown) < len(found), "data": shown})


def _payout_id(record: dict[str, Any]) -> str:
    day = datetime.fromtimestamp(record["created"], UTC) + timedelta(days=2)
    return f"po_{day:%m%d}"


def _charge_id(order: Order) -> str:
    return f"ch_{order.number}"


def _minor(amount: Decimal) -> int:
    return int(amount * 100)


def _charge(order: Order, money: Money) -> dict[str, Any]:
    captured = money.kind != "authorised"
    person = order.person
    return {
        "id": _charge_id(order),
        "object": "charge",
        "amount": _minor(order.total),
        "amount_captured": _minor(order.total) if captured else 0,
        "captured": captured,
        "paid": True,
        "currency": "aed",
        "created": int(money.at.timestamp()),
        "customer": None,
        "livemode": True,
        "payment_intent": f"pi_{order.number}",
        "billing_details": {
            "address": {"country": person.market},
            "email": person.email,
            "name": f"{person.first_name} {person.last_name}",
            "phone": None,
        },
        "receipt_email": None,
        "metadata": {"order_id": str(order.number)},
        "payment_method_details": {"type": "card"},
    }


def _balance_transaction(record_id: str, amount: int, fee: int, created: int, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record_id,
        "object": "balance_transaction",
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": source["currency"],
        "created": created,
        "available_on": created + 2 * 86400,
        "reporting_category": source["object"],
        "type": {"dispute": "adjustment"}.get(source["object"], source["object"]),
        "status": "available",
        "source": source,
    }


def _movements(order: Order) -> list[dict[str, Any]]:
    """What the order's money did to the balance; an authorisation did nothing."""
    records = []
    for money in order.money:
        made, amount = int(money.at.timestamp()), _minor(money.amount)
        charge = _charge(order, money)
        if money.kind == "captured":
            records.append(_balance_transaction(f"txn_{money.number}", amount, int(amount * FEE), made, charge))
        if money.kind == "refunded":
            refund = {
                "id": f"re_{money.number}",
                "object": "refund",
                "charge": charge["id"],
                "currency": "aed",
                "amount": amount,
            }
            records.append(_balance_transaction(f"txn_{money.number}", -amount, 0, made, refund))
        if money.kind == "disputed":
            dispute = {
                "id": f"dp_{money.number}",
                "object": "dispute",
                "charge": charge["id"],
                "currency": "aed",
                "amount": amount,
            }
            records.append(_balance_transaction(f"txn_{money.number}", -amount, 1500, made, dispute))
        if money.kind == "won":
            won = {"id": f"dp_{money.number - 1}", "object": "dispute", "charge": charge["id"], "currency": "aed"}
            back = _balance_transaction(f"txn_{money.number}", amount, -1500, made, won | {"amount": amount})
            records.append(back | {"reporting_category": "dispute_reversal"})
        if money.kind == "refund failed":
            refund = {"id": f"re_{money.number - 1}", "object": "refund", "charge": charge["id"], "currency": "aed"}
            back = _balance_transaction(f"txn_{money.number}", amount, 0, made, refund | {"amount": amount})
            records.append(back | {"reporting_category": "refund_failure"})
    return records
