"""WooCommerce: orders, with the visit that WooCommerce's own order attribution stores in their metadata.

Only the `_gmt` times are read; the others are in the site's own zone, which the order does not contain. Pages are numbered,
so they are read in order of ID and compared with the total that the shop reports. The order total includes edits and coupons.
Orders in the trash are listed separately.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import basic
from reconciliation_assets.sources.errors import MissingPermission, SchemaDrift
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, classify_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.paging import CountedPage, by_number, newest
from reconciliation_assets.sources.records import RecordReader, keep_paths
from reconciliation_assets.sources.shapes import (
    AnyNumber,
    Identifier,
    NumberText,
    Shape,
    Side,
    Text,
    amount_text,
    flag_text,
    full_name,
    instant_text,
)

ATTRIBUTION = "_wc_order_attribution_"

STATUSES = (
    "auto-draft", "cancelled", "checkout-draft", "completed", "failed", "on-hold", "pending", "processing", "refunded",
    "trash",
)  # fmt: skip
"""WooCommerce's own order statuses, as its REST API publishes them; plugins add others."""

_TRASH = "trash"
TEST_MODES = {"_wcpay_mode": "test", "_ppcp_paypal_payment_mode": "sandbox"}
"""Metadata keys and values by which payment plugins mark an order paid in test mode. WooCommerce has no such flag."""


