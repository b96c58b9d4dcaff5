"""Shopify: orders with their status, amounts, last visit and waybill, and their payments by gift card or credit; optionally
also the payments of some gateways.

Amounts are in the shop's currency, not the customer's. The current value of an order is Shopify's current total after edits,
removed items, returns and discounts. In Shopify an order can be cancelled with or without a refund; the status here is then
"cancelled", because refunds have their own rows. A gateway whose payment system is a separate source must not be named here,
or its money would be counted twice.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeVar

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import FixedHeaders
from reconciliation_assets.sources.errors import (
    MissingPermission,
    RateLimited,
    RequestRefused,
    SchemaDrift,
    SourceUnavailable,
)
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, classify_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.records import RecordReader
from reconciliation_assets.sources.shapes import (
    Identifier,
    Instant,
    Number,
    NumberText,
    Shape,
    Side,
    Text,
    amount_text,
    flag_text,
    instant_text,
)

TRANSACTIONS = 20
"""Fields of an order in a list of orders: every requested field counts against Shopify's query budget, even if empty."""

_TRANSACTION = "id kind status gateway test createdAt processedAt amountSet { shopMoney { amount } }"

ORDERS = f"""
query Orders($first: Int!, $after: String, $query: String, $money: Boolean!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      id legacyResourceId name createdAt updatedAt cancelledAt cancelReason test taxesIncluded
      displayFinancialStatus displayFulfillmentStatus currencyCode customerLocale email phone paymentGatewayNames
      totalPriceSet {{ shopMoney {{ amount }} }}
      currentTotalPriceSet {{ shopMoney {{ amount }} }}
      totalTaxSet {{ shopMoney {{ amount }} }}
      totalShippingPriceSet {{ shopMoney {{ amount }} }}
      customer {{ legacyResourceId displayName }}
      shippingAddress {{ name phone countryCodeV2 }}
      customAttributes {{ key value }}
      customerJourneySummary {{
        lastVisit {{ landingPage source utmParameters {{ source medium campaign content }} }}
      }}
      fulfillments(first: 5) {{ status createdAt deliveredAt trackingInfo(first: 1) {{ number }} }}
      refunds(first: 1) {{ id }}
      transactions(first: {TRANSACTIONS}) @include(if: $money) {{ {_TRANSACTION} }}
    }}
  }}
}}
"""

ORDER_TRANSACTIONS = f"""
query OrderTransactions($id: ID!) {{
  order(id: $id) {{ transactions(first: 100) {{ {_TRANSACTION} parentTransaction {{ id }} }} }}
}}
"""
"""For orders that were partly refunded or paid by credit, or that have more transactions than the list returns."""

ORDER_REFUNDS = "query OrderRefunds($id: ID!) { order(id: $id) { refunds(first: 100) { id } } }"

REFUND_LINES = """
query RefundLines($id: ID!, $after: String) {
  refund(id: $id) {
    refundLineItems(first: 50, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { restockType subtotalSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } }
    }
  }
}
"""

DISPUTES = """
query Disputes($after: String) {
  disputes(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      legacyResourceId type status initiatedAt finalizedOn amount { amount currencyCode }
      order { name legacyResourceId }
    }
  }
}
"""

SCOPES = ("read_orders",)
DISPUTE_SCOPE = "read_shopify_payments_disputes"
SHOP = "query Shop { shop { myshopifyDomain ianaTimezone currencyCode } currentAppInstallation { accessScopes { handle } } }"

STATUSES = ("cancelled", "confirmed", "delivered", "expired", "placed", "refunded", "returned", "shipped", "voided")
"""The statuses that this connector derives from Shopify's."""

MONEY_KINDS = {"SALE": "payment", "CAPTURE": "payment", "REFUND": "refund"}
"""Kinds of transactions that move money. CHANGE is deducted from its sale."""

NO_MONEY = {"AUTHORIZATION", "EMV_AUTHORIZATION", "SUGGESTED_REFUND", "VOID"}

CREDIT_GATEWAYS = {"gift_card", "shopify_store_credit"}
"""Gateways that pay without new cash: the money came when the gift card was sold, or is a refund kept as credit."""

TEST_GATEWAYS = {"bogus"}

TRANSACTION_STATUSES = {
    "SUCCESS": "settled",
    "PENDING": "pending",
    "AWAITING_RESPONSE": "pending",
    "UNKNOWN": "pending",
    "FAILURE": "failed",
    "ERROR": "failed",
}

