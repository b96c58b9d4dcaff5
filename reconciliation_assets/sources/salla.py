"""Salla: orders, in a store's own language and zone; its refresh token can be used exactly once.

Using a refresh token twice revokes all tokens, and the merchant must install the app again. So a token is requested only once
and never retried, by one process at a time, and the new pair is saved before it is used. Statuses are matched by slug, because
their names are localised; times have no offset and a separate zone. The total includes edits and discounts. Salla filters by
creation only, so the overlap is as long as an order usually takes.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.errors import ExpiredCredentials, MissingPermission
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, classify_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.paging import CountedPage, by_number, newest
from reconciliation_assets.sources.rotating_token import RotatingToken, TokenPair
from reconciliation_assets.sources.shapes import (
    Identifier,
    LocalTime,
    Number,
    Shape,
    Side,
    Text,
    Zone,
    amount_text,
    at,
    full_name,
    instant_text,
)

STATUSES = (
    "payment_pending", "under_review", "in_progress", "completed", "delivering", "delivered", "shipped", "canceled",
    "restored", "restoring", "request_quote",
)  # fmt: skip
"""Salla's standard order statuses by slug; a store's own statuses are children of these and keep the slug."""

_COUNTRY = re.compile(r"^[A-Za-z]{2}$")


class SallaSettings(SourceSettings):
    """Settings of a `salla` source.

    Attributes:
        accounts_url: address at which tokens are issued.
        client_id_env: the environment variable with the app's client ID.
        client_secret_env: the environment variable with the app's client secret.
        refresh_token_env: the environment variable with the refresh token of the installation; only the first token is read
            from it, later ones are stored in the data folder. A new value, after a new installation, starts over.
        order_id: the order ID that other systems use: the number people quote, or Salla's own ID.
        page_limit: orders per page; Salla allows up to 60.
    """

    type: Literal["salla"]
    base_url: str = "https://api.salla.dev/admin/v2"
    accounts_url: str = "https://accounts.salla.sa"
    client_id_env: EnvironmentVariable = "SALLA_CLIENT_ID"
    client_secret_env: EnvironmentVariable = "SALLA_CLIENT_SECRET"  # noqa: S105 - a variable's name
    refresh_token_env: EnvironmentVariable = "SALLA_REFRESH_TOKEN"  # noqa: S105 - a variable's name
    order_id: Literal["reference_id", "id"] = "reference_id"
    page_limit: int = Field(default=60, ge=1, le=60)


class _Grant(Shape):
    access_token: str
    refresh_token: str


class _Money(Shape):
    amount: Number
    currency: str


class _Tax(Shape):
    amount: _Money


class _Amounts(Shape):
    total: _Money
    shipping_cost: Side[_Money] = None
    # The tax is an amount, or a percentage with an amount.
    tax: Side[_Tax | _Money] = None


class _Date(Shape):
    date: LocalTime
    timezone: Zone


class _Status(Shape):
    slug: str


class _Customer(Shape):
    id: Side[Identifier] = None
    first_name: Side[Text] = None
    last_name: Side[Text] = None
    mobile: Side[Identifier] = None
    mobile_code: Side[Identifier] = None
    email: Side[Text] = None


class _Order(Shape):
    id: Identifier
    reference_id: Identifier
    date: _Date
    updated_at: Side[_Date | LocalTime] = None
    status: _Status
    payment_method: Side[Text] = None
    amounts: _Amounts
    customer: Side[_Customer] = None


class _Listed(Shape):
    id: Identifier


class _Pagination(Shape):
    total: int
    currentPage: int  # noqa: N815 - Salla's name
    totalPages: int  # noqa: N815


class _Page(Shape):
    data: list[dict[str, object]]
    pagination: _Pagination


class _One(Shape):
    data: dict[str, object]


class Salla(HttpConnector[SallaSettings]):
    """Reads the current state of the orders created since the start of the window."""

    tables = ("orders",)
    overlap = timedelta(days=45)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the orders in one batch."""
        reader = self._reader(
            "orders",
            "orders",
            order_id=self.settings.order_id,
            gross_value="amounts.total.amount",
            currency="amounts.total.currency",
        )
        with self._store() as client:
            records = newest(self._list(client, window), key=lambda record: at(record, "id"))
            wholes = [self._complete_order(client, record) for record in records]
        read = [(record, reader.one(_Order, record)) for record in wholes]
        yield reader.batch([self._row(record, order) for record, order in read if order is not None])

    def probe(self) -> Probe:
        """Check that orders can be listed; zone and currency of the store come from the newest order."""
        with self._store() as client:
            answer = client.get("orders", {"per_page": 1, "expanded": "true"})
            records = self._read(_Page, answer.body, "orders").data
            order = self._read(_Order, self._complete_order(client, records[0]), "orders") if records else None
            zone, currency = (order.date.timezone.key, order.amounts.total.currency) if order else (None, None)
            return Probe([ProbedAccount(self.name, zone, currency)], client.clock_skew)

    def _classify(self, answer: HttpResponse) -> Failure | None:
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        message = at(error, "message") if isinstance(error, dict) else None
        if answer.status == 401 and message and "one of those scopes" in message:
            scopes = message.rpartition(":")[2].strip()
            return Failure(
                MissingPermission(self.name, f"the app lacks one of the scopes {scopes}", "Add it to the app")
            )
        return classify_status(self.name, answer)

    def _store(self) -> HttpClient:
        first = self._secret(self.settings.refresh_token_env)
        return self._client(RotatingToken(self.name, self._tokens, first, self._grant, self._now))

    def _grant(self, refresh_token: str) -> TokenPair:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._secret(self.settings.client_id_env),
            "client_secret": self._secret(self.settings.client_secret_env),
            "refresh_token": refresh_token,
        }
        once = replace(self.settings.retry_policy(), attempts=1)
        with HttpClient(
            self.name, self.settings.accounts_url, classify=self._classify_grant, retry_policy=once
        ) as client:
            grant = self._read(_Grant, client.post("oauth2/token", form=form).body, "token")
        return TokenPair(grant.access_token, grant.refresh_token)

    def _classify_grant(self, answer: HttpResponse) -> Failure | None:
        if answer.status in {400, 401}:
            happened = "Salla does not accept the refresh token; it may have been used before"
            remedy = (
                f"Have the merchant install the app again, set the new refresh token in {self.settings.refresh_token_env} "
                "and run again; nothing that was pulled is lost"
            )
            return Failure(ExpiredCredentials(self.name, happened, remedy))
        return classify_status(self.name, answer)

    def _list(self, client: HttpClient, window: Window) -> Iterator[dict[str, object]]:
        # One day earlier: the filter uses the store's days, the window UTC.
        since: Params = {"from_date": (window.since - timedelta(days=1)).date().isoformat()} if window.since else {}
        params: Params = {**since, "per_page": self.settings.page_limit, "expanded": "true"}

        def fetch(number: int) -> CountedPage[dict[str, object]]:
            def fits(answer: HttpResponse) -> bool:
                return self._read(_Page, answer.body, "orders").pagination.currentPage == number

            page = self._read(_Page, client.get("orders", {**params, "page": number}, fits=fits).body, "orders")
            return CountedPage(page.data, number >= page.pagination.totalPages, page.pagination.total)

        return by_number(self.name, fetch, key=lambda record: str(record.get("id")))

    def _complete_order(self, client: HttpClient, record: dict[str, object]) -> dict[str, object]:
        """The order with amounts and customer, which some stores' lists leave out."""
        if "amounts" in record and "customer" in record:
            return record
        order_id = self._read(_Listed, record, "orders").id
        answer = client.get(
            f"orders/{order_id}",
            fits=lambda answer: self._read(_One, answer.body, "order").data.get("id") == record["id"],
        )
        return self._read(_One, answer.body, "order").data

    def _row(self, record: dict[str, object], order: _Order) -> Row:
        created = _instant(order.date)
        updated = order.updated_at
        if isinstance(updated, datetime) and updated.tzinfo is None:
            updated = updated.replace(tzinfo=order.date.timezone)
        changed = _instant(updated) if isinstance(updated, _Date) else updated
        customer = order.customer or _Customer()
        total = amount_text(order.amounts.total.amount)
        return {
            "order_id": order.reference_id if self.settings.order_id == "reference_id" else order.id,
            "created_at": instant_text(created),
            # Some answers have no time of change; then a row read later counts as newer.
            "updated_at": instant_text(changed or created),
            "status": order.status.slug,
            "gross_value": total,
            "current_value": total,
            "currency": order.amounts.total.currency,
            "customer_id": customer.id,
            "source": _first(record, "source_details.utm_source", "campaign.source", "source_details.value"),
            "medium": _first(record, "source_details.utm_medium", "campaign.medium", "source_details.type"),
            "utm_campaign": _first(
                record,
                "source_details.utm_campaign",
                "source_details.campaign",
                "campaign.campaign",
                "campaign.name",
                "campaign",
            ),
            "utm_content": _first(record, "source_details.utm_content", "campaign.content"),
            "device": _device(record),
            "market": _country(record),
            "email": customer.email,
            "phone": _phone(customer),
            "full_name": full_name(customer.first_name, customer.last_name),
            "payment_method": order.payment_method,
            "tax": amount_text(_tax(order.amounts)),
            "shipping": amount_text(order.amounts.shipping_cost.amount) if order.amounts.shipping_cost else None,
        }


