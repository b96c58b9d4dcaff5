"""Leads of both business lines: who asked, through which ad and form, which are real, and which order came of which."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from reconciliation_assets.sample.arrays import NONE, Bools, Ints, Random, draw, indices
from reconciliation_assets.sample.campaigns import Ads, Line, draw_demand
from reconciliation_assets.sample.clock import DAY, HOUR, NEVER, days_between, hours_after, midnight, seconds_of_day
from reconciliation_assets.sample.incidents import LostTracking
from reconciliation_assets.sample.money import in_fils, price
from reconciliation_assets.sample.shop import DELIVERED, FRAUD, TEST, Orders
from reconciliation_assets.sample.spec import CompanySpec

# How an order is tied to its lead.
BY_LEAD_ID, BY_CONTACT, BY_CRM_ID, BY_HAND = range(4)
_HOW_SHARES = (0.6, 0.31, 0.09)

# Why a lead is not real; REAL is what the others have.
REAL, SPAM, WRONG_NUMBER, JOB_INQUIRY, IRRELEVANT, TEST_LEAD, REPEAT = range(7)
_UNREAL_SHARES = (0.0, 0.34, 0.3, 0.16, 0.2)

# Records per order of the shop; with the repeats there are about half as many leads as orders.
_SERVICE_LEADS = 0.3
_SHOP_LEADS = 0.1
_BOUGHT = 0.08
_REPEATS = 0.045

_SERVICE_TICKET = 5_400.0
_SHOP_TICKET = 260.0
_LONGEST_DELAY = 20 * DAY
_DECISIONS_BY_HAND = 3
_BEYOND_THE_WINDOW = (97, 118)


@dataclass(frozen=True)
class Leads:
    """The plan of every lead; one element per lead.

    Attributes:
        person: who asked.
        created: instant of the form.
        slot: the ad (or demand without ads) that brought it.
        market: index into `money.MARKETS`; it is also the currency of the stated value.
        service: whether it is the institute's lead (else the shop's).
        kind: REAL, or why it is not.
        known: instant at which sales found out that it is not real; NEVER for real leads, tests and repeats.
        list_price: price of what was asked for, in minor units.
        states_value: whether the form passed the list price on as the lead's stated value.
        untracked: whether its form had lost the identifiers of the ad.
        ad_only: whether only the ad's identifier came along, not the campaign's.
        several: whether the same person has another lead.
    """

    person: Ints
    created: Ints
    slot: Ints
    market: Ints
    service: Bools
    kind: Ints
    known: Ints
    list_price: Ints
    states_value: Bools
    untracked: Bools
    ad_only: Bools
    several: Bools

    @property
    def size(self) -> int:
        """The number of leads."""
        return len(self.created)

    def select(self, rows: Ints) -> "Leads":
        """Return the plan of some of the leads."""
        return Leads(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True)
class Claims:
    """Which orders came of a lead; one element per order of the shop.

    Attributes:
        lead: the lead; -1 for an order that is a captured record of its own.
        how: what ties the two (BY_LEAD_ID, ...); -1 without a lead.
        rejected: a lead with the same contact that somebody ruled out by hand; -1 without.
        verified: instant of a decision by hand; NEVER without one.
        late: whether the person's lead came too long before the order to count.
    """

    lead: Ints
    how: Ints
    rejected: Ints
    verified: Ints
    late: Bools

    def known(self, seen: int) -> tuple[Ints, Ints]:
        """Return the lead of each order, and what ties them, by the decisions taken until an instant."""
        undecided = self.verified > seen
        lead = np.where(undecided & (self.how == BY_HAND), NONE, self.lead)
        lead = np.where(undecided & (self.rejected >= 0), self.rejected, lead)
        how = np.where(undecided & (self.rejected >= 0), BY_CONTACT, self.how)
        return lead, np.where(lead >= 0, how, NONE)


def plan_leads(random: Random, spec: CompanySpec, ads: Ads, orders: Orders) -> tuple[Leads, Claims]:
    """Plan all leads: those that orders came of, the institute's, the shop's without an order, and repeats.

    People are numbered on from the orders' people, one per lead that is nobody's order.
    """
    bought, claims = _leads_of_orders(random, spec, orders)
    service = _fresh_leads(random, spec, ads, "service", round(spec.orders * _SERVICE_LEADS), orders.size)
    shop = _fresh_leads(random, spec, ads, "shop", round(spec.orders * _SHOP_LEADS), orders.size + service.size)
    plan = _joined([bought, service, shop])
    again = indices((plan.kind == REAL) & ~plan.several & (random.random(plan.size) < _REPEATS))
    several = plan.several.copy()
    several[again] = True
    plan = replace(plan, several=several)
    return _lose_tracking(spec, ads, _joined([plan, _repeats(random, plan.select(again))])), claims


def _joined(parts: Sequence[Leads]) -> Leads:
    return Leads(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Leads)})


def _leads_of_orders(random: Random, spec: CompanySpec, orders: Orders) -> tuple[Leads, Claims]:
    """Choose the orders that came of a lead, and plan the leads they came of."""
    size = orders.size
    opening = midnight(spec.opened)
    candidate = ~np.isin(orders.fate, (FRAUD, TEST)) & (orders.pair_first < 0) & (orders.created > opening + 3 * DAY)
    first = indices(candidate & (random.random(size) < _BOUGHT))
    single = ~orders.paired[first]
    delay = np.clip(hours_after(random, 40, 1.2, len(first)), HOUR, _LONGEST_DELAY)
    delay = np.minimum(delay, orders.created[first] - opening - DAY)

    lead = np.full(size, NONE, dtype=np.int64)
    how = np.full(size, NONE, dtype=np.int64)
    rejected = np.full(size, NONE, dtype=np.int64)
    verified = np.full(size, NEVER, dtype=np.int64)
    lead[first] = np.arange(len(first))
    how[first] = np.where(single, draw(random, _HOW_SHARES, len(first)), draw(random, (0.65, 0.35), len(first)))
    second = indices(orders.pair_first >= 0)
    second = second[lead[orders.pair_first[second]] >= 0]
    lead[second] = lead[orders.pair_first[second]]
    how[second] = draw(random, (0.3, 0.7), len(second))

    by_contact = indices(single & (how[first] == BY_CONTACT) & (orders.created[first] - opening > 20 * DAY))
    # Ruled out, the order is a record of its own, which must not look like a repeat of the lead.
    delay[by_contact[:_DECISIONS_BY_HAND]] = 12 * DAY
    by_contact = first[by_contact]
    ruled_out, accepted = by_contact[:_DECISIONS_BY_HAND], by_contact[_DECISIONS_BY_HAND : 2 * _DECISIONS_BY_HAND]
    rejected[ruled_out], lead[ruled_out], how[ruled_out] = lead[ruled_out], NONE, NONE
    how[accepted] = BY_HAND
    decided = np.concatenate([ruled_out, accepted])
    verified[decided] = orders.created[decided] + 20 * HOUR

    late = (lead < 0) & (rejected < 0) & ~orders.paired & (orders.fate == DELIVERED)
    late &= (orders.created > opening + (_BEYOND_THE_WINDOW[1] + 1) * DAY) & (random.random(size) < 0.02)

    older = indices(single & (how[first] == BY_CONTACT) & (random.random(len(first)) < 0.15))
    older = older[orders.created[first[older]] - opening > 70 * DAY]
    plan = _joined(
        [
            _leads_for(random, orders, first, orders.created[first] - delay),
            _leads_for(
                random, orders, indices(late), orders.created[late] - days_between(random, *_BEYOND_THE_WINDOW, late.sum())
            ),
            _leads_for(
                random,
                orders,
                first[older],
                orders.created[first[older]] - delay[older] - days_between(random, 14, 40, len(older)),
            ),
        ]
    )
    several = plan.several.copy()
    several[older] = True
    several[len(plan.several) - len(older) :] = True
    # A stated value beside an order that comes to nothing could be read onto two lines of the bridge.
    stating = plan.states_value.copy()
    stating[: len(first)] &= single & (orders.fate[first] == DELIVERED)
    return replace(plan, several=several, states_value=stating), Claims(lead, how, rejected, verified, late)


def _leads_for(random: Random, orders: Orders, of: Ints, created: Ints) -> Leads:
    market = orders.market[of]
    size = len(of)
    wish = in_fils(orders.gross[of], market) / 100 * random.uniform(0.8, 1.2, size)
    return Leads(
        person=orders.person[of],
        created=created,
        slot=orders.slot[of],
        market=market,
        service=np.zeros(size, dtype=bool),
        kind=np.full(size, REAL, dtype=np.int64),
        known=np.full(size, NEVER, dtype=np.int64),
        list_price=price(wish, market),
        states_value=random.random(size) < 0.35,
        untracked=np.zeros(size, dtype=bool),
        ad_only=random.random(size) < 0.02,
        several=np.zeros(size, dtype=bool),
    )


def _fresh_leads(random: Random, spec: CompanySpec, ads: Ads, line: Line, size: int, next_person: int) -> Leads:
    """Plan leads of people who have no order."""
    slot, day = draw_demand(random, ads, spec.campaigns, line, size)
    created = midnight(spec.opened) + day * DAY + seconds_of_day(random, size)
    by_time = np.argsort(created, kind="stable")
    slot, created = slot[by_time], created[by_time]
    campaign = ads.campaign[slot]
    market = ads.market[slot]
    service = line == "service"
    quality = np.array([row.lead_quality for row in spec.campaigns])[campaign]
    kind = np.where(random.random(size) < quality, REAL, draw(random, _UNREAL_SHARES, size))
    kind[random.random(size) < 0.012] = TEST_LEAD
    told = np.isin(kind, (SPAM, WRONG_NUMBER, JOB_INQUIRY, IRRELEVANT))
    ticket = np.array([row.ticket for row in spec.campaigns])[campaign] * random.lognormal(0, 0.22, size)
    average = _SERVICE_TICKET if service else _SHOP_TICKET
    return Leads(
        person=next_person + np.arange(size),
        created=created,
        slot=slot,
        market=market,
        service=np.full(size, service),
        kind=kind,
        known=np.where(told, created + hours_after(random, 22, 0.7, size), NEVER),
        list_price=price(np.clip(average * ticket, 40, 12_000), market),
        states_value=random.random(size) < (0.5 if service else 0.15),
        untracked=np.zeros(size, dtype=bool),
        ad_only=random.random(size) < 0.02,
        several=np.zeros(size, dtype=bool),
    )


def _repeats(random: Random, first: Leads) -> Leads:
    """Plan the same people asking for the same once more, an hour to six days later."""
    size = first.size
    return replace(
        first,
        created=first.created + (random.random(size) ** 2 * 6 * DAY).astype(np.int64) + HOUR,
        kind=np.full(size, REPEAT, dtype=np.int64),
        states_value=first.states_value & (random.random(size) < 0.7),
    )


def _lose_tracking(spec: CompanySpec, ads: Ads, plan: Leads) -> Leads:
    day = (plan.created - midnight(spec.opened)) // DAY
    names = [row.name for row in spec.campaigns]
    untracked = plan.untracked
    for incident in spec.incidents:
        if isinstance(incident, LostTracking):
            concerned = ads.campaign[plan.slot] == names.index(incident.campaign)
            untracked = untracked | (
                concerned & (day >= incident.first_day) & (day < incident.first_day + incident.days)
            )
    return replace(plan, untracked=untracked)


