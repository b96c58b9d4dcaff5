"""Tap: charges as payments and refunds as refunds.

Only a CAPTURED charge is money; authorised charges and charges in progress are pending; declined, voided and abandoned ones
are failed. Tap lists by creation, so the overlap is as long as a refund usually takes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import bearer
from reconciliation_assets.sources.errors import RequestRefused
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, classify_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.money import COUNTRY_OF
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.records import KeepValues, RecordReader, keep_paths
from reconciliation_assets.sources.shapes import Number, Shape, Side, Text, amount_text, at, full_name, instant_text

CHARGE_STATUSES = {
    "CAPTURED": "settled",
    "INITIATED": "pending",
    "IN_PROGRESS": "pending",
    "AUTHORIZED": "pending",
    "DEFERRED": "pending",
    "UNKNOWN": "pending",
    "ABANDONED": "failed",
    "CANCELED": "failed",
    "CANCELLED": "failed",
    "DECLINED": "failed",
    "EXPIRED": "failed",
    "FAILED": "failed",
    "RESTRICTED": "failed",
    "TIMEDOUT": "failed",
    "TIMED_OUT": "failed",
    "VOID": "failed",
}
"""Our status by Tap's charge status; an unknown one is passed on unchanged, and the contract quarantines it."""

REFUND_STATUSES = {
    "REFUNDED": "settled",
    "ACCEPTED": "pending",
    "IN_PROGRESS": "pending",
    "PENDING": "pending",
    "UNKNOWN": "pending",
    "CANCELED": "failed",
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
        order_id_from: path of the order ID in a charge.
        market: ISO country for phone numbers without a country code; by default the currency's country.
        page_limit: records per page.
    """

    type: Literal["tap"]
    base_url: str = "https://api.tap.company"
    key_env: EnvironmentVariable = "TAP_SECRET_KEY"
    order_id_from: str = "reference.order"
    market: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    page_limit: int = Field(default=50, ge=1, le=50)


class _Phone(Shape):
    country_code: Side[Text] = None
    number: Side[Text] = None


class _Customer(Shape):
    id: Side[Text] = None
    first_name: Side[Text] = None
    last_name: Side[Text] = None
    email: Side[Text] = None
    phone: Side[_Phone] = None


class _Source(Shape):
    payment_method: Side[Text] = None


class _Transaction(Shape):
    created: Created


class _Charge(Shape):
    id: str
    status: str
    amount: Number
    currency: str
    transaction: _Transaction
    live_mode: Side[bool] = None
    customer: Side[_Customer] = None
    source: Side[_Source] = None


class _Refund(Shape):
    id: str
    status: str
    amount: Number
    currency: str
    charge_id: str
    created: Created
    live_mode: Side[bool] = None


class _Charges(Shape):
    has_more: bool
    charges: list[dict[str, object]] | None


class _Refunds(Shape):
    has_more: bool
    refunds: list[dict[str, object]] | None


PageT = TypeVar("PageT", _Charges, _Refunds)


class _BadRequest(RequestRefused):
    """Tap answered with status 400 and its own error code."""


class Tap(HttpConnector[TapSettings]):
    """Reads charges and refunds created in the window."""

    tables = ("payments",)
    overlap = timedelta(days=30)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield charges, then refunds."""
        charge_reader = RecordReader(self.name, "payments", "charges", _readable_values("transaction.created"))
        refund_reader = RecordReader(self.name, "payments", "refunds", _readable_values("created"))
        with self._tap() as client:
            records = newest(self._list(client, "charges", _Charges, window), key=lambda record: at(record, "id"))
            by_id = {str(at(record, "id")): record for record in records}
            read = [(record, charge_reader.one(_Charge, record)) for record in records]
            yield charge_reader.batch(
                [
                    self._charge_row(record, charge)
                    for record, charge in read
                    if charge is not None and self._is_live(charge, charge_reader)
                ]
            )
            listed_refunds = self._list_refunds(client, window, refund_reader)
            refunds = newest(refund_reader.each(_Refund, listed_refunds), key=lambda refund: refund.id)
            rows = [
                self._refund_row(client, refund, by_id) for refund in refunds if self._is_live(refund, refund_reader)
            ]
            yield refund_reader.batch(rows)

    def probe(self) -> Probe:
        """Check that charges can be listed; Tap gives neither zone nor currency of an account."""
        now = self._now()
        with self._tap() as client:
            next(iter(self._list(client, "charges", _Charges, Window(now - timedelta(days=1), now))), None)
            return Probe(
                [ProbedAccount("tap", "UTC")], client.clock_skew, self._test_key_finding(self.settings.key_env)
            )

    def _tap(self) -> HttpClient:
        return self._client(bearer(self._secret(self.settings.key_env)))

    def _list(self, client: HttpClient, kind: str, shape: type[PageT], window: Window) -> Iterator[dict[str, object]]:
        """Yield a list's records, newest first; the cursor names the last record seen."""
        since = window.since or datetime.fromtimestamp(0, UTC)
        period = {"from": _epoch_milliseconds(since), "to": _epoch_milliseconds(window.until)}

        def fetch(after: str | None) -> CursorPage[dict[str, object]]:
            query = {"period": {"date": period}, "limit": self.settings.page_limit, "starting_after": after or ""}
            page = self._read(shape, client.post(f"v2/{kind}/list", json_body=query).body, kind)
            records = (page.charges if isinstance(page, _Charges) else page.refunds) or []
            return CursorPage(records, at(records[-1], "id") if page.has_more and records else None)

        return by_cursor(self.name, fetch)

    def _list_refunds(self, client: HttpClient, window: Window, reader: RecordReader) -> list[dict[str, object]]:
        """The refunds. Tap answers with status 400 if there are none; the same request for charges has just succeeded."""
        found: list[dict[str, object]] = []
        try:
            found.extend(self._list(client, "refunds", _Refunds, window))
        except _BadRequest:
            if found:
                raise
            reader.pass_over("Tap answers 400 to the list of refunds, as it does where there are none", window)
        return found

    def _classify(self, answer: HttpResponse) -> Failure | None:
        if answer.status == 400 and isinstance(answer.body, dict) and isinstance(answer.body.get("errors"), list):
            return Failure(
                _BadRequest(
                    self.name,
                    "the system refuses the request (HTTP 400)",
                    "Check base_url and the key in the sources file",
                )
            )
        return classify_status(self.name, answer)

    def _charge_row(self, record: dict[str, object], charge: _Charge) -> Row:
        return {
            "payment_id": charge.id,
            "kind": "payment",
            "status": CHARGE_STATUSES.get(charge.status, charge.status.lower()),
            "paid_at": instant_text(charge.transaction.created),
            "amount": amount_text(charge.amount),
            "currency": charge.currency,
            "updated_at": instant_text(charge.transaction.created),
            **self._from_charge(record, charge),
        }

    def _refund_row(self, client: HttpClient, refund: _Refund, charges: dict[str, dict[str, object]]) -> Row:
        if refund.charge_id not in charges:
            body = client.get(f"v2/charges/{refund.charge_id}").body
            charges[refund.charge_id] = body if isinstance(body, dict) else {}
        record = charges[refund.charge_id]
        return {
            "payment_id": refund.id,
            "kind": "refund",
            "status": REFUND_STATUSES.get(refund.status, refund.status.lower()),
            "paid_at": instant_text(refund.created),
            "amount": amount_text(refund.amount),
            "currency": refund.currency,
            "updated_at": instant_text(refund.created),
            **self._from_charge(record, self._read(_Charge, record, "charges")),
        }

    def _is_live(self, record: _Charge | _Refund, reader: RecordReader) -> bool:
        if record.live_mode is False or self._is_test_key(self.settings.key_env):
            reader.pass_over("test mode", record.id)
            return False
        return True

    def _from_charge(self, record: dict[str, object], charge: _Charge) -> dict[str, str | None]:
        customer = charge.customer or _Customer()
        phone = customer.phone or _Phone()
        code = (phone.country_code or "").removeprefix("+")
        return {
            "order_id": at(record, self.settings.order_id_from),
            "customer_id": customer.id,
            "reference": charge.id,
            "market": self.settings.market or COUNTRY_OF.get(charge.currency),
            "email": customer.email,
            "phone": f"+{code}{phone.number}" if code and phone.number else phone.number,
            "payer_name": full_name(customer.first_name, customer.last_name),
            "method": charge.source.payment_method if charge.source else None,
        }


def _readable_values(created: str) -> KeepValues:
    """What is kept of an unreadable charge or refund."""
    keep = keep_paths(payment_id="id", paid_at=created, amount="amount", currency="currency")

    def values(record: object) -> Row:
        row = keep(record)
        milliseconds = row["paid_at"]
        is_time = milliseconds is not None and milliseconds.isdecimal()
        return {
            **row,
            "paid_at": instant_text(datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
            if milliseconds and is_time
            else None,
        }

    return values


def _epoch_milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
