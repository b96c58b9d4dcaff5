"""Stripe: what really moved on the balance, as payments, refunds, chargebacks and fees.

Balance transactions are read, not charges: a charge may be authorised and never captured, while a balance transaction
is money, in the currency it settles in and with the fee that was kept, or given back. Whether it came in or went out is its
sign; the category says only whose money it was. Which payout carried it is told by the payout,
so it comes as a newer version of the row once the payout exists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from reconciliation_assets.sources.config import EnvironmentVariable, SourceSettings
from reconciliation_assets.sources.connector import Batch, Probe, ProbedAccount, Row, Window
from reconciliation_assets.sources.credentials import FixedHeaders, bearer
from reconciliation_assets.sources.errors import MissingPermission
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, judge_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.money import from_minor
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.records import RecordReader, known
from reconciliation_assets.sources.shapes import Shape, Side, Text, UnixInstant, amount_text, at, instant_text

_CHARGE = ("payment", "refund")
_REFUND = ("refund_reversal", "refund")
_DISPUTE = ("chargeback_reversal", "chargeback")
_COST = ("fee", "fee")

KINDS = {
    "charge": _CHARGE,
    "charge_failure": _CHARGE,
    "partial_capture_reversal": _CHARGE,
    "refund": _REFUND,
    "refund_failure": _REFUND,
    "dispute": _DISPUTE,
    "dispute_reversal": _DISPUTE,
    "fee": _COST,
    "network_cost": _COST,
    "tax": _COST,
    "other_adjustment": _COST,
}
"""Stripe's reporting categories that are a customer's money or its cost: the kind where it came in, and where it went out."""

MOVED_ON = frozenset({
    "advance", "advance_funding", "anticipation_repayment", "climate_order_purchase", "climate_order_refund",
    "connect_collection_transfer", "connect_reserved_funds", "contribution", "financing_paydown",
    "financing_paydown_reversal", "financing_payout", "financing_payout_reversal", "issuing_authorization_hold",
    "issuing_authorization_release", "issuing_dispute", "issuing_transaction", "payout", "payout_reversal",
    "platform_earning", "platform_earning_refund", "risk_reserved_funds", "topup", "topup_reversal", "transfer",
    "transfer_reversal",
})  # fmt: skip
"""The others of Stripe's published list: the company's own money on its way elsewhere, and other lines of business."""

_FAILED_PAYOUTS = {"failed", "canceled"}
_MAY_STILL_FAIL = timedelta(days=14)
"""Banks return a payout within five working days."""


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
    net: int
    currency: str
    created: UnixInstant
    reporting_category: str
    # The object it came from, expanded; null on some fees.
    source: Side[dict[str, object]] = None


class _Source(Shape):
    object: str
    id: str
    charge: Side[str] = None
    amount: Side[int] = None
    currency: Side[str] = None
    livemode: Side[bool] = None


class _Payout(Shape):
    id: str
    created: UnixInstant
    automatic: bool
    status: str
    livemode: Side[bool] = None


class _Address(Shape):
    country: Side[str] = None


class _Billing(Shape):
    email: Side[str] = None
    name: Side[str] = None
    phone: Side[Text] = None
    address: Side[_Address] = None


class _Charge(Shape):
    id: str
    amount: Side[int] = None
    amount_captured: Side[int] = None
    customer: Side[str] = None
    payment_intent: Side[str] = None
    billing_details: Side[_Billing] = None
    receipt_email: Side[str] = None


class _Account(Shape):
    id: str
    default_currency: str


@dataclass(frozen=True)
class _Pulling:
    """One pull: its client, its readers, and the charges it has met."""

    client: HttpClient
    reader: RecordReader
    charge_reader: RecordReader
    charges: dict[str, dict[str, object] | None] = field(default_factory=dict)


class Stripe(HttpConnector[StripeSettings]):
    """Reads the balance transactions made in the window, and those its payouts carried."""

    tables = ("payments",)
    # A balance transaction does not change once made; the day covers one that is listed late.
    overlap = timedelta(days=1)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the window's movements, then again those whose payout was made, or failed, in the window."""
        since = window.since
        made_since: Params = {"created[gte]": int(since.timestamp())} if since else {}
        paid_since: Params = {"created[gte]": int((since - _MAY_STILL_FAIL).timestamp())} if since else {}
        with self._account_client() as client:
            pulling = _Pulling(
                client,
                RecordReader(self.name, "payments", "balance transaction", _kept),
                RecordReader(self.name, "payments", "charge", known(order_id=self.settings.order_id_from)),
            )
            rows = self._rows(pulling, made_since, payout=None)
            payouts = self._reader("payments", "payout", settlement_id="id")
            listed = payouts.each(_Payout, self._listed(client, "payouts", paid_since))
            for payout in newest(listed, key=lambda payout: payout.id):
                # Stripe tells what a payout carried only where it chose the amount itself.
                is_news = since is None or payout.created >= since or payout.status in _FAILED_PAYOUTS
                if payout.automatic and is_news and not self._is_test(payout.livemode):
                    rows += self._rows(pulling, {"payout": payout.id}, payout)
            yield pulling.reader.batch(rows)
            yield pulling.charge_reader.batch([])
            yield payouts.batch([])

    def probe(self) -> Probe:
        """Read the account, and that balance transactions and payouts may be listed."""
        with self._account_client() as client:
            account = self._read(_Account, client.get("v1/account").body, "account")
            for edge in ("balance_transactions", "payouts"):
                client.get(f"v1/{edge}", {"limit": 1})
            probed = ProbedAccount(account.id, None, account.default_currency.upper())
            return Probe([probed], client.clock_skew, self._test_key_finding(self.settings.key_env))

    def _judge(self, answer: HttpResponse) -> Failure | None:
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        code = at(error, "code") if isinstance(error, Mapping) else None
        if code in {"oauth_not_supported", "more_permissions_required"}:
            happened = "the restricted key may not read what the connector needs"
            remedy = "Give it the read permissions on this source's page under docs/sources"
            return Failure(MissingPermission(self.name, happened, remedy))
        return judge_status(self.name, answer)

    def _account_client(self) -> HttpClient:
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

    def _is_test(self, livemode: bool | None) -> bool:
        return livemode is False or self._is_test_key(self.settings.key_env)

    def _rows(self, pulling: _Pulling, params: Params, payout: _Payout | None) -> list[Row]:
        """The rows of the movements asked for.

        Args:
            pulling: the pull.
            params: which movements.
            payout: the one that carried them, if they are asked for by it. What a failed one had carried is free again,
                and goes with the payout that carries its return.
        """
        reader = pulling.reader
        listed = self._listed(pulling.client, "balance_transactions", {**params, "expand[]": "data.source"})
        rows: list[Row] = []
        for moved in newest(reader.each(_BalanceTransaction, listed), key=lambda moved: moved.id):
            source = None if moved.source is None else reader.one(_Source, moved.source)
            category = moved.reporting_category
            if self._is_test(source.livemode if source else None):
                reader.pass_over("test mode", moved.id)
            elif category in MOVED_ON:
                reader.pass_over(f"{category}: the company's own money on its way", moved.id)
            else:
                rows.append(self._row(moved, source, self._charge_of(pulling, moved, source), payout))
            if payout and source and source.object == "payout" and category == "payout_reversal":
                rows += self._rows(pulling, {"payout": source.id}, payout)
        return rows

    def _charge_of(
        self, pulling: _Pulling, moved: _BalanceTransaction, source: _Source | None
    ) -> dict[str, object] | None:
        """The charge a movement belongs to: itself, or the one its refund or dispute names."""
        if source is None or moved.source is None:
            return None
        if source.object == "charge":
            pulling.charges[source.id] = moved.source if pulling.reader.one(_Charge, moved.source) else None
        charge_id = source.id if source.object == "charge" else source.charge
        if charge_id is None:
            return None
        if charge_id not in pulling.charges:
            body = pulling.client.get(f"v1/charges/{charge_id}").body
            is_read = pulling.charge_reader.one(_Charge, body, charge_id) is not None
            pulling.charges[charge_id] = body if is_read and isinstance(body, dict) else None
        return pulling.charges[charge_id]

    def _row(
        self,
        moved: _BalanceTransaction,
        source: _Source | None,
        record: dict[str, object] | None,
        payout: _Payout | None,
    ) -> Row:
        kinds = KINDS.get(moved.reporting_category)
        came_in = (moved.amount or moved.net) >= 0
        cost = -moved.amount if kinds == _COST else abs(moved.amount)
        row: dict[str, str | None] = {
            "payment_id": moved.id,
            "kind": kinds[0 if came_in else 1] if kinds else None,
            "status": "settled",
            "paid_at": instant_text(moved.created),
            "amount": amount_text(from_minor(cost, moved.currency)),
            "currency": moved.currency.upper(),
            "fee": amount_text(from_minor(moved.fee, moved.currency)),
            "settlement_id": payout.id if payout and payout.status not in _FAILED_PAYOUTS else None,
            "updated_at": instant_text(_told_at(moved, payout)),
        }
        if kinds is None:
            row |= _unread("reporting_category", "is a category that is not known; nobody can say what this money is")
        elif moved.net != moved.amount - moved.fee:
            row |= _unread("net", "is not the amount less the fee")
        if record is None:
            return row
        charge = self._read(_Charge, record, "charge")
        billing = charge.billing_details or _Billing()
        return {
            **row,
            **_paid_in_another_currency(moved, source, charge),
            "order_id": at(record, self.settings.order_id_from),
            "invoice_id": at(record, self.settings.invoice_id_from) if self.settings.invoice_id_from else None,
            "customer_id": charge.customer,
            "reference": charge.payment_intent or charge.id,
            "market": billing.address.country if billing.address else None,
            "email": billing.email or charge.receipt_email,
            "phone": billing.phone,
            "payer_name": billing.name,
            "method": at(record, "payment_method_details.type"),
        }


