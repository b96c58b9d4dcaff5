"""Money of the sample company: every payment, refund, chargeback and fee of the shop and the institute, and stray ones.

Each money row knows which order or CRM record it belongs to; what it *names* is a matter of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from reconciliation_assets_tests.lab.sample.arrays import NONE, Bools, Ints, Random, chance, draw, filled, indices
from reconciliation_assets_tests.lab.sample.clock import DAY, HOUR, NEVER, days_between, hours_after, midnight
from reconciliation_assets_tests.lab.sample.leads import Claims, Leads
from reconciliation_assets_tests.lab.sample.money import part, price
from reconciliation_assets_tests.lab.sample.service_line import WON, CrmRecords
from reconciliation_assets_tests.lab.sample.shop import (
    CANCELLED,
    DELIVERED,
    FRAUD,
    METHODS,
    RETURNED,
    UNPAID,
    Orders,
    remitted,
)
from reconciliation_assets_tests.lab.sample.spec import CompanySpec

PAYMENT, REFUND, CHARGEBACK, FEE = range(4)
KINDS = ("payment", "refund", "chargeback", "fee")

# What a money row names; an INVOICE is its order's or its CRM record's, a MISSING_ORDER one that no export knows.
ORDER, WAYBILL, INVOICE, CRM, CRM_AND_INVOICE, CONTACT, NOTHING, MISSING_ORDER, LOST_TO_NOISE = range(9)
_TUITION_NAMES = (CRM, INVOICE, CRM_AND_INVOICE)
_TUITION_NAME_SHARES = (0.42, 0.42, 0.16)

_TUITION_METHODS = ("bank_transfer", "cheque", "cash", "pos_card")
METHOD_WORDS = tuple(sorted({"voucher", *_TUITION_METHODS, *(word for words in METHODS for word in words)}))
_VOUCHER, _CHEQUE, _TRANSFER = (METHOD_WORDS.index(word) for word in ("voucher", "cheque", "bank_transfer"))

_SHARES_OF_INSTALMENTS = (0.28, 0.27, 0.3, 0.15)
_TRANSFERS_NAMED_BY_HAND = 3
_STRAYS_PER_ORDER = 0.008


@dataclass(frozen=True)
class Money:
    """The plan of every money row; one element per row. Instants may be `clock.NEVER`.

    Attributes:
        kind: index into `KINDS`.
        order: the order it belongs to; -1 without.
        crm: the CRM record it belongs to; -1 without.
        names: what it names (ORDER, WAYBILL, ...).
        person: whose contact and name it may show; -1 for nobody's.
        announced: instant from which it is known, pending until it is paid.
        paid: instant of settlement; NEVER for a failed one.
        failed: whether it failed.
        amount: in minor units of the currency.
        currency: index into `money.CURRENCIES`.
        fee: what the courier or the card company charges for it, in minor units; -1 without.
        method: index into `METHOD_WORDS`.
        settlement: number of the transfer that carried it, see `shop.remitted`; -1 without.
        verified: instant at which somebody tied it to its order by hand; NEVER otherwise.
    """

    kind: Ints
    order: Ints
    crm: Ints
    names: Ints
    person: Ints
    announced: Ints
    paid: Ints
    failed: Bools
    amount: Ints
    currency: Ints
    fee: Ints
    method: Ints
    settlement: Ints
    verified: Ints

    @property
    def size(self) -> int:
        """The number of money rows."""
        return len(self.kind)

    def settled(self, seen: int) -> Bools:
        """Return which rows are settled at an instant."""
        settled: Bools = ~self.failed & (self.paid <= seen)
        return settled

    def is_known(self, seen: int) -> Bools:
        """Return which rows belong to an order or a CRM record, by the decisions taken until an instant."""
        belongs = (self.order >= 0) | (self.crm >= 0)
        known: Bools = belongs & ((self.names != NOTHING) | (self.verified <= seen))
        return known


def plan_money(
    random: Random, spec: CompanySpec, *, orders: Orders, leads: Leads, claims: Claims, crm: CrmRecords
) -> Money:
    """Plan every money row of the company."""
    money = _joined(
        [
            _prepaid(random, orders, claims),
            _cash_on_delivery(random, spec, orders),
            _given_back(random, spec, orders),
            _tuition(random, leads, crm),
            _strays(random, spec),
        ]
    )
    belongs = (money.order >= 0) | (money.crm >= 0)
    lost = belongs & chance(random, spec.noise.payments_without_ids, money.size)
    return replace(money, names=np.where(lost, LOST_TO_NOISE, money.names))


def _joined(plans: Sequence[Money]) -> Money:
    names = [field.name for field in fields(Money)]
    return Money(**{name: np.concatenate([getattr(plan, name) for plan in plans]) for name in names})


def _rows(size: int, **given: Ints | Bools | int) -> Money:
    """Build money rows; what is not given is a settled payment, known from its settlement, that belongs to nothing."""
    usual: dict[str, int | bool] = {
        "kind": PAYMENT,
        "order": NONE,
        "crm": NONE,
        "names": ORDER,
        "person": NONE,
        "failed": False,
        "fee": NONE,
        "settlement": NONE,
        "verified": NEVER,
    }
    columns = {**usual, **given}
    columns.setdefault("announced", columns["paid"])
    arrays: dict[str, Any] = {name: np.broadcast_to(value, size).copy() for name, value in columns.items()}
    return Money(**arrays)


def _of_orders(orders: Orders, of: Ints, **given: Ints | Bools | int) -> Money:
    codes = np.array([[METHOD_WORDS.index(word) for word in words] for words in METHODS])
    method = codes[orders.market[of], orders.method[of]]
    usual = {"order": of, "person": orders.person[of], "currency": orders.market[of], "method": method}
    return _rows(len(of), **{**usual, **given})


def _prepaid(random: Random, orders: Orders, claims: Claims) -> Money:
    """Payments before delivery: by card, in part by voucher, by transfer; failed attempts; checkouts never paid."""
    size = orders.size
    transfer, market = orders.by_transfer, orders.market
    paid = orders.created + np.where(transfer, hours_after(random, 26, 0.4, size), hours_after(random, 0.1, 0.6, size))
    pays = ~orders.on_delivery & (orders.fate != UNPAID)
    # A transfer comes too late for an order cancelled meanwhile, and no fraud pays by transfer.
    pays &= ~(transfer & ((paid > orders.cancelled) | (orders.fate == FRAUD)))
    kept = orders.fate == DELIVERED

    # Money without an identifier belongs to people with one order and no lead, so that there is no choice.
    alone = kept & (claims.lead < 0) & (claims.rejected < 0) & ~orders.paired & ~claims.late
    by_contact = pays & transfer & alone & chance(random, 0.3, size)
    unnamed = indices(pays & transfer & alone & ~by_contact)[:_TRANSFERS_NAMED_BY_HAND]
    names = np.where(by_contact, CONTACT, np.where(transfer, INVOICE, ORDER))
    names[unnamed] = NOTHING
    verified = filled(size, NEVER)
    verified[unnamed] = paid[unnamed] + 30 * HOUR

    worthwhile = orders.gross > price(np.full(size, 120.0), market)
    split = pays & ~transfer & kept & worthwhile & chance(random, 0.2, size)
    voucher = np.where(split, part(orders.gross, random.uniform(0.15, 0.6, size), market), 0)
    too_much = (names == INVOICE) & kept & chance(random, 0.03, size)
    amount = orders.gross - voucher + np.where(too_much, price(np.full(size, 10.0), market), 0)
    fee = np.where(transfer, NONE, amount * 25 // 1_000)
    announced = np.where(chance(random, 0.05, size), orders.created, paid)

    of, vouchers = indices(pays), indices(split)
    retried = indices(pays & ~transfer & chance(random, 0.06, size))
    abandoned = indices((orders.fate == UNPAID) & chance(random, 0.8, size))
    return _joined(
        [
            _of_orders(
                orders,
                of,
                names=names[of],
                announced=announced[of],
                paid=paid[of],
                amount=amount[of],
                fee=fee[of],
                verified=verified[of],
            ),
            _of_orders(orders, vouchers, paid=orders.created[vouchers] + 20, amount=voucher[vouchers], method=_VOUCHER),
            _of_orders(
                orders,
                retried,
                announced=orders.created[retried] + 30,
                paid=NEVER,
                failed=True,
                amount=(orders.gross - voucher)[retried],
            ),
            _of_orders(
                orders,
                abandoned,
                announced=orders.created[abandoned] + 60,
                paid=NEVER,
                failed=chance(random, 0.5, len(abandoned)),
                amount=orders.gross[abandoned],
            ),
        ]
    )


def _cash_on_delivery(random: Random, spec: CompanySpec, orders: Orders) -> Money:
    """Cash that couriers took at the door and hand over by the week; a little of it too little, too much or never."""
    size, market = orders.size, orders.market
    paid, settlement = remitted(spec, orders)
    kept, luck = orders.fate == DELIVERED, random.random(size)
    never, short, over = luck < 0.008, luck > 0.985, (luck > 0.975) & (luck <= 0.985)
    amount = np.where(kept & short, part(orders.gross, np.full(size, 0.9), market), orders.gross)
    amount = np.where(kept & over, amount + price(np.full(size, 5.0), market), amount)
    # Some couriers announce the cash the day after.
    announced = np.where(chance(random, 0.3, size), np.minimum(orders.finished + DAY, paid), paid)
    names = np.where(chance(random, 0.1, size), ORDER, WAYBILL)
    of = indices(orders.on_delivery & ((orders.fate == RETURNED) | (kept & ~never)))
    return _of_orders(
        orders,
        of,
        names=names[of],
        announced=announced[of],
        paid=paid[of],
        amount=amount[of],
        fee=price(np.full(len(of), 13.0), market[of]),
        settlement=settlement[of],
    )


def _given_back(random: Random, spec: CompanySpec, orders: Orders) -> Money:
    """Refunds of cancelled and returned orders, part refunds, and chargebacks with their fee."""
    size, market = orders.size, orders.market
    card = ~orders.on_delivery & ~orders.by_transfer
    money_in = np.where(orders.on_delivery, remitted(spec, orders)[0], orders.created)

    # One cancelled order in seven keeps its customer's money.
    cancelled = card & (orders.fate == CANCELLED) & chance(random, 0.86, size)
    returned = (orders.fate == RETURNED) & chance(random, 0.93, size)
    since = np.maximum(np.where(cancelled, orders.cancelled, orders.returned), money_in)
    refunded = since + days_between(random, 1, 9, size)

    kept, luck = orders.fate == DELIVERED, random.random(size)
    partly, disputed, fraud = card & kept & (luck < 0.035), card & kept & (luck > 0.988), orders.fate == FRAUD
    credited = orders.finished + days_between(random, 2, 14, size)
    credit = part(orders.gross, random.uniform(0.1, 0.5, size), market)
    charged = np.where(fraud, orders.flagged, orders.created + days_between(random, 18, 45, size))

    whole, some, back = indices(cancelled | returned), indices(partly), indices(disputed | (fraud & card))
    penalty = price(np.full(len(back), 75.0), market[back])
    return _joined(
        [
            _of_orders(orders, whole, kind=REFUND, paid=refunded[whole], amount=orders.gross[whole]),
            _of_orders(orders, some, kind=REFUND, paid=credited[some], amount=credit[some]),
            _of_orders(orders, back, kind=CHARGEBACK, paid=charged[back], amount=orders.gross[back]),
            _of_orders(orders, back, kind=FEE, paid=charged[back], amount=penalty),
        ]
    )


def _tuition(random: Random, leads: Leads, crm: CrmRecords) -> Money:
    """Instalments of the institute's customers, weeks apart; bounced cheques; people who stop paying; refunds."""
    won = indices(crm.entered[WON] < NEVER)
    count, agreed, since = len(won), crm.final[won], crm.entered[WON][won]
    currency, person = leads.market[crm.lead[won]], leads.person[crm.lead[won]]
    instalments = 1 + draw(random, _SHARES_OF_INSTALMENTS, count)
    each = np.where(instalments == 1, agreed, part(agreed, 1 / instalments, currency))
    quits = chance(random, 0.07, count)
    first = since + hours_after(random, 9 * 24, 0.7, count)
    method = np.array([METHOD_WORDS.index(word) for word in _TUITION_METHODS])[random.integers(0, 4, count)]
    names = np.array(_TUITION_NAMES)[draw(random, _TUITION_NAME_SHARES, count)]
    cheque = method == _CHEQUE

    plans = []
    for number in range(len(_SHARES_OF_INSTALMENTS)):
        amount = np.where(instalments == number + 1, agreed - each * number, each)
        deposited = first + number * 30 * DAY + days_between(random, 0, 4, count)
        clears = np.where(cheque, deposited + days_between(random, 2, 6, count), deposited)
        pays = (instalments > number) & ~(quits & (number > 0))
        bounces = pays & cheque & chance(random, 0.1, count)
        for rows, known, paid in (
            (indices(pays), deposited, clears),
            (indices(bounces), np.maximum(since, deposited - 9 * DAY), filled(count, NEVER)),
        ):
            plans.append(
                _rows(
                    len(rows),
                    crm=won[rows],
                    names=names[rows],
                    person=person[rows],
                    announced=known[rows],
                    paid=paid[rows],
                    failed=paid[rows] == NEVER,
                    amount=amount[rows],
                    currency=currency[rows],
                    method=method[rows],
                )
            )
    leaves = indices(chance(random, 0.05, count) & ~quits)
    half = part(each[leaves], np.full(len(leaves), 0.5), currency[leaves])
    refunded = first[leaves] + days_between(random, 12, 40, len(leaves))
    plans.append(
        _rows(
            len(leaves),
            kind=REFUND,
            crm=won[leaves],
            names=CRM,
            person=person[leaves],
            paid=refunded,
            amount=half,
            currency=currency[leaves],
            method=_TRANSFER,
        )
    )
    return _joined(plans)


def _strays(random: Random, spec: CompanySpec) -> Money:
    """Settled payments that belong to no record: they name orders of a shop that was closed, or nothing."""
    size = max(4, round(spec.orders * _STRAYS_PER_ORDER))
    currency = draw(random, (0.5, 0.35, 0.15), size)
    value = np.clip(random.lognormal(np.log(220), 0.5, size), 40, 900)
    return _rows(
        size,
        names=np.where(chance(random, 0.7, size), MISSING_ORDER, NOTHING),
        paid=midnight(spec.opened) + np.sort(random.integers(0, spec.days * DAY, size)),
        amount=price(value, currency),
        currency=currency,
        method=_TRANSFER,
    )