NO_PARCEL = {"CANCELLED", "ERROR", "FAILURE"}
CAME_BACK = {"RETURN", "LEGACY_RESTOCK"}
"""Restock types of shipped goods; goods removed before shipping are an edit, which the current total includes."""

WITHDRAWN = {"ACCEPTED", "LOST", "NEEDS_RESPONSE", "UNDER_REVIEW", "WON"}
"""Statuses of a chargeback whose amount was withdrawn; if it is won, the amount comes back."""

NOT_WITHDRAWN = {"CHARGE_REFUNDED", "PREVENTED"}

_SHOPIFY_PAYMENTS = "shopify_payments"
_PASSING = {None, "INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}


class ShopifySettings(SourceSettings):
    """Settings of a `shopify` source.

    Attributes:
        base_url: `https://<shop>.myshopify.com`.
        token_env: the environment variable with the custom app's Admin API token.
        order_id: the order ID that other systems use: the order's name without `#`, or Shopify's own ID.
        lead_id_attribute: cart attribute with the company's lead ID.
        click_id_attribute: cart attribute with Meta's click ID.
        payment_gateways: gateways whose transactions are read as payments.
        credit_gateways: gateways of points and credit, in addition to Shopify's own gift cards and store credit.
        page_limit: orders per page; larger pages use more of Shopify's query budget.
    """

    type: Literal["shopify"]
    api_version: str = Field(default="2026-07", pattern=r"^\d{4}-\d{2}$")
    token_env: EnvironmentVariable = "SHOPIFY_TOKEN"  # noqa: S105 - a variable's name
    order_id: Literal["name", "id"] = "name"
    lead_id_attribute: str | None = None
    click_id_attribute: str | None = None
    payment_gateways: list[str] = Field(default_factory=list)
    credit_gateways: list[str] = Field(default_factory=list)
    page_limit: int = Field(default=20, ge=1, le=250)


class _Amount(Shape):
    amount: NumberText


class _MoneyBag(Shape):
    shopMoney: _Amount  # noqa: N815 - Shopify's name, as all below


class _Customer(Shape):
    legacyResourceId: Side[Identifier] = None  # noqa: N815
    displayName: Side[str] = None  # noqa: N815


class _Address(Shape):
    name: Side[str] = None
    phone: Side[Text] = None
    countryCodeV2: Side[str] = None  # noqa: N815


class _Attribute(Shape):
    key: str
    value: Side[Text] = None


class _Utm(Shape):
    source: Side[str] = None
    medium: Side[str] = None
    campaign: Side[str] = None
    content: Side[str] = None


class _Visit(Shape):
    landingPage: Side[str] = None  # noqa: N815
    source: Side[str] = None
    utmParameters: Side[_Utm] = None  # noqa: N815


class _Journey(Shape):
    lastVisit: Side[_Visit] = None  # noqa: N815


class _Tracking(Shape):
    number: Side[Text] = None


class _Fulfillment(Shape):
    status: str
    createdAt: Instant  # noqa: N815
    deliveredAt: Instant | None  # noqa: N815
    trackingInfo: Side[list[_Tracking]] = None  # noqa: N815


class _Node(Shape):
    id: str


class _Transaction(Shape):
    id: str
    kind: str
    status: str
    gateway: Side[str] = None
    test: bool
    createdAt: Instant  # noqa: N815
    processedAt: Side[Instant] = None  # noqa: N815
    parentTransaction: Side[_Node] = None  # noqa: N815
    amountSet: _MoneyBag  # noqa: N815


class _Order(Shape):
    id: str
    legacyResourceId: Identifier  # noqa: N815
    name: str
    createdAt: Instant  # noqa: N815
    updatedAt: Instant  # noqa: N815
    cancelledAt: Instant | None  # noqa: N815
    cancelReason: Side[str] = None  # noqa: N815
    test: bool
    taxesIncluded: bool  # noqa: N815
    displayFinancialStatus: str | None  # noqa: N815
    displayFulfillmentStatus: str  # noqa: N815
    currencyCode: str  # noqa: N815
    customerLocale: Side[str] = None  # noqa: N815
    email: Side[Text] = None
    phone: Side[Text] = None
    paymentGatewayNames: list[str]  # noqa: N815
    totalPriceSet: _MoneyBag  # noqa: N815
    currentTotalPriceSet: _MoneyBag  # noqa: N815
    totalTaxSet: Side[_MoneyBag] = None  # noqa: N815
    totalShippingPriceSet: Side[_MoneyBag] = None  # noqa: N815
    customer: Side[_Customer] = None
    shippingAddress: Side[_Address] = None  # noqa: N815
    customAttributes: Side[list[_Attribute]] = None  # noqa: N815
    customerJourneySummary: Side[_Journey] = None  # noqa: N815
    fulfillments: list[_Fulfillment]
    refunds: list[_Node]
    # Requested only if a gateway's payments are read, because it is the most expensive part of the query.
    transactions: list[dict[str, object]] | None = None

    def parcels(self) -> list[_Fulfillment]:
        """Fulfilments that were shipped, without cancelled and failed ones."""
        return [parcel for parcel in self.fulfillments if parcel.status not in NO_PARCEL]


class _PageInfo(Shape):
    hasNextPage: bool  # noqa: N815
    endCursor: str | None  # noqa: N815


class _Nodes(Shape):
    pageInfo: _PageInfo  # noqa: N815
    nodes: list[dict[str, object]]


class _OrdersData(Shape):
    orders: _Nodes


class _OrdersAnswer(Shape):
    data: _OrdersData


class _MoneyOfOrder(Shape):
    transactions: list[dict[str, object]]


class _MoneyData(Shape):
    order: _MoneyOfOrder | None


class _MoneyAnswer(Shape):
    data: _MoneyData


class _RefundsOfOrder(Shape):
    refunds: list[_Node]


class _RefundsData(Shape):
    order: _RefundsOfOrder | None


class _RefundsAnswer(Shape):
    data: _RefundsData


class _RefundLine(Shape):
    restockType: str  # noqa: N815
    subtotalSet: _MoneyBag  # noqa: N815
    totalTaxSet: _MoneyBag  # noqa: N815


class _Refund(Shape):
    refundLineItems: _Nodes  # noqa: N815


class _RefundData(Shape):
    refund: _Refund | None


class _RefundAnswer(Shape):
    data: _RefundData


class _AmountIn(_Amount):
    currencyCode: str  # noqa: N815


class _DisputedOrder(Shape):
    name: str
    legacyResourceId: Identifier  # noqa: N815


class _Dispute(Shape):
    legacyResourceId: Identifier  # noqa: N815
    type: str
    status: str
    initiatedAt: Instant  # noqa: N815
    finalizedOn: Side[Instant] = None  # noqa: N815
    amount: _AmountIn
    order: Side[_DisputedOrder] = None


class _DisputesData(Shape):
    disputes: _Nodes


class _DisputesAnswer(Shape):
    data: _DisputesData


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
    code: Side[Text] = None
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


AnswerT = TypeVar("AnswerT", _OrdersAnswer, _MoneyAnswer, _RefundsAnswer, _RefundAnswer, _DisputesAnswer)


class _TooExpensive(RequestRefused):
    """A query costs more than Shopify allows for a single query."""


class Shopify(HttpConnector[ShopifySettings]):
    """Reads the orders changed in the window."""

    tables = ("orders", "payments")
    overlap = timedelta(hours=1)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the orders, then their payments by credit and by the gateways that are read here."""
        reader = self._reader(
            "orders",
            "orders",
            order_id="name" if self.settings.order_id == "name" else "legacyResourceId",
            created_at="createdAt",
            gross_value="totalPriceSet.shopMoney.amount",
            currency="currencyCode",
        )
        money = self._reader(
            "payments",
            "transactions",
            payment_id="id",
            paid_at="processedAt",
            amount="amountSet.shopMoney.amount",
            currency="currency",
        )
        lines = self._reader("orders", "refunds.refundLineItems")
        with self._admin() as client:
            orders = newest(
                reader.each(_Order, self._orders(client, window)),
                key=lambda order: order.legacyResourceId,
                version=lambda order: order.updatedAt,
            )
            rows = [self._order_row(order, self._returned(client, order, lines)) for order in orders]
            payments = [row for order in orders for row in self._payment_rows(client, order, money)]
            disputed = list(self._dispute_rows(client, money)) if self._reads_disputes() else []
        yield reader.batch(rows)
        yield lines.batch([])
        yield money.batch(payments + disputed)

    def probe(self) -> Probe:
        """Read the shop's zone and currency, and check whether orders older than 60 days can be read."""
        with self._admin() as client:
            answer = self._read(_ShopAnswer, client.post(self._path(), json_body={"query": SHOP}).body, "answer").data
            scopes = {scope.handle for scope in answer.currentAppInstallation.accessScopes}
            findings = []
            if "read_all_orders" not in scopes:
                findings.append("without the scope read_all_orders only the last 60 days of orders are visible")
            shop = answer.shop
            account = ProbedAccount(shop.myshopifyDomain, shop.ianaTimezone, shop.currencyCode)
            needed = (*SCOPES, DISPUTE_SCOPE) if self._reads_disputes() else SCOPES
            return Probe([account], client.clock_skew, findings, [name for name in needed if name not in scopes])

    def _classify(self, answer: HttpResponse) -> Failure | None:
        errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
        if answer.status >= 300 or not isinstance(errors, list) or not errors:
            return classify_status(self.name, answer)
        error = self._read(_GraphError, errors[0], "errors").extensions
        if error.code == "THROTTLED":
            wait = self._until_affordable(answer)
            happened = "Shopify's query budget is used up"
            return Failure(RateLimited(self.name, happened, self._now() + wait), is_transient=True, wait=wait)
        if error.code == "ACCESS_DENIED":
            happened = "the app may not read a field the connector needs"
            remedy = "Grant the scopes and the customer data access on this source's page under docs/sources"
            return Failure(MissingPermission(self.name, happened, remedy))
        if error.code == "undefinedField":
            return Failure(
                SchemaDrift(self.name, f"{error.typeName}.{error.fieldName}", "does not exist in this API version")
            )
        return self._refusal(error.code)

    def _refusal(self, code: str | None) -> Failure:
        if code in _PASSING:
            happened = "Shopify answers with an error of its own, and it lasts"
            return Failure(SourceUnavailable(self.name, happened, "Run again later"), is_transient=True)
        if code == "MAX_COST_EXCEEDED":
            return Failure(_TooExpensive(self.name, "Shopify finds the query too dear", "Lower page_limit"))
        happened = f"Shopify refuses the query ({code})"
        return Failure(RequestRefused(self.name, happened, "Check api_version, or lower page_limit"))

    def _until_affordable(self, answer: HttpResponse) -> timedelta:
        cost = self._read(_Throttled, answer.body, "answer").extensions.cost
        shortfall = cost.requestedQueryCost - cost.throttleStatus.currentlyAvailable
        return timedelta(seconds=max(1.0, float(shortfall / cost.throttleStatus.restoreRate)))

    def _admin(self) -> HttpClient:
        return self._client(FixedHeaders(X_Shopify_Access_Token=self._secret(self.settings.token_env)))

    def _path(self) -> str:
        return f"admin/api/{self.settings.api_version}/graphql.json"

    def _query(self, client: HttpClient, document: str, shape: type[AnswerT], /, **variables: object) -> AnswerT:
        body = client.post(self._path(), json_body={"query": document, "variables": variables}).body
        return self._read(shape, body, "answer")

    def _orders(self, client: HttpClient, window: Window) -> Iterator[dict[str, object]]:
        """Yield the orders by time of change; the cursor contains that time, so a change moves only its own order."""
        changed = f"updated_at:>='{window.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" if window.since else None

        first = self.settings.page_limit
        variables = {"query": changed, "money": bool(self.settings.payment_gateways)}

        def fetch(after: str | None) -> CursorPage[dict[str, object]]:
            nonlocal first
            while True:
                try:
                    answer = self._query(client, ORDERS, _OrdersAnswer, first=first, after=after, **variables)
                except _TooExpensive:
                    if first == 1:
                        raise
                else:
                    return _page(answer.data.orders)
                first = max(1, first // 2)

        return by_cursor(self.name, fetch)

    def _returned(self, client: HttpClient, order: _Order, reader: RecordReader) -> Decimal:
        """The value of the returned goods, with or without a refund."""

        def fetch_of(refund: _Node) -> Callable[[str | None], CursorPage[dict[str, object]]]:
            def fetch(after: str | None) -> CursorPage[dict[str, object]]:
                found = self._query(client, REFUND_LINES, _RefundAnswer, id=refund.id, after=after).data.refund
                return _page(found.refundLineItems) if found else CursorPage([], None)

            return fetch

        if not order.refunds:
            return Decimal(0)
        whole = self._query(client, ORDER_REFUNDS, _RefundsAnswer, id=order.id).data.order
        total = Decimal(0)
        for refund in whole.refunds if whole else ():
            lines: Iterator[dict[str, object]] = by_cursor(self.name, fetch_of(refund))
            for line in reader.each(_RefundLine, lines):
                if line.restockType in CAME_BACK:
                    tax = Decimal(0) if order.taxesIncluded else line.totalTaxSet.shopMoney.amount
                    total += line.subtotalSet.shopMoney.amount + tax
        return total

    def _order_id(self, order: _Order | _DisputedOrder) -> str:
        return order.name.removeprefix("#") if self.settings.order_id == "name" else order.legacyResourceId

    def _order_row(self, order: _Order, returned: Decimal) -> Row:
        attributes = {attribute.key: attribute.value for attribute in order.customAttributes or ()}
        visit = order.customerJourneySummary.lastVisit if order.customerJourneySummary else None
        utm = visit.utmParameters if visit else None
        address = order.shippingAddress
        shipped, delivered = _shipping_times(order.parcels())
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
            "tax": amount_text(order.totalTaxSet.shopMoney.amount) if order.totalTaxSet else None,
            "shipping": amount_text(order.totalShippingPriceSet.shopMoney.amount)
            if order.totalShippingPriceSet
            else None,
            "shipped_at": instant_text(shipped),
            "delivered_at": instant_text(delivered),
            "cancelled_at": instant_text(order.cancelledAt),
            "reason": order.cancelReason.lower() if order.cancelReason else None,
            "waybill": next((t.number for f in order.parcels() for t in f.trackingInfo or () if t.number), None),
            "current_value": amount_text(order.currentTotalPriceSet.shopMoney.amount),
            "returned_value": amount_text(returned) if returned else None,
            "is_test": flag_text(order.test),
        }

    def _payment_rows(self, client: HttpClient, order: _Order, reader: RecordReader) -> Iterator[Row]:
        own, credit = set(self.settings.payment_gateways), CREDIT_GATEWAYS | set(self.settings.credit_gateways)
        if own and order.transactions is None:
            raise SchemaDrift(self.name, "orders.nodes.transactions", "is missing")
        records = order.transactions or []
        is_given_back = any(record.get("kind") == "CHANGE" for record in records)
        if len(records) == TRANSACTIONS or is_given_back or credit & set(order.paymentGatewayNames):
            found = self._query(client, ORDER_TRANSACTIONS, _MoneyAnswer, id=order.id).data.order
            records = found.transactions if found else []
        # A transaction has the currency of its order, which is given only there.
        with_currency = ({**record, "currency": order.currencyCode} for record in records)
        transactions = [t for t in reader.each(_Transaction, with_currency) if t.gateway in own | credit]
        given_back = _given_back(transactions, credit)
        for transaction in transactions:
            is_credit = transaction.gateway in credit
            kind = MONEY_KINDS.get(transaction.kind)
            if transaction.test or order.test or transaction.gateway in TEST_GATEWAYS:
                reader.pass_over("test transaction", transaction.id)
            elif transaction.kind in NO_MONEY | {"CHANGE"}:
                continue
            elif is_credit and kind == "refund":
                reader.pass_over("refund as credit: no cash went back", transaction.id)
            else:
                amount = transaction.amountSet.shopMoney.amount - given_back.get(transaction.id, Decimal(0))
                yield {
                    "payment_id": transaction.id.rpartition("/")[2],
                    "kind": "credit" if is_credit and kind else kind,
                    "status": TRANSACTION_STATUSES.get(transaction.status, transaction.status.lower()),
                    "paid_at": instant_text(transaction.processedAt or transaction.createdAt),
                    "amount": amount_text(amount),
                    "currency": order.currencyCode,
                    "market": order.shippingAddress.countryCodeV2 if order.shippingAddress else None,
                    "order_id": self._order_id(order),
                    "customer_id": order.customer.legacyResourceId if order.customer else None,
                    "email": order.email,
                    "phone": order.phone,
                    "method": transaction.gateway,
                    "updated_at": instant_text(order.updatedAt),
                    **({} if kind else {"unread_column": "transactions.kind", "unread": "is a kind that is not known"}),
                }

    def _reads_disputes(self) -> bool:
        return _SHOPIFY_PAYMENTS in self.settings.payment_gateways

    def _dispute_rows(self, client: HttpClient, reader: RecordReader) -> Iterator[Row]:
        """Rows of all chargebacks: they cannot be filtered by time of change, and one may be won later."""

        def fetch(after: str | None) -> CursorPage[dict[str, object]]:
            return _page(self._query(client, DISPUTES, _DisputesAnswer, after=after).data.disputes)

        disputes: Iterator[dict[str, object]] = by_cursor(self.name, fetch)
        for dispute in newest(reader.each(_Dispute, disputes), key=lambda dispute: dispute.legacyResourceId):
            # An inquiry only requests documents and withdraws no money.
            if dispute.type != "CHARGEBACK" or dispute.status in NOT_WITHDRAWN:
                continue
            row = {
                "payment_id": f"dispute-{dispute.legacyResourceId}",
                "kind": "chargeback",
                "status": "settled",
                "paid_at": instant_text(dispute.initiatedAt),
                "amount": amount_text(dispute.amount.amount),
                "currency": dispute.amount.currencyCode,
                "order_id": self._order_id(dispute.order) if dispute.order else None,
                "method": _SHOPIFY_PAYMENTS,
                "updated_at": instant_text(dispute.initiatedAt),
            }
            if dispute.status not in WITHDRAWN:
                row |= {"unread_column": "disputes.status", "unread": "is a status that is not known"}
            yield row
            if dispute.status == "WON":
                won_at = instant_text(dispute.finalizedOn or dispute.initiatedAt)
                reversal = {"payment_id": f"{row['payment_id']}-won", "kind": "chargeback_reversal"}
                yield {**row, **reversal, "paid_at": won_at, "updated_at": won_at}


def _page(found: _Nodes) -> CursorPage[dict[str, object]]:
    return CursorPage(found.nodes, found.pageInfo.endCursor if found.pageInfo.hasNextPage else None)


def _given_back(transactions: Sequence[_Transaction], credit: set[str]) -> dict[str, Decimal]:
    """Amounts given back by ID of the sale: change of a cash payment, and credit returned to its card.

    If Shopify names no sale, the first one of the same gateway is used.
    """
    sales = [t for t in transactions if t.kind in {"SALE", "CAPTURE"} and t.status == "SUCCESS"]
    back: dict[str, Decimal] = {}
    for transaction in transactions:
        is_back = transaction.kind == "CHANGE" or (transaction.kind == "REFUND" and transaction.gateway in credit)
        if not is_back or transaction.status != "SUCCESS":
            continue
        parent = transaction.parentTransaction.id if transaction.parentTransaction else None
        of_gateway = [sale.id for sale in sales if sale.gateway == transaction.gateway]
        sale_id = parent if parent in {sale.id for sale in sales} else next(iter(of_gateway), None)
        if sale_id is not None:
            back[sale_id] = back.get(sale_id, Decimal(0)) + transaction.amountSet.shopMoney.amount
    return back


def _shipping_times(parcels: Sequence[_Fulfillment]) -> tuple[datetime | None, datetime | None]:
    """When the first parcel was shipped, and when the last was delivered (None while one is in transit)."""
    shipped = min((parcel.createdAt for parcel in parcels), default=None)
    arrived = [parcel.deliveredAt for parcel in parcels if parcel.deliveredAt is not None]
    return shipped, max(arrived) if arrived and len(arrived) == len(parcels) else None


def _status(order: _Order) -> str:
    """One status for Shopify's three: cancellation, payment and fulfilment, in this order of precedence."""
    parcels = order.parcels()
    if order.cancelledAt is not None:
        return "cancelled"
    if order.displayFinancialStatus == "REFUNDED":
        return "refunded"
    # An order whose payment was voided or has expired may still be shipped, and then must be paid.
    if order.displayFinancialStatus in {"EXPIRED", "VOIDED"} and not parcels:
        return order.displayFinancialStatus.lower()
    if order.displayFulfillmentStatus == "RESTOCKED":
        return "returned"
    if order.displayFulfillmentStatus == "FULFILLED":
        return "delivered" if _shipping_times(parcels)[1] else "shipped"
    return "confirmed" if order.displayFinancialStatus in {"PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED"} else "placed"
