"""The shop: orders from checkout to the door, and back. Who ordered, through which ad, and what became of it."""

from dataclasses import dataclass

import numpy as np

from reconciliation_assets_tests.lab.sample.ads import Ads, draw_demand
from reconciliation_assets_tests.lab.sample.arrays import (
    NONE,
    Bools,
    Floats,
    Ints,
    Random,
    chance,
    draw,
    filled,
    indices,
)
from reconciliation_assets_tests.lab.sample.clock import (
    DAY,
    HOUR,
    NEVER,
    days_between,
    hours_after,
    midnight,
    seconds_of_day,
)
from reconciliation_assets_tests.lab.sample.incidents import LateRemittance
from reconciliation_assets_tests.lab.sample.money import price
from reconciliation_assets_tests.lab.sample.spec import CompanySpec

# Couriers by market: code, and days from the end of a delivery week to its remittance.
COURIERS: tuple[tuple[tuple[str, int], ...], ...] = (
    (("FLX", 4), ("DNP", 6)),
    (("NJD", 5), ("SRB", 7)),
    (("KWL", 5), ("FLX", 8)),
)
_COURIER_SHARES = (0.7, 0.3)
# Payment methods by market: cash on delivery first, bank transfer last.
METHODS = (
    ("cod", "card", "apple_pay", "tabby", "bank_transfer"),
    ("cod", "mada", "apple_pay", "tamara", "bank_transfer"),
    ("cod", "knet", "card", "tabby", "bank_transfer"),
)
COD, BANK_TRANSFER = 0, 4
_METHOD_SHARES = ((0.42, 0.3, 0.12, 0.12, 0.04), (0.46, 0.27, 0.12, 0.11, 0.04), (0.38, 0.38, 0.12, 0.09, 0.03))

# What becomes of an order in the end.
DELIVERED, RETURNED, REFUSED, CANCELLED, UNPAID, FRAUD, TEST, LOST_IN_TRANSIT = range(8)

# Where an order stands at some instant.
PLACED, CONFIRMED, SHIPPED, OUT, ARRIVED, STOPPED, TURNED_AWAY, SENT_BACK, FRAUDULENT, TRIAL = range(10)
STATUS_WORDS = (
    ("placed", "new", "Pending"),
    ("confirmed", "Confirmed", "processing", "packed"),
    ("shipped", "Shipped", "in-transit", "In Transit"),
    ("out-for-delivery", "Out For Delivery"),
    ("delivered", "Delivered", "DELIVERED", "completed", "fulfilled"),
    ("cancelled", "canceled", "Cancelled"),
    ("refused", "Refused", "failed-delivery", "RTO"),
    ("returned", "Returned"),
    ("fraud", "Fraud"),
    ("test",),
)
REASONS = (
    "changed mind",
    "ordered twice",
    "price",
    "not reachable",
    "address incomplete",
    "size does not fit",
    "not as pictured",
)

_AVERAGE_TICKET = 285.0
_POPULAR_PRICES = np.array([99.0, 149.0, 199.0, 249.0, 299.0])
_REPEAT_SHARE = 0.16
_REPEAT_GAP_DAYS = (14, 55)
_PAYMENT_DEADLINE = 3 * DAY


