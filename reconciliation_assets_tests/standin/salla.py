"""Salla: numbered pages, naive local times, and tokens that all die when a refresh token is used twice."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from reconciliation_assets_tests.standin.company import Company, Order
from reconciliation_assets_tests.standin.system import TOKEN, Reply, Request, System, page_of

RIYADH = ZoneInfo("Asia/Riyadh")
SLUGS = {"delivered": "delivered", "shipped": "shipped", "cancelled": "canceled"}
NAMES = {"delivered": "تم التوصيل", "shipped": "تم الشحن", "cancelled": "ملغي"}


class Salla(System):
    """The store of the SA market.

    Attributes:
        lists_are_short: whether lists leave out amounts and customers.
        generation: how many pairs of tokens were granted.
        revoked: whether a refresh token was used twice.
    """

    name = "salla"

    def __init__(self, company: Company) -> None:
        super().__init__(company)
        self.lists_are_short = False
        self.generation = 0
        self.revoked = False

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        return {
            r"POST /oauth2/token": self.grant_token,
            r"GET /orders": self.orders,
            r"GET /orders/(?P<order>\d+)": self.order,
        }

    def authorised(self, request: Request) -> bool:
        return not self.revoked and request.headers.get("authorization") == f"Bearer access-{self.generation}-{TOKEN}"

    def refuse(self, kind: str) -> Reply:
        reply = super().refuse(kind)
        messages = {
            "expired_token": "The access token is invalid",
            "missing_permission": "The access token should have access to one of those scopes: orders.read",
        }
        status = 401 if kind == "missing_permission" else reply.status
        error = {"code": kind, "message": messages.get(kind, kind)}
        return Reply({"status": status, "success": False, "error": error}, status, reply.headers)

    def grant_token(self, request: Request) -> Reply:
        current = TOKEN if self.generation == 0 else f"refresh-{self.generation}-{TOKEN}"
        if self.revoked or request.body["refresh_token"] != current:
            self.revoked = True
            return Reply({"error": "invalid_grant", "error_description": "already used"}, 400)
        self.generation += 1
        pair = {
            name: f"{name.partition('_')[0]}-{self.generation}-{TOKEN}" for name in ("access_token", "refresh_token")
        }
        return Reply({**pair, "expires": 1784000000, "token_type": "bearer", "scope": "orders.read offline_access"})

    def orders(self, request: Request) -> Reply:
        since = date.fromisoformat(request.query.get("from_date", "1970-01-01"))
        orders = [order for order in self.company.orders_in("SA") if order.created.astimezone(RIYADH).date() >= since]
        orders.sort(key=lambda order: order.created, reverse=True)
        size, number = int(request.query["per_page"]), int(request.query.get("page", "1"))
        shown, _ = page_of(orders, (number - 1) * size, size)
        records = [_order(order) for order in shown]
        if self.lists_are_short:
            records = [{k: v for k, v in record.items() if k not in {"amounts", "customer"}} for record in records]
        pagination = {
            "count": len(shown),
            "total": len(orders),
            "perPage": size,
            "currentPage": number,
            "totalPages": max(1, -(-len(orders) // size)),
            "links": {},
        }
        return Reply({"status": 200, "success": True, "data": records, "pagination": pagination})

    def order(self, request: Request, order: str) -> Reply:
        found = next(_order(each) for each in self.company.orders_in("SA") if str(_id(each)) == order)
        return Reply({"status": 200, "success": True, "data": found})


def _id(order: Order) -> int:
    return 731900000 + order.number


def _money(amount: object) -> dict[str, Any]:
    return {"amount": amount, "currency": "SAR"}


def _local(moment: datetime) -> dict[str, Any]:
    told = moment.astimezone(RIYADH).strftime("%Y-%m-%d %H:%M:%S.000000")
    return {"date": told, "timezone_type": 3, "timezone": "Asia/Riyadh"}


def _utm(order: Order) -> dict[str, Any]:
    """What Salla tells of the link that brought the buyer; nothing where there was none."""
    ad = order.lead.ad if order.lead else None
    if ad is None:
        return {}
    return {"utm_source": "instagram", "utm_medium": "paid", "utm_campaign": ad.campaign_name, "utm_content": ad.ad_id}


def _order(order: Order) -> dict[str, Any]:
    person = order.person
    return {
        "id": _id(order),
        "reference_id": order.number,
        "date": _local(order.created),
        # Not every answer tells a time of change.
        **({"updated_at": _local(order.updated)} if order.number % 2 else {}),
        "source": "store",
        "source_device": "mobile",
        "source_details": {"type": "direct", "value": None, "device": "mobile", "ip": None, **_utm(order)},
        "status": {"id": 12, "name": NAMES[order.status], "slug": SLUGS[order.status], "customized": {}},
        "payment_method": "cod" if order.method == "cod" else "tamara_installment",
        "is_pending_payment": False,
        "amounts": {
            "sub_total": _money(order.goods),
            "shipping_cost": _money(order.shipping),
            "cash_on_delivery": _money(0),
            "tax": {"percent": "5.00", "amount": _money(order.tax)},
            "discounts": [{"title": "x", "code": "x", "discount": str(order.discount)}] if order.discount else [],
            "total": _money(order.total),
        },
        "currency": "SAR",
        "shipping": {"id": 1, "company": "SMSA", "country": "SA"},
        "customer": {
            "id": 8800 + order.number,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "mobile": int(person.phone[4:]),
            "mobile_code": person.phone[:4],
            "email": person.email,
        },
    }
