"""Money of the sample company: every payment, refund, chargeback and fee of the shop and the institute, and stray ones.

Each money row knows which order or CRM record it belongs to; what it *names* is a matter of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from reconciliation_assets.sample.arrays import NONE, Bools, Floats, Ints, Random, draw, indices
from reconciliation_assets.sample.clock import DAY, HOUR, NEVER, days_between, hours_after, midnight
from reconciliation_assets.sample.incidents import LateRemittance
from reconciliation_assets.sample.leads import Claims, Leads
from reconciliation_assets.sample.money import major_units, part, price
from reconciliation_assets.sample.service_line import WON, CrmRecords
from reconciliation_assets.sample.shop import (
    BANK_TRANSFER,
    CANCELLED,
    COURIERS,
    DELIVERED,
    FRAUD,
    METHODS,
    RETURNED,
    UNPAID,
    Orders,
    courier_codes,
    remitted,
)
from reconciliation_assets.sample.spec import CompanySpec

PAYMENT, REFUND, CHARGEBACK, FEE = range(4)
KINDS = ("payment", "refund", "chargeback", "fee")

# What a money row names.
(
    NAMES_ORDER,
    NAMES_WAYBILL,
    NAMES_INVOICE,
    NAMES_CRM,
    NAMES_CRM_AND_INVOICE,
    NAMES_CONTACT,
    NAMES_NOTHING,
    NAMES_MISSING,
    LOST_NAMES,
) = range(9)

VOUCHER, CHEQUE, CASH, POS = "voucher", "cheque", "cash", "pos_card"
METHOD_WORDS = tuple(sorted({word for words in METHODS for word in words} | {VOUCHER, CHEQUE, CASH, POS}))
_SERVICE_METHODS = ("bank_transfer", CHEQUE, CASH, POS)
_MANUAL_PAYMENTS = 3
_EARLIEST_INSTALMENTS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Money:
    """The plan of every money row; one element per row. Instants may be `clock.NEVER`.

    Attributes:
        kind: index into `KINDS`.
        order: the order it belongs to; -1 without.
        crm: the CRM record it belongs to; -1 without.
        names: what it names (NAMES_ORDER, ...).
        person: whose contact and name it may show; -1 for nobody's.
        announced: instant from which it is known, pending until it is paid.
        paid: instant of settlement; NEVER for a failed one.
        failed: whether it failed.
        amount: in minor units of the currency.
        currency: index into `money.CURRENCIES`.
        fee: what the courier or the card company keeps, in minor units; -1 without.
        method: index into `METHOD_WORDS`.
        settlement: number of the transfer that carried it; -1 without.
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
        return ~self.failed & (self.paid <= seen)

    def is_known(self, seen: int) -> Bools:
        """Return whether the row can be tied to its order or CRM record at an instant."""
        belongs = (self.order >= 0) | (self.crm >= 0)
        return belongs & ((self.names != NAMES_NOTHING) | (self.verified <= seen))


def plan_money(random: Random, spec: CompanySpec, orders: Orders, leads: Leads, claims: Claims, crm: CrmRecords) -> Money:
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
    nameable = (money.order >= 0) | (money.crm >= 0)
    lost = nameable & (random.random(money.size) < spec.noise.payments_without_ids)
    return replace(money, names=np.where(lost, LOST_NAMES, money.names))


def _joined(parts: Sequence[Money]) -> Money:
    return Money(**{field.name: np.concatenate([getattr(part_, field.name) for part_ in parts]) for field in fields(Money)})


def _rows(size: int, **values: Ints | Bools | int) -> Money:
    """Build money rows; what is not given is a payment that belongs to nothing and has just been settled."""
    defaults: dict[str, int | bool] = {
        "kind": PAYMENT,
        "order": NONE,
        "crm": NONE,
        "names": NAMES_ORDER,
        "person": NONE,
        "failed": False,
        "fee": NONE,
        "settlement": NONE,
        "verified": NEVER,
    }
    columns = {**defaults, **values}
    columns.setdefault("announced", columns["paid"])
    arrays = {
        name: np.broadcast_to(np.asarray(value, dtype=bool if name == "failed" else np.int64), (size,)).copy()
        for name, value in columns.items()
    }
    return Money(**arrays)