def _utc(value: object) -> object:
    """WooCommerce's `_gmt` times have no offset."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


Gmt = Annotated[datetime, BeforeValidator(_utc)]


class WooCommerceSettings(SourceSettings):
    """Settings of a `woocommerce` source.

    Attributes:
        base_url: HTTPS address of the shop.
        key_env: the environment variable with the REST API consumer key, read permission.
        secret_env: the environment variable with the REST API consumer secret.
        order_id: the order ID that other systems use: the order's number, or WooCommerce's own ID.
        lead_id_meta: order metadata key with the company's lead ID.
        click_id_meta: order metadata key with Meta's click ID.
        waybill_meta: order metadata key with the waybill, written by the courier's plugin.
        delivered_at_meta: order metadata key with the time of delivery, ISO 8601.
        page_limit: orders per page.
    """

    type: Literal["woocommerce"]
    key_env: EnvironmentVariable = "WOOCOMMERCE_KEY"
    secret_env: EnvironmentVariable = "WOOCOMMERCE_SECRET"  # noqa: S105 - a variable's name
    order_id: Literal["number", "id"] = "number"
    lead_id_meta: str | None = None
    click_id_meta: str | None = None
    waybill_meta: str | None = None
    delivered_at_meta: str | None = None
    page_limit: int = Field(default=100, ge=1, le=100)


class _Billing(Shape):
    first_name: Side[Text] = None
    last_name: Side[Text] = None
    email: Side[Text] = None
    phone: Side[Text] = None
    country: Side[Text] = None


class _Meta(Shape):
    key: Side[Text] = None
    value: object = None


class _Refund(Shape):
    total: AnyNumber


class _Order(Shape):
    id: Identifier
    number: Identifier
    status: str
    currency: str
    date_created_gmt: Gmt
    date_modified_gmt: Gmt
    date_paid_gmt: Side[Gmt] = None
    date_completed_gmt: Side[Gmt] = None
    total: NumberText
    total_tax: Side[NumberText] = None
    shipping_total: Side[NumberText] = None
    customer_id: Side[Identifier] = None
    billing: Side[_Billing] = None
    payment_method: Side[Text] = None
    meta_data: Side[list[_Meta]] = None
    refunds: Side[list[_Refund]] = None


class _Setting(Shape):
    value: str


class WooCommerce(HttpConnector[WooCommerceSettings]):
    """Reads the orders changed in the window."""

    tables = ("orders",)
    overlap = timedelta(hours=1)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the orders in one batch."""
        reader = RecordReader(self.name, "orders", "orders", self._readable_values)
        with self._shop() as client:
            records = [*self._orders(client, window), *self._orders(client, window, status=_TRASH)]
        orders = newest(
            reader.each(_Order, records), key=lambda order: order.id, version=lambda order: order.date_modified_gmt
        )
        yield reader.batch([self._row(order) for order in orders])

    def probe(self) -> Probe:
        """Read the shop's currency, and check that orders can be listed."""
        with self._shop() as client:
            currency = client.get("wp-json/wc/v3/settings/general/woocommerce_currency").body
            client.get("wp-json/wc/v3/orders", {"per_page": 1})
            account = ProbedAccount("woocommerce", "UTC", self._read(_Setting, currency, "settings").value)
            return Probe([account], client.clock_skew)

    def _classify(self, answer: HttpResponse) -> Failure | None:
        code = answer.body.get("code") if isinstance(answer.body, dict) else None
        if answer.status in {401, 403} and code == "woocommerce_rest_cannot_view":
            happened = "the API key may not read orders"
            return Failure(
                MissingPermission(self.name, happened, "Give it read permission, for a user who may see orders")
            )
        return classify_status(self.name, answer)

    def _shop(self) -> HttpClient:
        return self._client(basic(self._secret(self.settings.key_env), self._secret(self.settings.secret_env)))

    def _orders(self, client: HttpClient, window: Window, status: str = "any") -> Iterator[dict[str, object]]:
        since = (
            {"modified_after": f"{window.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "dates_are_gmt": "true"}
            if window.since
            else {}
        )
        params: Params = {
            **since,
            "status": status,
            "orderby": "id",
            "order": "asc",
            "per_page": self.settings.page_limit,
        }

        def fetch(number: int) -> CountedPage[dict[str, object]]:
            answer = client.get("wp-json/wc/v3/orders", {**params, "page": number})
            if not isinstance(answer.body, list) or not all(isinstance(record, dict) for record in answer.body):
                raise SchemaDrift(self.name, "orders", "is no list of orders")
            pages, total = (self._count(answer, name) for name in ("x-wp-totalpages", "x-wp-total"))
            return CountedPage(answer.body, number >= pages, total)

        return by_number(self.name, fetch, key=lambda record: str(record.get("id")))

    def _readable_values(self, record: object) -> Row:
        """What is kept of an unreadable order."""
        own_id, made = self.settings.order_id, "date_created_gmt"
        row = keep_paths(order_id=own_id, created_at=made, gross_value="total", currency="currency")(record)
        return {**row, "created_at": f"{row['created_at']}Z" if row["created_at"] else None}

    def _count(self, answer: HttpResponse, header: str) -> int:
        """A count from a header; without it, the first page would count as the complete list."""
        value = answer.headers.get(header, "")
        if not value.isdecimal():
            remedy = "See whether a proxy or plugin in front of the shop removes it"
            raise SchemaDrift(self.name, header, "is missing or no number", remedy)
        return int(value)

    def _row(self, order: _Order) -> Row:
        metadata = {
            entry.key: entry.value
            for entry in order.meta_data or ()
            if entry.key is not None and isinstance(entry.value, str) and entry.value
        }
        own, billing = self.settings, order.billing or _Billing()
        returned = sum((abs(refund.total) for refund in order.refunds or ()), Decimal(0))
        cancelled = order.status == "cancelled"
        return {
            "order_id": order.number if own.order_id == "number" else order.id,
            "created_at": instant_text(order.date_created_gmt),
            "updated_at": instant_text(order.date_modified_gmt),
            "status": order.status,
            "gross_value": amount_text(order.total),
            "currency": order.currency,
            "lead_id": metadata.get(own.lead_id_meta or ""),
            # All guests have the ID 0.
            "customer_id": order.customer_id if order.customer_id != "0" else None,
            "click_id": metadata.get(own.click_id_meta or ""),
            "source": metadata.get(f"{ATTRIBUTION}utm_source"),
            "medium": metadata.get(f"{ATTRIBUTION}utm_medium"),
            "utm_campaign": metadata.get(f"{ATTRIBUTION}utm_campaign"),
            "utm_content": metadata.get(f"{ATTRIBUTION}utm_content"),
            "landing_page": metadata.get(f"{ATTRIBUTION}session_entry"),
            # WooCommerce capitalises it; other systems do not.
            "device": metadata.get(f"{ATTRIBUTION}device_type", "").lower() or None,
            "market": billing.country or None,
            "email": billing.email or None,
            "phone": billing.phone or None,
            "full_name": full_name(billing.first_name, billing.last_name),
            "payment_method": order.payment_method or None,
            "tax": amount_text(order.total_tax),
            "shipping": amount_text(order.shipping_total),
            "confirmed_at": instant_text(order.date_paid_gmt),
            "delivered_at": metadata.get(own.delivered_at_meta or "") or instant_text(order.date_completed_gmt),
            "cancelled_at": instant_text(order.date_modified_gmt) if cancelled else None,
            "waybill": metadata.get(own.waybill_meta or ""),
            "current_value": amount_text(order.total),
            "returned_value": amount_text(returned) if returned else None,
            "is_test": flag_text(any(metadata.get(key) == mode for key, mode in TEST_MODES.items())),
            "is_deleted": flag_text(order.status == _TRASH),
        }
