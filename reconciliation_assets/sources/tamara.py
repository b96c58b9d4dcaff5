"""Tamara: captures as payments and refunds as refunds, looked up order by order.

Tamara cannot list orders; it only returns an order by the merchant's reference. The references therefore come from the shop
in the same sources file, from its orders paid with Tamara, and the overlap is as long as refunds usually take. An order that
is authorised but not captured has no rows: it is not money yet.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Connector, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.errors import Misconfigured, RequestRefused
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, classify_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.money import COUNTRY_OF
from reconciliation_assets.sources.records import RecordReader
from reconciliation_assets.sources.shapes import (
    Identifier,
    Instant,
    Number,
    Shape,
    Side,
    Text,
    amount_text,
    full_name,
    instant_text,
)

_UNKNOWN_REFERENCE = 404
_SANDBOX = "sandbox"
"""Part of the URL of Tamara's sandbox, whose orders are not marked as tests."""


class TamaraSettings(SourceSettings):
    """Settings of a `tamara` source.

    Attributes:
        token_env: the environment variable with the merchant API token.
        orders_from: name of the shop whose orders are looked up; its `order_id` must be the reference that the shop sends
            to Tamara.
        payment_methods: the shop's names for Tamara; orders whose payment method contains one of these are looked up.
    """

    type: Literal["tamara"]
    base_url: str = "https://api.tamara.co"
    token_env: EnvironmentVariable = "TAMARA_API_TOKEN"  # noqa: S105 - a variable's name
    orders_from: str
    payment_methods: list[str] = Field(default=["tamara"], min_length=1)


class _Money(Shape):
    amount: Number
    currency: str


class _Capture(Shape):
    capture_id: str
    total_amount: _Money
    tax_amount: Side[_Money] = None
    created_at: Instant


class _Refund(Shape):
    refund_id: str
    total_amount: _Money
    created_at: Instant


class _Transactions(Shape):
    captures: list[dict[str, object]] | None = None
    refunds: list[dict[str, object]] | None = None


class _Consumer(Shape):
    first_name: Side[Text] = None
    last_name: Side[Text] = None
    email: Side[Text] = None
    phone_number: Side[Text] = None


class _Address(Shape):
    country_code: Side[Text] = None


class _Order(Shape):
    order_id: str
    order_reference_id: Identifier
    # Null before the first capture, like the lists in it.
    transactions: _Transactions | None
    consumer: Side[_Consumer] = None
    country_code: Side[Text] = None
    shipping_address: Side[_Address] = None


class Tamara(HttpConnector[TamaraSettings]):
    """Reads Tamara's captures and refunds of a shop's orders."""

    tables = ("payments",)
    overlap = timedelta(days=45)

    def link_sources(self, others: Mapping[str, Connector]) -> None:
        """Find the shop that provides the references."""
        shop = others.get(self.settings.orders_from)
        if shop is None or "orders" not in shop.tables:
            happened = f"orders_from names no shop of this file: {self.settings.orders_from!r}"
            raise Misconfigured(self.name, happened, "Name the source that delivers the orders paid with Tamara")
        self._shop = shop

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the captures and refunds of the shop's orders in the window."""
        references = self._references(window)
        with self._tamara() as client:
            orders = {
                reference: order for reference in references if (order := self._order(client, reference)) is not None
            }
        if references and not orders:
            raise RequestRefused(
                self.name,
                f"Tamara knows none of the shop's {len(references)} orders by their ID",
                "Set the shop's order_id to the reference it gives to Tamara",
            )
        if _SANDBOX in self.settings.base_url:
            yield Batch("payments", [], {"order of Tamara's sandbox": len(orders)})
            return
        captures = self._movements("captures", "capture_id")
        refunds = self._movements("refunds", "refund_id")
        rows = [
            row for reference, order in orders.items() for row in _rows(order, references[reference], captures, refunds)
        ]
        yield captures.batch(rows)
        yield refunds.batch([])

    def probe(self) -> Probe:
        """Check the token with a reference that does not exist; Tamara gives neither zone nor currency of a merchant."""
        with self._tamara() as client:
            self._order(client, "reconcile-doctor")
            finding = "base_url is Tamara's sandbox: the money it tells does not exist and is passed over"
            findings = [finding] if _SANDBOX in self.settings.base_url else []
            return Probe([ProbedAccount("tamara", "UTC")], client.clock_skew, findings)

    def _classify(self, answer: HttpResponse) -> Failure | None:
        return None if answer.status == _UNKNOWN_REFERENCE else classify_status(self.name, answer)

    def _tamara(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.token_env)))

    def _movements(self, kind: str, payment_id: str) -> RecordReader:
        amount, currency = "total_amount.amount", "total_amount.currency"
        where = f"order.transactions.{kind}"
        return self._reader(
            "payments", where, payment_id=payment_id, paid_at="created_at", amount=amount, currency=currency
        )

    def _references(self, window: Window) -> dict[str, str | None]:
        """Markets by ID of the shop's orders that were paid with Tamara, sorted."""
        rows = [row for batch in self._shop.pull(window) if batch.table == "orders" for row in batch.rows]
        markets = {
            order_id: row.get("market") for row in rows if (order_id := row.get("order_id")) and self._is_tamara(row)
        }
        return dict(sorted(markets.items()))

    def _is_tamara(self, order: Row) -> bool:
        method = (order.get("payment_method") or "").lower()
        return any(name.lower() in method for name in self.settings.payment_methods)

    def _order(self, client: HttpClient, reference: str) -> _Order | None:
        def fits(answer: HttpResponse) -> bool:
            return answer.status == _UNKNOWN_REFERENCE or (
                self._read(_Order, answer.body, "order").order_reference_id == reference
            )

        answer = client.get(f"merchants/orders/reference-id/{quote(reference, safe='')}", fits=fits)
        return None if answer.status == _UNKNOWN_REFERENCE else self._read(_Order, answer.body, "order")


def _rows(order: _Order, market: str | None, captures: RecordReader, refunds: RecordReader) -> Iterator[Row]:
    consumer, transactions = order.consumer or _Consumer(), order.transactions or _Transactions()
    country = order.country_code or (order.shipping_address.country_code if order.shipping_address else None) or market
    from_order = {
        "status": "settled",
        "order_id": order.order_reference_id,
        "reference": order.order_id,
        "email": consumer.email,
        "phone": consumer.phone_number,
        "payer_name": full_name(consumer.first_name, consumer.last_name),
        "method": "tamara",
    }
    for capture in captures.each(_Capture, transactions.captures or ()):
        tax = amount_text(capture.tax_amount.amount) if capture.tax_amount else None
        yield {
            "payment_id": capture.capture_id,
            "kind": "payment",
            "tax": tax,
            **_movement_columns(capture, country),
            **from_order,
        }
    for refund in refunds.each(_Refund, transactions.refunds or ()):
        yield {
            "payment_id": refund.refund_id,
            "kind": "refund",
            "tax": None,
            **_movement_columns(refund, country),
            **from_order,
        }


def _movement_columns(movement: _Capture | _Refund, country: str | None) -> Row:
    return {
        "market": country or COUNTRY_OF.get(movement.total_amount.currency),
        "amount": amount_text(movement.total_amount.amount),
        "currency": movement.total_amount.currency,
        "paid_at": instant_text(movement.created_at),
        "updated_at": instant_text(movement.created_at),
    }
