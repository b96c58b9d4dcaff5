"""Stripe: what really moved on the balance, as payments, refunds, chargebacks and fees.

Balance transactions are read, not charges: a charge may be authorised and never captured, while a balance transaction
is money, in the currency it settles in and with the fee that was kept. Which payout carried it is told by the payout,
so it comes as a newer version of the row once the payout exists.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import FixedHeaders, bearer
from reconciliation_assets.sources.errors import MissingPermission
from reconciliation_assets.sources.http import Answer, HttpClient, Params, Trouble, judge_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.money import from_minor
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.shapes import Shape, UnixInstant, amount_text, at, instant_text

KINDS = {
    "charge": "payment",
    "refund_failure": "payment",
    "dispute_reversal": "payment",
    "refund": "refund",
    "charge_failure": "refund",
    "partial_capture_reversal": "refund",
    "dispute": "chargeback",
    "fee": "fee",
}
"""Stripe's reporting categories that are a customer's money or its cost; payouts, transfers and reserves move it on."""


class StripeSettings(SourceSettings):
    """Settings of a `stripe` source.

    Attributes:
        key_env: the environment variable with a restricted key.
        order_id_from: where a charge names its order, such as `metadata.order_id`.
        invoice_id_from: where it names the company's own invoice.
        api_version: sent as Stripe-Version; the account's own where not given.
        page_limit: records per page.
    """

    type: Literal["stripe"]
    base_url: str = "https://api.stripe.com"
    key_env: EnvironmentVariable = "STRIPE_KEY"
    order_id_from: str = "metadata.order_id"
    invoice_id_from: str | None = None
    api_version: str | None = None
    page_limit: int = Field(default=100, ge=1, le=100)


class _List(Shape):
    data: list[dict[str, object]]
    has_more: bool


class _BalanceTransaction(Shape):
    id: str
    amount: int
    fee: int
    currency: str
    created: UnixInstant
    reporting_category: str
    # The object it came from, expanded; null on some fees.
    source: dict[str, object] | None


class _Source(Shape):
    object: str
    id: str
    charge: str | None = None


class _Payout(Shape):
    id: str
    created: UnixInstant
    automatic: bool


class _Billing(Shape):
    email: str | None
    name: str | None
    phone: str | None


class _Charge(Shape):
    id: str
    customer: str | None
    payment_intent: str | None
    billing_details: _Billing
    receipt_email: str | None


class _Account(Shape):
    id: str
    default_currency: str


class Stripe(HttpConnector[StripeSettings]):
    """Reads the balance transactions made in the window, and those its payouts carried."""

    tables = ("payments",)
    # A balance transaction does not change once made; the day covers one that is listed late.
    overlap = timedelta(days=1)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the window's movements, then again those whose payout was made in the window."""
        made_since: Params = {"created[gte]": int(window.since.timestamp())} if window.since else {}
        charges: dict[str, dict[str, object]] = {}
        with self._stripe() as client:
            yield Batch("payments", self._rows(client, made_since, charges, payout=None))
            listed = (self._read(_Payout, record, "payout") for record in self._listed(client, "payouts", made_since))
            for payout in newest(listed, key=lambda payout: payout.id):
                # Stripe tells what a payout carried only where it chose the amount itself.
                if payout.automatic:
                    yield Batch("payments", self._rows(client, {"payout": payout.id}, charges, payout=payout))

    def probe(self) -> Probe:
        """Read the account, and that balance transactions and payouts may be listed."""
        with self._stripe() as client:
            account = self._read(_Account, client.get("v1/account").body, "account")
            for edge in ("balance_transactions", "payouts"):
                client.get(f"v1/{edge}", {"limit": 1})
            probed = ProbedAccount(account.id, None, account.default_currency.upper())
            return Probe([probed], client.clock_skew)

    def _judge(self, answer: Answer) -> Trouble | None:
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        code = at(error, "code") if isinstance(error, Mapping) else None
        if code in {"oauth_not_supported", "more_permissions_required"}:
            happened = "the restricted key may not read what the connector needs"
            remedy = "Give it the read permissions on this source's page under docs/sources"
            return Trouble(MissingPermission(self.name, happened, remedy))
        return judge_status(self.name, answer)

    def _stripe(self) -> HttpClient:
        token = bearer(self._secret(self.settings.key_env)).headers()
        version = {"Stripe_Version": self.settings.api_version} if self.settings.api_version else {}
        return self._client(FixedHeaders(**token, **version))

    def _listed(self, client: HttpClient, edge: str, params: Params) -> Iterator[dict[str, object]]:
        """Yield a list's records, newest first; the cursor names a record, so that new ones shift nothing."""

        def fetch(after: str | None) -> CursorPage[dict[str, object]]:
            paged: Params = {
                **params,
                "limit": self.settings.page_limit,
                **({"starting_after": after} if after else {}),
            }
            page = self._read(_List, client.get(f"v1/{edge}", paged).body, edge)
            return CursorPage(page.data, at(page.data[-1], "id") if page.has_more and page.data else None)

        return by_cursor(self.name, fetch)

    def _rows(
        self, client: HttpClient, params: Params, charges: dict[str, dict[str, object]], payout: _Payout | None
    ) -> list[Row]:
        found = newest(
            (
                self._read(_BalanceTransaction, record, "balance transaction")
                for record in self._listed(client, "balance_transactions", {**params, "expand[]": "data.source"})
            ),
            key=lambda moved: moved.id,
        )
        return [
            self._row(moved, self._charge_of(client, moved, charges), payout)
            for moved in found
            if moved.reporting_category in KINDS
        ]

    def _charge_of(
        self, client: HttpClient, moved: _BalanceTransaction, charges: dict[str, dict[str, object]]
    ) -> dict[str, object] | None:
        """The charge a movement belongs to: itself, or the one its refund or dispute names."""
        if moved.source is None:
            return None
        source = self._read(_Source, moved.source, "source")
        if source.object == "charge":
            charges[source.id] = moved.source
        charge_id = source.id if source.object == "charge" else source.charge
        if charge_id is None:
            return None
        if charge_id not in charges:
            body = client.get(f"v1/charges/{charge_id}").body
            charges[charge_id] = body if isinstance(body, dict) else {}
        return charges[charge_id]

    def _row(self, moved: _BalanceTransaction, record: dict[str, object] | None, payout: _Payout | None) -> Row:
        charge = None if record is None else self._read(_Charge, record, "charge")
        row: dict[str, str | None] = {
            "payment_id": moved.id,
            "kind": KINDS[moved.reporting_category],
            "status": "settled",
            "paid_at": instant_text(moved.created),
            "amount": amount_text(from_minor(abs(moved.amount), moved.currency)),
            "currency": moved.currency.upper(),
            "fee": amount_text(from_minor(moved.fee, moved.currency)),
            "settlement_id": payout.id if payout else None,
            "updated_at": instant_text(max(payout.created, moved.created) if payout else moved.created),
        }
        if charge is None or record is None:
            return row
        return row | {
            "order_id": at(record, self.settings.order_id_from),
            "invoice_id": at(record, self.settings.invoice_id_from) if self.settings.invoice_id_from else None,
            "customer_id": charge.customer,
            "reference": charge.payment_intent or charge.id,
            "email": charge.billing_details.email or charge.receipt_email,
            "phone": charge.billing_details.phone,
            "payer_name": charge.billing_details.name,
            "method": at(record, "payment_method_details.type"),
        }