def _first(record: dict[str, object], *paths: str) -> str | None:
    return next((text for path in paths if (text := at(record, path))), None)


def _country(record: dict[str, object]) -> str | None:
    """The country of delivery, if Salla gives its code and not only its name."""
    code = _first(
        record, "shipping.address.country_code", "shipping.country_code", "shipping.country", "customer.country_code"
    )
    return code.upper() if code and _COUNTRY.match(code) else None


def _instant(local_time: _Date) -> datetime:
    """The time in its separate zone; a time with an offset is used unchanged."""
    return (
        local_time.date if local_time.date.tzinfo is not None else local_time.date.replace(tzinfo=local_time.timezone)
    )


def _device(record: dict[str, object]) -> str | None:
    """The buyer's kind of device; for an order entered in the dashboard Salla gives the merchant's device, which is ignored."""
    device = at(record, "source_details.device") or at(record, "source_device")
    return device.lower() if device and at(record, "source") != "dashboard" else None


def _phone(customer: _Customer) -> str | None:
    """The customer's number; Salla splits it into country code, with or without a plus, and number without a leading zero."""
    if not customer.mobile or not customer.mobile_code:
        return customer.mobile
    return f"+{customer.mobile_code.removeprefix('+')}{customer.mobile}"


def _tax(amounts: _Amounts) -> Decimal | None:
    if amounts.tax is None:
        return None
    return amounts.tax.amount.amount if isinstance(amounts.tax, _Tax) else amounts.tax.amount