def _kept(record: object) -> Row:
    """What is kept of a movement that cannot be read as a whole: when it was, and its amount where its currency can be read too."""
    told = known(payment_id="id", amount="amount", currency="currency")(record)
    amount, currency = told["amount"], told["currency"]
    is_whole = amount is not None and amount.lstrip("-").isdecimal()
    major = amount_text(from_minor(abs(int(amount)), currency)) if amount and currency and is_whole else None
    made = record.get("created") if isinstance(record, dict) else None
    return {
        "payment_id": told["payment_id"],
        "paid_at": instant_text(datetime.fromtimestamp(made, UTC)) if isinstance(made, int) else None,
        "amount": major,
        "currency": currency.upper() if currency else None,
    }


def _told_at(moved: _BalanceTransaction, payout: _Payout | None) -> datetime:
    """When this version of a movement became true; that a payout failed came after it was made, at a time Stripe does not tell."""
    if payout is None:
        return moved.created
    later = timedelta(seconds=1) if payout.status in _FAILED_PAYOUTS else timedelta()
    return max(payout.created, moved.created) + later


def _paid_in_another_currency(moved: _BalanceTransaction, source: _Source | None, charge: _Charge) -> Row:
    """What the customer paid, or got back, in the currency of the order, where Stripe settled in another."""
    if source is None or not source.currency or source.amount is None or source.currency == moved.currency:
        return {}
    amount = source.amount
    if moved.reporting_category == "partial_capture_reversal":
        if charge.amount is None or charge.amount_captured is None:
            return {}
        amount = charge.amount - charge.amount_captured
    return {
        "order_amount": amount_text(from_minor(abs(amount), source.currency)),
        "order_currency": source.currency.upper(),
    }


def _unread(field: str, problem: str) -> Row:
    return {"unread_column": f"balance transaction.{field}", "unread": problem}