def _of_orders(orders: Orders, of: Ints, **values: Ints | Bools | int) -> Money:
    shared = {"order": of, "person": orders.person[of], "currency": orders.market[of], "method": _method(orders, of)}
    return _rows(len(of), **{**shared, **values})


def _method(orders: Orders, of: Ints) -> Ints:
    codes = np.array([[METHOD_WORDS.index(word) for word in words] for words in METHODS])
    chosen: Ints = codes[orders.market[of], orders.method[of]]
    return chosen


def _card_fee(amount: Ints) -> Ints:
    return amount * 25 // 1_000


def _prepaid(random: Random, orders: Orders, claims: Claims) -> Money:
    """Payments before delivery: by card, in part by voucher, by transfer; failed attempts; checkouts never paid."""
    size = orders.size
    transfer = orders.method == BANK_TRANSFER
    pays = ~orders.on_delivery & (orders.fate != UNPAID) & ~(transfer & (orders.fate == FRAUD))
    paid = orders.created + hours_after(random, 0.1, 0.6, size)
    paid = np.where(transfer, orders.created + hours_after(random, 26, 0.4, size), paid)
    # Cancelled before the transfer was made: nothing was ever paid.
    pays &= ~(transfer & (paid > orders.cancelled))
    chance = random.random(size)
    alone = (claims.lead < 0) & (claims.rejected < 0) & ~orders.paired & ~claims.late & (orders.fate == DELIVERED)
    split = pays & ~transfer & (orders.fate == DELIVERED) & (chance < 0.2) & (orders.gross > price(np.full(size, 120.0), orders.market))
    by_contact = pays & transfer & alone & (chance > 0.7)
    unnamed = indices(pays & transfer & alone & ~by_contact)[:_MANUAL_PAYMENTS]
    names = np.where(transfer, NAMES_INVOICE, NAMES_ORDER)
    names[by_contact] = NAMES_CONTACT
    names[unnamed] = NAMES_NOTHING
    verified = np.full(size, NEVER, dtype=np.int64)
    verified[unnamed] = paid[unnamed] + 30 * HOUR
    voucher = np.where(split, part(orders.gross, random.uniform(0.15, 0.6, size), orders.market), 0)
    more = transfer & (names == NAMES_INVOICE) & (orders.fate == DELIVERED) & (random.random(size) < 0.03)
    extra = np.where(more, price(np.full(size, 10.0), orders.market), 0)

    of = indices(pays)
    announced = np.where(random.random(size) < 0.05, orders.created, paid)
    amount = orders.gross - voucher + extra
    cards = _of_orders(
        orders, of, names=names[of], announced=announced[of], paid=paid[of], amount=amount[of],
        fee=np.where(transfer, NONE, _card_fee(amount))[of], verified=verified[of],
    )  # fmt: skip
    of = indices(split)
    vouchers = _of_orders(orders, of, paid=orders.created[of] + 20, amount=voucher[of], method=METHOD_WORDS.index(VOUCHER))
    of = indices(pays & ~transfer & (random.random(size) < 0.06))
    attempts = _of_orders(
        orders, of, announced=orders.created[of] + 30, paid=NEVER, failed=True, amount=(orders.gross - voucher)[of]
    )
    of = indices((orders.fate == UNPAID) & (random.random(size) < 0.8))
    abandoned = _of_orders(
        orders, of, announced=orders.created[of] + 60, paid=NEVER, failed=random.random(len(of)) < 0.5, amount=orders.gross[of]
    )
    return _joined([cards, vouchers, attempts, abandoned])