@dataclass(frozen=True)
class Orders:
    """The plan of every order; one element per order, in the order of their creation. Instants may be `clock.NEVER`.

    Attributes:
        person: who ordered.
        created: instant of the checkout.
        slot: the ad (or demand without ads) that brought it, see `ads.Ads`.
        market: index into `money.MARKETS`; it is also the order's currency.
        gross: what the customer is asked to pay, in minor units; tax and shipping in, discount taken off.
        discount: already taken off `gross`, so no export holds it.
        shipping: contained in `gross`.
        method: index into the market's `METHODS`.
        fate: what becomes of it in the end (DELIVERED, REFUSED, ...).
        courier: index into the market's `COURIERS`.
        confirmed: instant of confirmation.
        shipped: instant of hand-over to the courier.
        out: instant of the last mile.
        finished: delivered, or refused at the door.
        returned: instant at which a delivered parcel came back.
        cancelled: instant of cancellation or expiry.
        flagged: instant at which it was marked as fraud or test.
        reason: index into `REASONS`; -1 without.
        paired: whether the same person has another order.
        pair_first: of the later order of a pair, the earlier one; -1 otherwise.
    """

    person: Ints
    created: Ints
    slot: Ints
    market: Ints
    gross: Ints
    discount: Ints
    shipping: Ints
    method: Ints
    fate: Ints
    courier: Ints
    confirmed: Ints
    shipped: Ints
    out: Ints
    finished: Ints
    returned: Ints
    cancelled: Ints
    flagged: Ints
    reason: Ints
    paired: Bools
    pair_first: Ints

    @property
    def size(self) -> int:
        """The number of orders."""
        return len(self.created)

    @property
    def on_delivery(self) -> Bools:
        """Which orders are paid in cash at the door."""
        cash: Bools = self.method == COD
        return cash

    @property
    def by_transfer(self) -> Bools:
        """Which orders are paid by bank transfer against an invoice."""
        transfer: Bools = self.method == BANK_TRANSFER
        return transfer

    def standing(self, seen: Ints) -> Ints:
        """Return where each order stands at an instant (PLACED, CONFIRMED, ...)."""
        standing = filled(self.size, PLACED)
        for instant, reached in (
            (self.confirmed, CONFIRMED),
            (self.shipped, SHIPPED),
            (self.out, OUT),
            (self.finished, np.where(self.fate == REFUSED, TURNED_AWAY, ARRIVED)),
            (self.returned, SENT_BACK),
            (self.cancelled, STOPPED),
            (self.flagged, np.where(self.fate == TEST, TRIAL, FRAUDULENT)),
        ):
            standing = np.where(instant <= seen, reached, standing)
        return standing

    def last_change(self, seen: Ints) -> Ints:
        """Return the instant of the last change of each order, as known at an instant."""
        changed = self.created
        moves = (self.confirmed, self.shipped, self.out, self.finished, self.returned, self.cancelled, self.flagged)
        for instant in moves:
            changed = np.where(instant <= seen, np.maximum(changed, instant), changed)
        return changed


def plan_orders(random: Random, spec: CompanySpec, ads: Ads) -> Orders:
    """Plan every order of the period: the ad, the basket, the way of payment, and its fate with all instants."""
    size = spec.orders
    slot, day = draw_demand(random, ads, spec.campaigns, "shop", size)
    created = midnight(spec.opened) + day * DAY + seconds_of_day(random, size)
    by_time = np.argsort(created, kind="stable")
    slot, created = slot[by_time], created[by_time]
    market, campaign = ads.market[slot], ads.campaign[slot]

    method = filled(size, COD)
    for code, shares in enumerate(_METHOD_SHARES):
        here = indices(market == code)
        method[here] = draw(random, shares, len(here))
    refusal_rate = np.array([row.refusal_rate for row in spec.campaigns])[campaign]
    person, pair_first = _repeat_customers(random, created, market)
    paired = pair_first >= 0
    paired[pair_first[paired]] = True
    fate = _fates(random, on_delivery=method == COD, paired=paired, refusal_rate=refusal_rate)
    shipping_out = np.isin(fate, (DELIVERED, RETURNED, REFUSED, LOST_IN_TRANSIT))
    arriving = shipping_out & (fate != LOST_IN_TRANSIT)

    confirmed = created + hours_after(random, 5, 0.8, size)
    shipped = confirmed + hours_after(random, 16, 0.6, size)
    out = shipped + hours_after(random, 34, 0.5, size)
    finished = out + hours_after(random, 6, 0.5, size)
    returned = finished + days_between(random, 3, 12, size)
    cancelled = np.where(fate == UNPAID, created + _PAYMENT_DEADLINE, created + hours_after(random, 14, 0.9, size))
    # A fraud comes to light by its chargeback, weeks later; a test order the same day.
    flagged = created + np.where(fate == FRAUD, days_between(random, 18, 45, size), hours_after(random, 9, 0.7, size))

    gross = price(_tickets(random, spec, campaign), market)
    stopped = np.isin(fate, (CANCELLED, UNPAID))
    return Orders(
        person=person,
        created=created,
        slot=slot,
        market=market,
        gross=gross,
        discount=np.where(chance(random, 0.2, size), price(np.full(size, 20.0), market), 0),
        shipping=np.where(gross < price(np.full(size, 200.0), market), price(np.full(size, 15.0), market), 0),
        method=method,
        fate=fate,
        courier=draw(random, _COURIER_SHARES, size),
        confirmed=np.where(shipping_out | ((fate == CANCELLED) & (confirmed < cancelled)), confirmed, NEVER),
        shipped=np.where(shipping_out, shipped, NEVER),
        out=np.where(arriving, out, NEVER),
        finished=np.where(arriving, finished, NEVER),
        returned=np.where(fate == RETURNED, returned, NEVER),
        cancelled=np.where(stopped, cancelled, NEVER),
        flagged=np.where(np.isin(fate, (FRAUD, TEST)), flagged, NEVER),
        reason=np.where(np.isin(fate, (RETURNED, REFUSED, CANCELLED)), random.integers(0, len(REASONS), size), NONE),
        paired=paired,
        pair_first=pair_first,
    )


