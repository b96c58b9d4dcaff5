"""Shopify's Admin GraphQL API for the connector's own queries, by their names; errors come with status 200."""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from reconciliation_assets_tests.standin.company import Company, Money, Order
from reconciliation_assets_tests.standin.system import TOKEN, Reply, Request, System

FULFILLED = {"delivered", "shipped"}


class Shopify(System):
    """The shop of the AE market.

    Attributes:
        scopes: what its app was granted.
        retired_fields: fields of Order that this API version no longer has.
        disputes: of Shopify Payments, as the API tells them.
        most_orders: a query for more of them is too dear.
        moved: transactions of an order, by its number, in place of those its money makes.
    """

    name = "shopify"
    scopes: tuple[str, ...] = ("read_orders", "read_all_orders", "read_shopify_payments_disputes")
    retired_fields: tuple[str, ...] = ()
    most_orders = 250

    def __init__(self, company: Company) -> None:
        super().__init__(company)
        self.disputes: list[dict[str, Any]] = []
        self.moved: dict[int, list[dict[str, Any]]] = {}

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {r"POST /admin/api/2026-07/graphql\.json": self.graphql}

    def authorised(self, request: Request) -> bool:
        return request.headers.get("x-shopify-access-token") == TOKEN

    def refuse(self, kind: str) -> Reply:
        if kind == "expired_token":
            return Reply(
                {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401
            )
        if kind == "server_error":
            return Reply({"errors": "Internal Server Error"}, 502)
        code = {"rate_limited": "THROTTLED", "missing_permission": "ACCESS_DENIED"}[kind]
        return Reply({"errors": [{"message": kind, "extensions": {"code": code}}], "extensions": _cost(available=40)})

    def graphql(self, request: Request) -> Reply:
        query = request.body["query"]
        gone = [field for field in self.retired_fields if re.search(rf"\b{field}\b", query)]
        if gone:
            extensions = {"code": "undefinedField", "typeName": "Order", "fieldName": gone[0]}
            return Reply(
                {"errors": [{"message": f"Field '{gone[0]}' doesn't exist on type 'Order'", "extensions": extensions}]}
            )
        answers = {
            "Orders": self._orders,
            "OrderTransactions": self._order_transactions,
            "OrderRefunds": self._order_refunds,
            "RefundLines": self._refund_lines,
            "Disputes": self._disputes,
            "Shop": self._shop,
        }
        named = re.search(r"query (\w+)", query)
        assert named
        return answers[named.group(1)](request.body.get("variables", {}))

    def _order_transactions(self, asked: dict[str, Any]) -> Reply:
        order = next(order for order in self.company.orders_in("AE") if _gid("Order", order) == asked["id"])
        whole = [{"parentTransaction": None, **each} for each in self._transactions(order)]
        return Reply({"data": {"order": {"transactions": whole}}})

    def _transactions(self, order: Order) -> list[dict[str, Any]]:
        return self.moved.get(order.number, [_transaction(money) for money in order.money])

    def _order_refunds(self, asked: dict[str, Any]) -> Reply:
        order = next(order for order in self.company.orders_in("AE") if _gid("Order", order) == asked["id"])
        return Reply({"data": {"order": {"refunds": [{"id": _gid("Refund", order)}]}}})

    def _refund_lines(self, asked: dict[str, Any]) -> Reply:
        order = next(order for order in self.company.orders_in("AE") if _gid("Refund", order) == asked["id"])
        lines = [
            {"restockType": "RETURN", "subtotalSet": _bag(order.returned), "totalTaxSet": _bag("1.25")},
            {"restockType": "CANCEL", "subtotalSet": _bag("9.00"), "totalTaxSet": _bag("0.45")},
        ]
        start = int(asked.get("after") or 0)
        info = {"hasNextPage": start == 0, "endCursor": str(start + 1)}
        return Reply({"data": {"refund": {"refundLineItems": {"pageInfo": info, "nodes": lines[start : start + 1]}}}})

    def _disputes(self, asked: dict[str, Any]) -> Reply:
        start = int(asked.get("after") or 0)
        info = {"hasNextPage": start + 1 < len(self.disputes), "endCursor": str(start + 1) if self.disputes else None}
        return Reply({"data": {"disputes": {"pageInfo": info, "nodes": self.disputes[start : start + 1]}}})

    def _shop(self, _asked: dict[str, Any]) -> Reply:
        shop = {"myshopifyDomain": "invented.myshopify.com", "ianaTimezone": "Asia/Dubai", "currencyCode": "AED"}
        installation = {"accessScopes": [{"handle": scope} for scope in self.scopes]}
        return Reply({"data": {"shop": shop, "currentAppInstallation": installation}})

    def _orders(self, asked: dict[str, Any]) -> Reply:
        if asked["first"] > self.most_orders:
            error = {"message": "Query cost is 1240, which exceeds", "extensions": {"code": "MAX_COST_EXCEEDED"}}
            return Reply({"errors": [error]})
        since = re.search(r"updated_at:>='(.+)'", asked["query"] or "")
        orders = [
            order
            for order in self.company.orders_in("AE")
            if since is None or order.updated >= datetime.fromisoformat(since.group(1))
        ]
        orders.sort(key=_place)
        if asked["after"]:
            orders = [order for order in orders if _cursor(order) > base64.b64decode(asked["after"]).decode()]
        shown = orders[: asked["first"]]
        info = {"hasNextPage": len(shown) < len(orders), "endCursor": _encoded(shown[-1]) if shown else None}
        nodes = [_node(order) for order in shown]
        if asked["money"]:
            nodes = [
                node | {"transactions": _without_parents(self._transactions(order)[:20])}
                for node, order in zip(nodes, shown, strict=True)
            ]
        return Reply({"data": {"orders": {"pageInfo": info, "nodes": nodes}}, "extensions": _cost(available=1900)})


def _without_parents(transactions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "parentTransaction"} for each in transactions]


