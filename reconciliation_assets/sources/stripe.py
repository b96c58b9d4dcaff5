"""Stripe: balance transactions as payments, refunds, chargebacks and fees.

Balance transactions are read, not charges: a charge may be authorised and never captured, while a balance transaction is
money, in its settlement currency and with the fee kept or returned. Its sign gives the direction; the category only says whose
money it was. The payout of a transaction is known only from the payout, so it comes as a newer version of the row once the
payout exists.
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
from reconciliation_assets.sources.http import Failure, HttpClient, HttpResponse, Params, classify_status
from reconciliation_assets.sources.http_connector import HttpConnector
from reconciliation_assets.sources.money import from_minor
from reconciliation_assets.sources.paging import CursorPage, by_cursor, newest
from reconciliation_assets.sources.records import RecordReader, keep_paths
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
"""Stripe's reporting categories of customers' money and its cost, with the kind for incoming and for outgoing amounts."""

MOVED_ON = frozenset({
    "advance", "advance_funding", "anticipation_repayment", "climate_order_purchase", "climate_order_refund",
    "connect_collection_transfer", "connect_reserved_funds", "contribution", "financing_paydown",
    "financing_paydown_reversal", "financing_payout", "financing_payout_reversal", "issuing_authorization_hold",
    "issuing_authorization_release", "issuing_dispute", "issuing_transaction", "payout", "payout_reversal",
    "platform_earning", "platform_earning_refund", "risk_reserved_funds", "topup", "topup_reversal", "transfer",
    "transfer_reversal",
})  # fmt: skip
"""All other categories of Stripe's published list: transfers of the company's own money, and other lines of business."""

_FAILED_PAYOUTS = {"failed", "canceled"}
_MAY_STILL_FAIL = timedelta(days=14)
"""Banks return a payout within five working days."""


class StripeSettings(SourceSettings):
    """Settings of a `stripe` source.

    Attributes:
        key_env: the environment variable with a restricted key.
        order_id_from: path of the order ID in a charge, such as `metadata.order_id`.
        invoice_id_from: path of the company's own invoice ID in a charge.
        api_version: sent as Stripe-Version; by default the account's own version.
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
    # The source object, expanded; null for some fees.
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
class _PullState:
    """State of one pull: its client, its readers, and the charges read so far."""

    client: HttpClient
    reader: RecordReader
    charge_reader: RecordReader
    charges: dict[str, dict[str, object] | None] = field(default_factory=dict)


