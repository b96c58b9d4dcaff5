"""WooCommerce's REST API: numbered pages with totals in headers, local times beside the GMT ones."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciliation_assets_tests.standin.company import Order
from reconciliation_assets_tests.standin.system import TOKEN, Reply, Request, System, page_of

STATUSES = {"delivered": "completed", "shipped": "processing", "cancelled": "cancelled"}


class WooCommerce(System):
    """The shop of the KW market.

    Attributes:
        hides_totals: whether a proxy removes the headers with the totals.
        trashed: numbers of orders that lie in the trash.
    """

    name = "woocommerce"
    trashed: tuple[int, ...] = ()
    hides_totals = False

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"GET /wp-json/wc/v3/orders": self.orders,
            r"GET /wp-json/wc/v3/settings/general/woocommerce_currency": self.currency,
        }

    def authorised(self, request: Request) -> bool:
        pair = base64.b64encode(f"{TOKEN}:{TOKEN}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {pair}"

    def refuse(self, kind: str) -> Reply:
        reply = super().refuse(kind)
        codes = {
            "expired_token": "woocommerce_rest_authentication_error",
            "missing_permission": "woocommerce_rest_cannot_view",
        }
        return Reply(
            {"code": codes.get(kind, kind), "message": kind, "data": {"status": reply.status}},
            reply.status,
            reply.headers,
        )

    def currency(self, request: Request) -> Reply:
        return Reply({"id": "woocommerce_currency", "value": "KWD", "default": "USD"})

    def orders(self, request: Request) -> Reply:
        since = datetime.fromisoformat(request.query.get("modified_after", "1970-01-01T00:00:00")).replace(tzinfo=UTC)
        orders = sorted(
            (order for order in self.company.orders_in("KW") if order.updated >= since), key=lambda order: order.number
        )
        # `any` leaves out the trash.
        wants_trash = request.query.get("status", "any") == "trash"
        orders = [order for order in orders if (order.number in self.trashed) is wants_trash]
        size = int(request.query["per_page"])
        shown, _ = page_of(orders, (int(request.query.get("page", "1")) - 1) * size, size)
        totals = {"X-WP-Total": str(len(orders)), "X-WP-TotalPages": str(-(-len(orders) // size))}
        found = [_order(order) | ({"status": "trash"} if wants_trash else {}) for order in shown]
        return Reply(found, headers={} if self.hides_totals else totals)


def _gmt(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _site_local(moment: datetime | None) -> str | None:
    return None if moment is None else _gmt(moment + timedelta(hours=3))


def _order(order: Order) -> dict[str, Any]:
    person = order.person
    paid = next((money.at for money in order.money if money.kind == "captured"), None)
    times = {"created": order.created, "modified": order.updated, "paid": paid, "completed": order.delivered}
    attribution = {
        "source_type": "utm",
        "utm_source": "facebook",
        "utm_medium": "paid",
        "session_entry": "https://shop.example/",
        "device_type": "Mobile",
    }
    kept = {f"_wc_order_attribution_{key}": value for key, value in attribution.items()} if order.lead else {}
    refunds = [
        {"id": 90000 + money.number, "reason": "", "total": f"-{money.amount}"}
        for money in order.money
        if money.kind == "refunded"
    ]
    return {
        "id": 70000 + order.number,
        "number": str(order.number),
        "status": STATUSES[order.status],
        "currency": order.currency,
        **{f"date_{name}": _site_local(moment) for name, moment in times.items()},
        **{f"date_{name}_gmt": _gmt(moment) for name, moment in times.items()},
        "total": str(order.total),
        "total_tax": str(order.tax),
        "shipping_total": str(order.shipping),
        "discount_total": str(order.discount),
        "customer_id": 0 if order.number % 2 else 9000 + order.number,
        "billing": {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            # A theme may remove the field.
            **({"phone": person.phone} if order.number % 7 else {}),
            "country": order.market,
        },
        "refunds": refunds,
        "payment_method": "cod" if order.method == "cod" else "tap",
        "meta_data": [
            *({"id": n, "key": key, "value": value} for n, (key, value) in enumerate(kept.items())),
            {"id": 98, "key": "_plugin_state", "value": {"nested": True}},
            {"id": 99, "key": "waybill", "value": order.waybill or ""},
        ],
    }