def _cost(available: int) -> dict[str, Any]:
    throttle = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    return {"cost": {"requestedQueryCost": 240, "actualQueryCost": None, "throttleStatus": throttle}}


def _place(order: Order) -> tuple[datetime, int]:
    return order.updated, order.number


def _cursor(order: Order) -> str:
    return f"{order.updated.isoformat()}|{order.number}"


def _encoded(order: Order) -> str:
    return base64.b64encode(_cursor(order).encode()).decode()


def _gid(kind: str, order: Order) -> str:
    return f"gid://shopify/{kind}/{5550000000000 + order.number}"


def _bag(amount: object) -> dict[str, Any]:
    return {"shopMoney": {"amount": str(amount)}}


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _transaction(money: Money) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/OrderTransaction/{700000 + money.number}",
        "kind": {
            "captured": "SALE",
            "credited": "SALE",
            "authorised": "AUTHORIZATION",
            "refunded": "REFUND",
            "disputed": "VOID",
        }[money.kind],
        "status": "SUCCESS",
        "gateway": money.provider,
        "test": False,
        "createdAt": _utc(money.at),
        "processedAt": _utc(money.at),
        "amountSet": _bag(money.amount),
    }


def _node(order: Order) -> dict[str, Any]:
    ad = order.lead.ad if order.lead else None
    visit = {
        "landingPage": "https://shop.example/ar",
        "source": "direct",
        "utmParameters": {"source": "facebook", "medium": "paid", "campaign": ad.campaign_name, "content": None}
        if ad
        else None,
    }
    parcel = {
        "status": "SUCCESS",
        "createdAt": _utc(order.created),
        "deliveredAt": _utc(order.delivered),
        "trackingInfo": [{"number": order.waybill}] if order.waybill else [],
    }
    person = order.person
    name = f"{person.first_name} {person.last_name}"
    paid = any(money.kind == "captured" for money in order.money)
    return {
        "id": _gid("Order", order),
        "legacyResourceId": str(5550000000000 + order.number),
        "name": f"#{order.number}",
        "createdAt": _utc(order.created),
        "updatedAt": _utc(order.updated),
        "cancelledAt": _utc(order.cancelled),
        "cancelReason": "CUSTOMER" if order.cancelled else None,
        "test": False,
        "taxesIncluded": False,
        "displayFinancialStatus": "PAID" if paid else "PENDING",
        "displayFulfillmentStatus": "FULFILLED" if order.status in FULFILLED else "UNFULFILLED",
        "currencyCode": order.currency,
        "customerLocale": "ar-AE",
        "email": person.email,
        "phone": None,
        "paymentGatewayNames": [money.provider for money in order.money] or ["Cash on Delivery (COD)"],
        "totalPriceSet": _bag(order.total),
        "currentTotalPriceSet": _bag(order.total - order.returned),
        "totalTaxSet": _bag(order.tax),
        "totalShippingPriceSet": _bag(order.shipping),
        "customer": {"legacyResourceId": str(66000 + order.number), "displayName": name},
        "shippingAddress": {"name": name, "phone": person.phone, "countryCodeV2": "AE"},
        "customAttributes": [{"key": "lead_id", "value": order.lead.lead_id}] if order.lead else [],
        "customerJourneySummary": {"lastVisit": visit},
        "fulfillments": [parcel] if order.status in FULFILLED else [],
        "refunds": [{"id": _gid("Refund", order)}] if order.returned else [],
    }
