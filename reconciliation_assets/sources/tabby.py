"""Tabby: captures as payments and refunds as refunds, each under its own ID.

A payment's status does not say what was collected: a closed payment may have been captured in full, in part or not at
all. Tabby filters by the payment's creation only, so the overlap is as long as refunds usually take.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Literal

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.http import HttpClient, HttpResponse, Params
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.money import COUNTRY_OF
from reconciliation_assets.sources.paging import CountedPage, by_number, newest
from reconciliation_assets.sources.records import RecordReader
from reconciliation_assets.sources.shapes import Instant, NumberText, Shape, Side, Text, amount_text, instant_text


class TabbySettings(SourceSettings):
    """Settings of a `tabby` source.

    Attributes:
        base_url: `https://api.tabby.ai` for the UAE and Kuwait, `https://api.tabby.sa` for Saudi Arabia.
        key_env: the environment variable with the secret key.
        page_limit: payments per page; Tabby allows up to 20.
    """

    type: Literal["tabby"]
    base_url: str = "https://api.tabby.ai"
    key_env: EnvironmentVariable = "TABBY_SECRET_KEY"
    page_limit: int = Field(default=20, ge=1, le=20)


class _Buyer(Shape):
    name: Side[Text] = None
    email: Side[Text] = None
    phone: Side[Text] = None


class _Order(Shape):
    reference_id: Side[Text] = None


class _Movement(Shape):
    id: str
    created_at: Instant
    amount: NumberText
    tax_amount: Side[NumberText] = None


class _Payment(Shape):
    id: str
    created_at: Instant
    currency: str
    is_test: Side[bool] = None
    buyer: Side[_Buyer] = None
    order: Side[_Order] = None
    # Both are null until there is one.
    captures: list[dict[str, object]] | None = None
    refunds: list[dict[str, object]] | None = None

    def movements(self) -> list[tuple[str, dict[str, object]]]:
        """All captures and refunds, with their kind."""
        captured = [("payment", capture) for capture in self.captures or ()]
        return captured + [("refund", refund) for refund in self.refunds or ()]


class _Pagination(Shape):
    offset: int
    total_count: int


class _Payments(Shape):
    payments: list[dict[str, object]] | None
    pagination: _Pagination


class Tabby(HttpConnector[TabbySettings]):
    """Reads the captures and refunds of payments created since the start of the window."""

    tables = ("payments",)
    overlap = timedelta(days=90)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the captures and refunds of all payments in one batch."""
        since: Params = {"created_at__gte": window.since.astimezone(UTC).date().isoformat()} if window.since else {}
        reader = self._reader("payments", "payments", reference="id", amount="amount", currency="currency")
        movement_reader = self._reader(
            "payments",
            "payments.captures and refunds",
            payment_id="id",
            paid_at="created_at",
            amount="amount",
            currency="currency",
        )
        with self._tabby() as client:
            payments = newest(
                reader.each(_Payment, self._payments(client, since)),
                key=lambda payment: payment.id,
                version=lambda payment: len(payment.movements()),
            )
            for payment in payments:
                if payment.is_test:
                    reader.pass_over("test payment", payment.id)
            yield reader.batch([])
            live = [payment for payment in payments if not payment.is_test]
            yield movement_reader.batch([row for payment in live for row in _rows(payment, movement_reader)])

    def probe(self) -> Probe:
        """Check that payments can be listed; Tabby gives no zone, and currencies only with payments."""
        with self._tabby() as client:
            self._page(client, {}, 0)
            return Probe([ProbedAccount("tabby", "UTC")], client.clock_skew)

    def _tabby(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.key_env)))

    def _payments(self, client: HttpClient, since: Params) -> Iterator[dict[str, object]]:
        def fetch(number: int) -> CountedPage[dict[str, object]]:
            offset = number * self.settings.page_limit
            page = self._page(client, since, offset)
            found = page.payments or []
            last = offset + len(found) >= page.pagination.total_count or not found
            return CountedPage(found, last, page.pagination.total_count)

        return by_number(self.name, fetch, key=lambda record: str(record.get("id")), first=0)

    def _page(self, client: HttpClient, since: Params, offset: int) -> _Payments:
        def fits(answer: HttpResponse) -> bool:
            return self._read(_Payments, answer.body, "answer").pagination.offset == offset

        params: Params = {**since, "limit": self.settings.page_limit, "offset": offset}
        return self._read(_Payments, client.get("api/v2/payments", params, fits=fits).body, "answer")


def _rows(payment: _Payment, reader: RecordReader) -> Iterator[Row]:
    order, buyer = payment.order or _Order(), payment.buyer or _Buyer()
    for kind, record in payment.movements():
        movement = reader.one(_Movement, {**record, "currency": payment.currency})
        if movement is None:
            continue
        yield {
            "payment_id": movement.id,
            "kind": kind,
            "status": "settled",
            "paid_at": instant_text(movement.created_at),
            "amount": amount_text(movement.amount),
            "currency": payment.currency,
            "tax": amount_text(movement.tax_amount),
            "order_id": order.reference_id,
            "reference": payment.id,
            # Tabby has one currency per country, and phone numbers in the country's local format.
            "market": COUNTRY_OF.get(payment.currency),
            "email": buyer.email,
            "phone": buyer.phone,
            "payer_name": buyer.name,
            "method": "tabby",
            "updated_at": instant_text(movement.created_at),
        }