def _cash_on_delivery(random: Random, spec: CompanySpec, orders: Orders) -> Money:
    """Cash that couriers took at the door and hand over by the week; a few hand over too little, too much or nothing."""
    size = orders.size
    paid, settlement = remitted(spec, orders)
    paid = paid + _remittance_delay(spec, orders)
    chance = random.random(size)
    kept = orders.fate == DELIVERED
    of = indices(orders.on_delivery & ((orders.fate == RETURNED) | (kept & (chance > 0.008))))
    amount = orders.gross.copy()
    short = kept & (chance > 0.985)
    amount[short] = part(orders.gross, np.full(size, 0.9), orders.market)[short]
    over = kept & (chance > 0.975) & (chance <= 0.985)
    amount[over] += price(np.full(size, 5.0), orders.market)[over]
    announced = np.where(random.random(size) < 0.3, orders.finished + DAY, paid)
    courier_fee = major_units(np.array([12.0, 13.0, 1.0])[orders.market], orders.market)
    named = np.where(random.random(size) < 0.1, NAMES_ORDER, NAMES_WAYBILL)
    return _of_orders(
        orders, of, names=named[of], announced=np.minimum(announced, paid)[of], paid=paid[of], amount=amount[of],
        fee=courier_fee[of], settlement=settlement[of],
    )  # fmt: skip