def _fates(random: Random, *, on_delivery: Bools, paired: Bools, refusal_rate: Floats) -> Ints:
    size = len(on_delivery)
    fate = filled(size, DELIVERED)
    fate[chance(random, 0.05, size)] = RETURNED
    fate[on_delivery & (random.random(size) < refusal_rate)] = REFUSED
    fate[chance(random, 0.01, size)] = LOST_IN_TRANSIT
    fate[chance(random, 0.07, size)] = CANCELLED
    fate[~on_delivery & chance(random, 0.04, size)] = UNPAID
    # Never the order of somebody with another one: a lead's invalid order would leave a choice of bridge line.
    fate[~paired & chance(random, 0.005, size)] = FRAUD
    fate[~paired & on_delivery & chance(random, 0.004, size)] = TEST
    return fate


def _tickets(random: Random, spec: CompanySpec, campaign: Ints) -> Floats:
    size = len(campaign)
    usual = np.array([row.ticket for row in spec.campaigns])[campaign] * _AVERAGE_TICKET
    ticket = np.clip(usual * random.lognormal(0, 0.42, size), 45, 1_450)
    popular = chance(random, spec.noise.repeated_amounts, size)
    return np.where(popular, random.choice(_POPULAR_PRICES, size), ticket)


def _repeat_customers(random: Random, created: Ints, market: Ints) -> tuple[Ints, Ints]:
    """Let some orders be the second one of an earlier customer of the same market, two to eight weeks later.

    The gap keeps a second order clear of the seven days within which a record counts as a duplicate, and both orders of a
    customer who came through a lead within the lead's contact window.

    Returns:
        The person of each order, and the earlier order of the same person (-1 without).
    """
    size = len(created)
    least, most = _REPEAT_GAP_DAYS
    wished = chance(random, _REPEAT_SHARE, size)
    earliest = np.searchsorted(created, created - most * DAY)
    latest = np.searchsorted(created, created - least * DAY)
    first = earliest + (random.random(size) * (latest - earliest)).astype(np.int64)
    later = indices(wished & (latest > earliest) & ~wished[first] & (market[first] == market))
    _, once = np.unique(first[later], return_index=True)
    later = later[once]
    pair_first = filled(size, NONE)
    pair_first[later] = first[later]
    return np.where(pair_first >= 0, pair_first, np.arange(size)), pair_first


def remitted(spec: CompanySpec, orders: Orders) -> tuple[Ints, Ints]:
    """Return when the courier hands over each order's cash, and the number of the settlement that carries it.

    A courier pays a market's week of deliveries in one transfer, some days after the week's end; an incident delays it. The
    number is a thousand times the courier's (market by market, as in `COURIERS`) plus the week.
    """
    codes = [code for couriers in COURIERS for code, _ in couriers]
    lag = np.array([days for couriers in COURIERS for _, days in couriers])
    courier = orders.market * len(_COURIER_SHARES) + orders.courier
    opening = midnight(spec.opened)
    week = np.where(orders.finished < NEVER, (orders.finished - opening) // (7 * DAY), 0)
    days = (week + 1) * 7 + lag[courier]
    for incident in spec.incidents:
        if isinstance(incident, LateRemittance):
            concerned = (week >= incident.first_week) & (week < incident.first_week + incident.weeks)
            theirs = np.array([code == incident.courier for code in codes])[courier]
            days = np.where(concerned & theirs, days + incident.delay_days, days)
    return opening + days * DAY + 10 * HOUR, courier * 1_000 + week