class Stripe(HttpConnector[StripeSettings]):
    """Reads the balance transactions created in the window, and those of its payouts."""

    tables = ("payments",)
    # A balance transaction never changes; one day covers late listing.
    overlap = timedelta(days=1)

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the window's transactions, then again those whose payout was created, or has failed, in the window."""
        since = window.since
        made_since: Params = {"created[gte]": int(since.timestamp())} if since else {}
        paid_since: Params = {"created[gte]": int((since - _MAY_STILL_FAIL).timestamp())} if since else {}
        with self._account_client() as client:
            state = _PullState(
                client,
                RecordReader(self.name, "payments", "balance transaction", _readable_values),
                RecordReader(self.name, "payments", "charge", keep_paths(order_id=self.settings.order_id_from)),
            )
            rows = self._rows(state, made_since, payout=None)
            payouts = self._reader("payments", "payout", settlement_id="id")
            listed_payouts = payouts.each(_Payout, self._list(client, "payouts", paid_since))
            for payout in newest(listed_payouts, key=lambda payout: payout.id):
                # Stripe lists the transactions of a payout only for automatic payouts.
                is_new = since is None or payout.created >= since or payout.status in _FAILED_PAYOUTS
                if payout.automatic and is_new and not self._is_test(payout.livemode):
                    rows += self._rows(state, {"payout": payout.id}, payout)
            yield state.reader.batch(rows)
            yield state.charge_reader.batch([])
            yield payouts.batch([])

    def probe(self) -> Probe:
        """Read the account, and check that balance transactions and payouts can be listed."""
        with self._account_client() as client:
            account = self._read(_Account, client.get("v1/account").body, "account")
            for edge in ("balance_transactions", "payouts"):
                client.get(f"v1/{edge}", {"limit": 1})
            probed = ProbedAccount(account.id, None, account.default_currency.upper())
            return Probe([probed], client.clock_skew, self._test_key_finding(self.settings.key_env))

    def _classify(self, answer: HttpResponse) -> Failure | None:
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        code = at(error, "code") if isinstance(error, Mapping) else None
        if code in {"oauth_not_supported", "more_permissions_required"}:
            happened = "the restricted key may not read what the connector needs"
            remedy = "Give it the read permissions on this source's page under docs/sources"
            return Failure(MissingPermission(self.name, happened, remedy))
        return classify_status(self.name, answer)

    def _account_client(self) -> HttpClient:
        token = bearer(self._secret(self.settings.key_env)).headers()
        version = {"Stripe_Version": self.settings.api_version} if self.settings.api_version else {}
        return self._client(FixedHeaders(**token, **version))

    def _list(self, client: HttpClient, edge: str, params: Params) -> Iterator[dict[str, object]]:
        """Yield a list's records, newest first; the cursor names a record, so new ones do not shift the pages."""

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

    def _rows(self, state: _PullState, params: Params, payout: _Payout | None) -> list[Row]:
        """The rows of the selected balance transactions.

        Args:
            state: the pull.
            params: filter of the transactions.
            payout: their payout, if they are selected by it. Transactions of a failed payout belong to the payout that carries
                its reversal.
        """
        reader = state.reader
        transactions = self._list(state.client, "balance_transactions", {**params, "expand[]": "data.source"})
        rows: list[Row] = []
        for transaction in newest(
            reader.each(_BalanceTransaction, transactions), key=lambda transaction: transaction.id
        ):
            source = None if transaction.source is None else reader.one(_Source, transaction.source)
            category = transaction.reporting_category
            if self._is_test(source.livemode if source else None):
                reader.pass_over("test mode", transaction.id)
            elif category in MOVED_ON:
                reader.pass_over(f"{category}: the company's own money on its way", transaction.id)
            else:
                rows.append(self._row(transaction, source, self._charge_of(state, transaction, source), payout))
            if payout and source and source.object == "payout" and category == "payout_reversal":
                rows += self._rows(state, {"payout": source.id}, payout)
        return rows

    def _charge_of(
        self, state: _PullState, transaction: _BalanceTransaction, source: _Source | None
    ) -> dict[str, object] | None:
        """The charge of a balance transaction: its source, or the charge named by its refund or dispute."""
        if source is None or transaction.source is None:
            return None
        if source.object == "charge":
            state.charges[source.id] = transaction.source if state.reader.one(_Charge, transaction.source) else None
        charge_id = source.id if source.object == "charge" else source.charge
        if charge_id is None:
            return None
        if charge_id not in state.charges:
            body = state.client.get(f"v1/charges/{charge_id}").body
            is_read = state.charge_reader.one(_Charge, body, charge_id) is not None
            state.charges[charge_id] = body if is_read and isinstance(body, dict) else None
        return state.charges[charge_id]

    def _row(
        self,
        transaction: _BalanceTransaction,
        source: _Source | None,
        record: dict[str, object] | None,
        payout: _Payout | None,
    ) -> Row:
        kinds = KINDS.get(transaction.reporting_category)
        came_in = (transaction.amount or transaction.net) >= 0
        cost = -transaction.amount if kinds == _COST else abs(transaction.amount)
        row: dict[str, str | None] = {
            "payment_id": transaction.id,
            "kind": kinds[0 if came_in else 1] if kinds else None,
            "status": "settled",
            "paid_at": instant_text(transaction.created),
            "amount": amount_text(from_minor(cost, transaction.currency)),
            "currency": transaction.currency.upper(),
            "fee": amount_text(from_minor(transaction.fee, transaction.currency)),
            "settlement_id": payout.id if payout and payout.status not in _FAILED_PAYOUTS else None,
            "updated_at": instant_text(_version_time(transaction, payout)),
        }
        if kinds is None:
            row |= _unread("reporting_category", "is a category that is not known; nobody can say what this money is")
        elif transaction.net != transaction.amount - transaction.fee:
            row |= _unread("net", "is not the amount less the fee")
        if record is None:
            return row
        charge = self._read(_Charge, record, "charge")
        billing = charge.billing_details or _Billing()
        return {
            **row,
            **_order_amount(transaction, source, charge),
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


def _readable_values(record: object) -> Row:
    """What is kept of an unreadable balance transaction: its time, and its amount if the currency is readable too."""
    values = keep_paths(payment_id="id", amount="amount", currency="currency")(record)
    amount, currency = values["amount"], values["currency"]
    is_whole = amount is not None and amount.lstrip("-").isdecimal()
    major = amount_text(from_minor(abs(int(amount)), currency)) if amount and currency and is_whole else None
    created = record.get("created") if isinstance(record, dict) else None
    return {
        "payment_id": values["payment_id"],
        "paid_at": instant_text(datetime.fromtimestamp(created, UTC)) if isinstance(created, int) else None,
        "amount": major,
        "currency": currency.upper() if currency else None,
    }


def _version_time(transaction: _BalanceTransaction, payout: _Payout | None) -> datetime:
    """The version time of a row: one second later for a failed payout, because Stripe does not give the time of failure."""
    if payout is None:
        return transaction.created
    later = timedelta(seconds=1) if payout.status in _FAILED_PAYOUTS else timedelta()
    return max(payout.created, transaction.created) + later


def _order_amount(transaction: _BalanceTransaction, source: _Source | None, charge: _Charge) -> Row:
    """The amount paid or refunded in the currency of the order, if Stripe settled in another one."""
    if source is None or not source.currency or source.amount is None or source.currency == transaction.currency:
        return {}
    amount = source.amount
    if transaction.reporting_category == "partial_capture_reversal":
        if charge.amount is None or charge.amount_captured is None:
            return {}
        amount = charge.amount - charge.amount_captured
    return {
        "order_amount": amount_text(from_minor(abs(amount), source.currency)),
        "order_currency": source.currency.upper(),
    }


def _unread(field: str, problem: str) -> Row:
    return {"unread_column": f"balance transaction.{field}", "unread": problem}