def _remittance_delay(spec: CompanySpec, orders: Orders) -> Ints:
    codes = [code for couriers in COURIERS for code, _ in couriers]
    courier = courier_codes(orders.market, orders.courier)
    day = (orders.finished - midnight(spec.opened)) // DAY
    delay = np.zeros(orders.size, dtype=np.int64)
    for incident in spec.incidents:
        if isinstance(incident, LateRemittance):
            theirs = np.array([code == incident.courier for code in codes])[courier]
            week = (day // 7 >= incident.first_day // 7) & (day // 7 < -(-(incident.first_day + incident.days) // 7))
            delay[theirs & week] += incident.delay_days * DAY
    return delay


def _given_back(random: Random, spec: CompanySpec, orders: Orders) -> Money:
    """Refunds of cancelled and returned orders, part refunds, and chargebacks with their fee."""
    size = orders.size
    chance = random.random(size)
    on_delivery = orders.on_delivery
    transfer = orders.method == BANK_TRANSFER
    money_in = np.where(on_delivery, remitted(spec, orders)[0] + _remittance_delay(spec, orders), orders.created)

    # One cancelled order in seven keeps its customer's money; transfers are cancelled before they are made.
    cancelled = (orders.fate == CANCELLED) & ~on_delivery & ~transfer & (chance < 0.86)
    returned = (orders.fate == RETURNED) & (chance < 0.93)
    whole = indices(cancelled | returned)
    since = np.maximum(np.where(cancelled, orders.cancelled, orders.returned), money_in)
    paid = since + days_between(random, 1, 9, size)
    refunds = _of_orders(orders, whole, kind=REFUND, paid=paid[whole], amount=orders.gross[whole])

    satisfied = (orders.fate == DELIVERED) & ~transfer
    some = indices(satisfied & ~on_delivery & (chance < 0.035))
    shares = random.uniform(0.1, 0.5, size)
    parts = _of_orders(
        orders, some, kind=REFUND, paid=orders.finished[some] + days_between(random, 2, 14, len(some)),
        amount=part(orders.gross, shares, orders.market)[some],
    )  # fmt: skip

    # A fraud comes to light by the chargeback, so no order is both fraud and paid.
    fraud = orders.fate == FRAUD
    of = indices(~on_delivery & ~transfer & (((orders.fate == DELIVERED) & (chance > 0.988)) | fraud))
    charged = np.where(fraud, orders.flagged, orders.created + days_between(random, 18, 45, size))[of]
    chargebacks = _of_orders(orders, of, kind=CHARGEBACK, paid=charged, amount=orders.gross[of])
    penalty = price(np.full(len(of), 75.0), orders.market[of])
    fees = _of_orders(orders, of, kind=FEE, paid=charged, amount=penalty)
    return _joined([refunds, parts, chargebacks, fees])


def _tuition(random: Random, leads: Leads, crm: CrmRecords) -> Money:
    """Instalments of the institute's customers, weeks apart; bounced cheques; people who stop paying; refunds."""
    won = indices(crm.entered[WON] < NEVER)
    count = len(won)
    agreed, since = crm.final[won], crm.entered[WON][won]
    currency, person = leads.market[crm.lead[won]], leads.person[crm.lead[won]]
    instalments = np.array(_EARLIEST_INSTALMENTS)[draw(random, (0.28, 0.27, 0.3, 0.15), count)]
    stops_after = np.where(random.random(count) < 0.07, 1, 9)
    first_wait = hours_after(random, 9 * 24, 0.7, count)
    method = np.array([METHOD_WORDS.index(word) for word in _SERVICE_METHODS])[random.integers(0, 4, count)]
    names = np.array([NAMES_CRM, NAMES_INVOICE, NAMES_CRM_AND_INVOICE])[draw(random, (0.42, 0.42, 0.16), count)]
    cheque = method == METHOD_WORDS.index(CHEQUE)
    rows = []
    left = agreed.copy()
    for number in range(max(_EARLIEST_INSTALMENTS)):
        last = instalments == number + 1
        amount = np.where(last, left, part(agreed, 1 / instalments, currency))
        pays = indices((instalments > number) & (stops_after > number))
        left = left - np.where(instalments > number, amount, 0)
        deposited = since + first_wait + number * 30 * DAY + days_between(random, 0, 4, count)
        clears = deposited + np.where(cheque, days_between(random, 2, 6, count), 0)
        rows.append(
            _rows(len(pays), crm=won[pays], names=names[pays], person=person[pays], announced=deposited[pays], paid=clears[pays],
                  amount=amount[pays], currency=currency[pays], method=method[pays])
        )  # fmt: skip
        bounced = pays[cheque[pays] & (random.random(len(pays)) < 0.1)]
        rows.append(
            _rows(len(bounced), crm=won[bounced], names=names[bounced], person=person[bounced], announced=since[bounced], paid=NEVER,
                  failed=True, amount=amount[bounced], currency=currency[bounced], method=method[bounced])
        )  # fmt: skip
    left_early = indices((random.random(count) < 0.05) & (stops_after > 1))
    first_amount = np.where(instalments[left_early] == 1, agreed[left_early], part(agreed, 1 / instalments, currency)[left_early])
    rows.append(
        _rows(len(left_early), kind=REFUND, crm=won[left_early], names=NAMES_CRM, person=person[left_early],
              paid=(since + first_wait)[left_early] + days_between(random, 12, 40, len(left_early)),
              amount=part(first_amount, np.full(len(left_early), 0.5), currency[left_early]),
              currency=currency[left_early], method=METHOD_WORDS.index("bank_transfer"))
    )  # fmt: skip
    return _joined(rows)


def _strays(random: Random, spec: CompanySpec) -> Money:
    """Settled payments that belong to no record: they name orders of a shop that was closed, or nothing."""
    size = max(4, round(spec.orders * 0.008))
    currency = draw(random, (0.5, 0.35, 0.15), size)
    value: Floats = random.lognormal(np.log(220), 0.5, size)
    return _rows(
        size,
        names=np.where(random.random(size) < 0.7, NAMES_MISSING, NAMES_NOTHING),
        paid=midnight(spec.opened) + np.sort(random.integers(0, spec.days * DAY, size)),
        amount=price(np.clip(value, 40, 900), currency),
        currency=currency,
        method=METHOD_WORDS.index("bank_transfer"),
    )
