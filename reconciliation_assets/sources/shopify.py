"""Shopify: orders with their status, amounts, last visit and waybill; on request also the money of some gateways.

Amounts are the shop's currency, not the customer's. Whether an order was cancelled and whether money went back are
independent in Shopify; cancelling wins here, since the money has its own rows. A shop whose payment system is a source
of its own must not name its gateway here, or that money would come twice.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import FixedHeaders
from reconciliation_assets.sources.errors import MissingPermission, RateLimited, RequestRefused, SchemaDrift
from reconciliation_assets.sources.http import Answer, HttpClient, Trouble, judge_status
from reconciliation_assets.sources.http_connector import HttpConnector, utc_now
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.shapes import (
    Identifier,
    Instant,
    Number,
    NumberText,
    Shape,
    amount_text,
    instant_text,
)
from reconciliation_assets.sources.tokens import TokenStore

ORDERS = """
query Orders($first: Int!, $after: String, $query: String, $money: Boolean!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      legacyResourceId name createdAt updatedAt cancelledAt cancelReason test
      displayFinancialStatus displayFulfillmentStatus currencyCode customerLocale email phone paymentGatewayNames
      totalPriceSet { shopMoney { amount } }
      totalTaxSet { shopMoney { amount } }
      totalShippingPriceSet { shopMoney { amount } }
      totalDiscountsSet { shopMoney { amount } }
      customer { legacyResourceId displayName }
      shippingAddress { name phone countryCodeV2 }
      customAttributes { key value }
      customerJourneySummary {
        lastVisit { landingPage source utmParameters { source medium campaign content } }
      }
      fulfillments(first: 5) { createdAt deliveredAt trackingInfo(first: 1) { number } }
      transactions(first: 20) @include(if: $money) {
        id kind status gateway createdAt processedAt
        amountSet { shopMoney { amount } }
      }
    }
  }
}
"""

SCOPES = ("read_orders",)
SHOP = "query Shop { shop { myshopifyDomain ianaTimezone currencyCode } currentAppInstallation { accessScopes { handle } } }"

TRANSACTION_KINDS = {"SALE": "payment", "CAPTURE": "payment", "REFUND": "refund"}
"""Kinds of transactions that move money; AUTHORIZATION and VOID do not."""

TRANSACTION_STATUSES = {
    "SUCCESS": "settled",
    "PENDING": "pending",
    "AWAITING_RESPONSE": "pending",
    "FAILURE": "failed",
    "ERROR": "failed",
}


class ShopifySettings(SourceSettings):
    """Settings of a `shopify` source.

    Attributes:
        base_url: `https://<shop>.myshopify.com`.
        token_env: the environment variable with the custom app's Admin API token.
        order_id: what other systems call an order: its name without `#`, or Shopify's own ID.
        lead_id_attribute: cart attribute with the company's lead ID.
        click_id_attribute: cart attribute with Meta's click ID.
        payment_gateways: gateways whose transactions are read as payments.
        page_limit: orders per page; larger pages cost more of Shopify's query budget.
    """

    type: Literal["shopify"]
    api_version: str = Field(default="2026-07", pattern=r"^\d{4}-\d{2}$")
    token_env: EnvironmentVariable = "SHOPIFY_TOKEN"  # noqa: S105 - a variable's name
    order_id: Literal["name", "id"] = "name"
    lead_id_attribute: str | None = None
    click_id_attribute: str | None = None
    payment_gateways: list[str] = Field(default_factory=list)
    page_limit: int = Field(default=20, ge=1, le=250)


class _Amount(Shape):
    amount: NumberText


class _MoneyBag(Shape):
    shopMoney: _Amount  # noqa: N815 - Shopify's name, as all below


class _Customer(Shape):
    legacyResourceId: Identifier  # noqa: N815
    displayName: str | None  # noqa: N815


class _Address(Shape):
    name: str | None
    phone: str | None
    countryCodeV2: str | None  # noqa: N815


class _Attribute(Shape):
    key: str
    value: str | None


class _Utm(Shape):
    source: str | None
    medium: str | None
    campaign: str | None
    content: str | None


class _Visit(Shape):
    landingPage: str | None  # noqa: N815
    source: str | None
    utmParameters: _Utm | None  # noqa: N815


class _Journey(Shape):
    lastVisit: _Visit | None  # noqa: N815


class _Tracking(Shape):
    number: str | None


class _Fulfillment(Shape):
    createdAt: Instant  # noqa: N815
    deliveredAt: Instant | None  # noqa: N815
    trackingInfo: list[_Tracking]  # noqa: N815


class _Transaction(Shape):
    id: str
    kind: str
    status: str
    gateway: str | None
    createdAt: Instant  # noqa: N815
    processedAt: Instant | None  # noqa: N815
    amountSet: _MoneyBag  # noqa: N815


class _Order(Shape):
    legacyResourceId: Identifier  # noqa: N815
    name: str
    createdAt: Instant  # noqa: N815
    updatedAt: Instant  # noqa: N815
    cancelledAt: Instant | None  # noqa: N815
    cancelReason: str | None  # noqa: N815
    test: bool
    displayFinancialStatus: str | None  # noqa: N815
    displayFulfillmentStatus: str  # noqa: N815
    currencyCode: str  # noqa: N815
    customerLocale: str | None  # noqa: N815
    email: str | None
    phone: str | None
    paymentGatewayNames: list[str]  # noqa: N815
    totalPriceSet: _MoneyBag  # noqa: N815
    totalTaxSet: _MoneyBag | None  # noqa: N815
    totalShippingPriceSet: _MoneyBag  # noqa: N815
    totalDiscountsSet: _MoneyBag | None  # noqa: N815
    customer: _Customer | None
    shippingAddress: _Address | None  # noqa: N815
    customAttributes: list[_Attribute]  # noqa: N815
    customerJourneySummary: _Journey | None  # noqa: N815
    fulfillments: list[_Fulfillment]
    # Asked for only where a gateway's money is read: it is the dearest part of the query.
    transactions: list[_Transaction] | None = None


class _PageInfo(Shape):
    hasNextPage: bool  # noqa: N815
    endCursor: str | None  # noqa: N815


class _Orders(Shape):
    pageInfo: _PageInfo  # noqa: N815
    nodes: list[_Order]


class _OrdersData(Shape):
    orders: _Orders


class _OrdersAnswer(Shape):
    data: _OrdersData


class _Shop(Shape):
    myshopifyDomain: str  # noqa: N815
    ianaTimezone: str  # noqa: N815
    currencyCode: str  # noqa: N815


class _Scope(Shape):
    handle: str


class _Installation(Shape):
    accessScopes: list[_Scope]  # noqa: N815


class _ShopData(Shape):
    shop: _Shop
    currentAppInstallation: _Installation  # noqa: N815


class _ShopAnswer(Shape):
    data: _ShopData


class _Extensions(Shape):
    code: str | None = None
    typeName: str | None = None  # noqa: N815
    fieldName: str | None = None  # noqa: N815


class _GraphError(Shape):
    extensions: _Extensions = _Extensions()


class _Throttle(Shape):
    currentlyAvailable: Number  # noqa: N815
    restoreRate: Number  # noqa: N815


class _Cost(Shape):
    requestedQueryCost: Number  # noqa: N815
    throttleStatus: _Throttle  # noqa: N815


class _AnswerExtensions(Shape):
    cost: _Cost


class _Throttled(Shape):
    extensions: _AnswerExtensions


class Shopify(HttpConnector[ShopifySettings]):
    """Reads the orders changed in the window."""

    overlap = timedelta(hours=1)

    def __init__(self, settings: ShopifySettings, tokens: TokenStore, now: Callable[[], datetime] = utc_now) -> None:
        super().__init__(settings, tokens, now)
        self.tables = ("orders", "payments") if settings.payment_gateways else ("orders",)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the orders, then the money of the gateways that are read here."""
        with self._admin() as client:
            orders = newest(
                self._orders(client, window),
                key=lambda order: order.legacyResourceId,
                version=lambda order: order.updatedAt,
            )
        yield Batch("orders", [self._order_row(order) for order in orders])
        if self.settings.payment_gateways:
            yield Batch("payments", [row for order in orders for row in self._payment_rows(order)])

    def probe(self) -> Probe:
        """Read the shop's zone and currency, and whether orders older than 60 days may be read."""
        with self._admin() as client:
            answer = self._read(_ShopAnswer, client.post(self._path(), json_body={"query": SHOP}).body, "answer").data
            scopes = {scope.handle for scope in answer.currentAppInstallation.accessScopes}
            findings = []
            if "read_all_orders" not in scopes:
                findings.append("without the scope read_all_orders only the last 60 days of orders are visible")
            shop = answer.shop
            account = ProbedAccount(shop.myshopifyDomain, shop.ianaTimezone, shop.currencyCode)
            return Probe([account], client.clock_skew, findings, [name for name in SCOPES if name not in scopes])

    def _judge(self, answer: Answer) -> Trouble | None:
        errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
        if answer.status >= 300 or not isinstance(errors, list) or not errors:
            return judge_status(self.name, answer)
        known = self._read(_GraphError, errors[0], "errors").extensions
        if known.code == "THROTTLED":
            wait = self._until_affordable(answer)
            happened = "Shopify's query budget is used up"
            return Trouble(RateLimited(self.name, happened, self._now() + wait), passing=True, wait=wait)
        if known.code == "ACCESS_DENIED":
            happened = "the app may not read a field the connector needs"
            remedy = "Grant the scopes and the customer data access on this source's page under docs/sources"
            return Trouble(MissingPermission(self.name, happened, remedy))
        if known.code == "undefinedField":
            return Trouble(
                SchemaDrift(self.name, f"{known.typeName}.{known.fieldName}", "does not exist in this API version")
            )
        happened = "Shopify refuses the query" + (f" ({known.code})" if known.code else "")
        return Trouble(RequestRefused(self.name, happened, "Check api_version, or lower page_limit"))

    def _until_affordable(self, answer: Answer) -> timedelta:
        cost = self._read(_Throttled, answer.body, "answer").extensions.cost
        lacking = cost.requestedQueryCost - cost.throttleStatus.currentlyAvailable
        return timedelta(seconds=max(1.0, float(lacking / cost.throttleStatus.restoreRate)))

    def _admin(self) -> HttpClient:
        return self._client(FixedHeaders(X_Shopify_Access_Token=self._secret(self.settings.token_env)))

    def _path(self) -> str:
        return f"admin/api/{self.settings.api_version}/graphql.json"

    def _orders(self, client: HttpClient, window: Window) -> Iterator[_Order]:
        """Walk the orders by the time of their change; the cursor holds that time, so a change moves only its own order."""
        changed = f"updated_at:>='{window.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" if window.since else None

        def fetch(after: str | None) -> CursorPage[_Order]:
            variables = {
                "first": self.settings.page_limit,
                "after": after,
                "query": changed,
                "money": bool(self.settings.payment_gateways),
            }
            body = client.post(self._path(), json_body={"query": ORDERS, "variables": variables}).body
            page = self._read(_OrdersAnswer, body, "answer").data.orders
            return CursorPage(page.nodes, page.pageInfo.endCursor if page.pageInfo.hasNextPage else None)

        return by_cursor(self.name, fetch)

    def _order_id(self, order: _Order) -> str:
        return order.name.removeprefix("#") if self.settings.order_id == "name" else order.legacyResourceId

    def _order_row(self, order: _Order) -> Row:
        attributes = {attribute.key: attribute.value for attribute in order.customAttributes}
        visit = order.customerJourneySummary.lastVisit if order.customerJourneySummary else None
        utm = visit.utmParameters if visit else None
        address = order.shippingAddress
        shipped, delivered = _shipping_times(order.fulfillments)
        return {
            "order_id": self._order_id(order),
            "created_at": instant_text(order.createdAt),
            "updated_at": instant_text(order.updatedAt),
            "status": _status(order),
            "gross_value": amount_text(order.totalPriceSet.shopMoney.amount),
            "currency": order.currencyCode,
            "lead_id": attributes.get(self.settings.lead_id_attribute or ""),
            "customer_id": order.customer.legacyResourceId if order.customer else None,
            "click_id": attributes.get(self.settings.click_id_attribute or ""),
            "source": (utm.source if utm else None) or (visit.source if visit else None),
            "medium": utm.medium if utm else None,
            "utm_campaign": utm.campaign if utm else None,
            "utm_content": utm.content if utm else None,
            "landing_page": visit.landingPage if visit else None,
            "market": address.countryCodeV2 if address else None,
            "language": (order.customerLocale or "").split("-")[0] or None,
            "email": order.email,
            "phone": order.phone or (address.phone if address else None),
            "full_name": (order.customer.displayName if order.customer else None)
            or (address.name if address else None),
            "payment_method": order.paymentGatewayNames[-1] if order.paymentGatewayNames else None,
            "discount": amount_text(order.totalDiscountsSet.shopMoney.amount) if order.totalDiscountsSet else None,
            "tax": amount_text(order.totalTaxSet.shopMoney.amount) if order.totalTaxSet else None,
            "shipping": amount_text(order.totalShippingPriceSet.shopMoney.amount),
            "shipped_at": instant_text(shipped),
            "delivered_at": instant_text(delivered),
            "cancelled_at": instant_text(order.cancelledAt),
            "reason": order.cancelReason.lower() if order.cancelReason else None,
            "waybill": next((t.number for f in order.fulfillments for t in f.trackingInfo if t.number), None),
        }

    def _payment_rows(self, order: _Order) -> Iterator[Row]:
        if order.transactions is None:
            raise SchemaDrift(self.name, "orders.nodes.transactions", "is missing")
        for moved in order.transactions:
            if moved.gateway not in self.settings.payment_gateways or moved.kind not in TRANSACTION_KINDS:
                continue
            yield {
                "payment_id": moved.id.rpartition("/")[2],
                "kind": TRANSACTION_KINDS[moved.kind],
                "status": TRANSACTION_STATUSES.get(moved.status, moved.status.lower()),
                "paid_at": instant_text(moved.processedAt or moved.createdAt),
                "amount": amount_text(moved.amountSet.shopMoney.amount),
                "currency": order.currencyCode,
                "order_id": self._order_id(order),
                "customer_id": order.customer.legacyResourceId if order.customer else None,
                "email": order.email,
                "phone": order.phone,
                "method": moved.gateway,
                "updated_at": instant_text(order.updatedAt),
            }


def _shipping_times(fulfillments: Sequence[_Fulfillment]) -> tuple[datetime | None, datetime | None]:
    """When the first parcel left, and when the last arrived (None while one is under way)."""
    shipped = min((parcel.createdAt for parcel in fulfillments), default=None)
    arrived = [parcel.deliveredAt for parcel in fulfillments if parcel.deliveredAt is not None]
    return shipped, max(arrived) if arrived and len(arrived) == len(fulfillments) else None


def _status(order: _Order) -> str:
    """One word for Shopify's three: test, cancellation, money and fulfilment, in this order of weight."""
    _, delivered = _shipping_times(order.fulfillments)
    if order.test:
        return "test"
    if order.cancelledAt is not None:
        return "cancelled"
    if order.displayFinancialStatus in {"REFUNDED", "EXPIRED"}:
        return order.displayFinancialStatus.lower()
    if order.displayFulfillmentStatus == "FULFILLED":
        return "delivered" if delivered else "shipped"
    return "confirmed" if order.displayFinancialStatus in {"PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED"} else "placed"
