"""Tap: charges as payments and refunds as refunds.

Only a CAPTURED charge is money; what is authorised or under way is pending, what was declined, voided or abandoned
failed. Tap lists by creation, so the overlap reaches back as far as a refund usually takes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.http import HttpClient
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.shapes import Number, Shape, amount_text, at, full_name, instant_text

CHARGE_STATUSES = {
    "CAPTURED": "settled",
    "INITIATED": "pending",
    "IN_PROGRESS": "pending",
    "AUTHORIZED": "pending",
    "UNKNOWN": "pending",
    "ABANDONED": "failed",
    "CANCELLED": "failed",
    "DECLINED": "failed",
    "FAILED": "failed",
    "RESTRICTED": "failed",
    "TIMEDOUT": "failed",
    "VOID": "failed",
}
"""Tap's charge statuses; one that is not here is handed on as it is, for the contract to quarantine."""

REFUND_STATUSES = {
    "REFUNDED": "settled",
    "ACCEPTED": "pending",
    "IN_PROGRESS": "pending",
    "PENDING": "pending",
    "UNKNOWN": "pending",
    "CANCELLED": "failed",
    "DECLINED": "failed",
    "FAILED": "failed",
    "RESTRICTED": "failed",
    "TIMED_OUT": "failed",
}


def _milliseconds(value: object) -> object:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    return value


Created = Annotated[datetime, BeforeValidator(_milliseconds)]


class TapSettings(SourceSettings):
    """Settings of a `tap` source.

    Attributes:
        key_env: the environment variable with the secret key.
        order_id_from: where a charge names its order.
        page_limit: records per page.
    """

    type: Literal["tap"]
    base_url: str = "https://api.tap.company"
    key_env: EnvironmentVariable = "TAP_SECRET_KEY"
    order_id_from: str = "reference.order"
    page_limit: int = Field(default=50, ge=1, le=50)


class _Phone(Shape):
    country_code: str | None = None
    number: str | None = None


class _Customer(Shape):
    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: _Phone | None = None


class _Source(Shape):
    payment_method: str | None = None


class _Transaction(Shape):
    created: Created


class _Charge(Shape):
    id: str
    status: str
    amount: Number
    currency: str
    transaction: _Transaction
    customer: _Customer | None = None
    source: _Source | None = None


class _Refund(Shape):
    id: str
    status: str
    amount: Number
    currency: str
    charge_id: str
    created: Created


class _Charges(Shape):
    has_more: bool
    charges: list[dict[str, object]]


class _Refunds(Shape):
    has_more: bool
    refunds: list[dict[str, object]]


PageT = TypeVar("PageT", _Charges, _Refunds)


class Tap(HttpConnector[TapSettings]):
    """Reads charges and refunds made in the window."""

    tables = ("payments",)
    overlap = timedelta(days=30)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield charges, then refunds."""
        with self._tap() as client:
            records = list(self._listed(client, "charges", _Charges, window))
            charges = newest(
                ((record, self._read(_Charge, record, "charges")) for record in records), key=lambda pair: pair[1].id
            )
            known = {charge.id: record for record, charge in charges}
            yield Batch("payments", [self._charge_row(record, charge) for record, charge in charges])
            refunds = newest(
                (
                    self._read(_Refund, record, "refunds")
                    for record in self._listed(client, "refunds", _Refunds, window)
                ),
                key=lambda refund: refund.id,
            )
            yield Batch("payments", [self._refund_row(client, refund, known) for refund in refunds])

    def probe(self) -> Probe:
        """Check that charges may be listed; Tap tells neither zone nor currency of an account."""
        now = self._now()
        with self._tap() as client:
            next(iter(self._listed(client, "charges", _Charges, Window(now - timedelta(days=1), now))), None)
            return Probe([ProbedAccount("tap", "UTC")], client.clock_skew)

    def _tap(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.key_env)))

    def _listed(self, client: HttpClient, kind: str, shape: type[PageT], window: Window) -> Iterator[dict[str, object]]:
        """Yield a list's records, newest first; the cursor names the last record seen."""
        since = window.since or datetime.fromtimestamp(0, UTC)
        period = {"from": _epoch_milliseconds(since), "to": _epoch_milliseconds(window.until)}

        def fetch(after: str | None) -> CursorPage[dict[str, object]]:
            asked = {"period": {"date": period}, "limit": self.settings.page_limit, "starting_after": after or ""}
            page = self._read(shape, client.post(f"v2/{kind}/list", json_body=asked).body, kind)
            records = page.charges if isinstance(page, _Charges) else page.refunds
            return CursorPage(records, at(records[-1], "id") if page.has_more and records else None)

        return by_cursor(self.name, fetch)

    def _charge_row(self, record: dict[str, object], charge: _Charge) -> Row:
        return {
            "payment_id": charge.id,
            "kind": "payment",
            "status": CHARGE_STATUSES.get(charge.status, charge.status.lower()),
            "paid_at": instant_text(charge.transaction.created),
            "amount": amount_text(charge.amount),
            "currency": charge.currency,
            "updated_at": instant_text(charge.transaction.created),
            **self._from_charge(record),
        }

    def _refund_row(self, client: HttpClient, refund: _Refund, known: dict[str, dict[str, object]]) -> Row:
        if refund.charge_id not in known:
            body = client.get(f"v2/charges/{refund.charge_id}").body
            known[refund.charge_id] = body if isinstance(body, dict) else {}
        return {
            "payment_id": refund.id,
            "kind": "refund",
            "status": REFUND_STATUSES.get(refund.status, refund.status.lower()),
            "paid_at": instant_text(refund.created),
            "amount": amount_text(refund.amount),
            "currency": refund.currency,
            "updated_at": instant_text(refund.created),
            **self._from_charge(known[refund.charge_id]),
        }

    def _from_charge(self, record: dict[str, object]) -> dict[str, str | None]:
        charge = self._read(_Charge, record, "charges")
        customer = charge.customer or _Customer()
        phone = customer.phone or _Phone()
        return {
            "order_id": at(record, self.settings.order_id_from),
            "customer_id": customer.id,
            "reference": charge.id,
            "email": customer.email,
            "phone": f"+{phone.country_code}{phone.number}" if phone.country_code and phone.number else phone.number,
            "payer_name": full_name(customer.first_name, customer.last_name),
            "method": charge.source.payment_method if charge.source else None,
        }


def _epoch_milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
