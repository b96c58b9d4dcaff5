"""Leads of both business lines: who asked, through which ad and form, which are real, and which order came of which."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from reconciliation_assets_tests.lab.sample.ads import Ads, draw_demand
from reconciliation_assets_tests.lab.sample.arrays import NONE, Bools, Ints, Random, chance, draw, filled, indices
from reconciliation_assets_tests.lab.sample.campaigns import Line
from reconciliation_assets_tests.lab.sample.clock import (
    DAY,
    HOUR,
    NEVER,
    days_between,
    hours_after,
    midnight,
    seconds_of_day,
)
from reconciliation_assets_tests.lab.sample.incidents import LostTracking
from reconciliation_assets_tests.lab.sample.money import in_fils, price
from reconciliation_assets_tests.lab.sample.shop import DELIVERED, FRAUD, TEST, Orders
from reconciliation_assets_tests.lab.sample.spec import CompanySpec

# How an order is tied to its lead.
BY_LEAD_ID, BY_CONTACT, BY_CRM_ID, BY_HAND = range(4)
_TIES_OF_SINGLE_ORDERS = (0.6, 0.31, 0.09)
_TIES_OF_FIRST_ORDERS = (0.65, 0.35)
_TIES_OF_SECOND_ORDERS = (0.3, 0.7)

# Why a lead is not real; REAL is what the others have.
REAL, SPAM, WRONG_NUMBER, JOB_INQUIRY, IRRELEVANT, TEST_LEAD, REPEAT = range(7)
FOUND_OUT_BY_SALES = (SPAM, WRONG_NUMBER, JOB_INQUIRY, IRRELEVANT)
_UNREAL_SHARES = (0.0, 0.34, 0.3, 0.16, 0.2)
_TEST_SHARE = 0.012

# Leads per order of the shop; with the repeats there are about half as many leads as orders.
_SERVICE_LEADS = 0.3
_SHOP_LEADS = 0.1
_LEADS_THAT_ORDERED = 0.08
_REPEATS = 0.045

_SERVICE_TICKET = 5_400.0
_SHOP_TICKET = 260.0
_LONGEST_DELAY = 20 * DAY
_DECISIONS_BY_HAND = 3
_BEYOND_THE_WINDOW_DAYS = (97, 118)


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
        known: instant at which sales find out that it is not real; NEVER for real leads, tests and repeats.
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
    ordered, claims = _leads_of_orders(random, spec, orders)
    service = _fresh_leads(
        random, spec, ads, line="service", size=round(spec.orders * _SERVICE_LEADS), next_person=orders.size
    )
    shop = _fresh_leads(
        random, spec, ads, line="shop", size=round(spec.orders * _SHOP_LEADS), next_person=orders.size + service.size
    )
    plan = _joined([ordered, service, shop])
    again = indices((plan.kind == REAL) & ~plan.several & chance(random, _REPEATS, plan.size))
    plan.several[again] = True
    return _lose_tracking(spec, ads, _joined([plan, _repeats(random, plan.select(again))])), claims


def _joined(plans: Sequence[Leads]) -> Leads:
    names = [field.name for field in fields(Leads)]
    return Leads(**{name: np.concatenate([getattr(plan, name) for plan in plans]) for name in names})


def _leads_of_orders(random: Random, spec: CompanySpec, orders: Orders) -> tuple[Leads, Claims]:
    """Choose the orders that came of a lead, and plan the leads they came of.

    Besides: leads that are too old to count for their person's order, and earlier leads of people who asked twice.
    """
    opening = midnight(spec.opened)
    size = orders.size
    candidate = ~np.isin(orders.fate, (FRAUD, TEST)) & (orders.pair_first < 0) & (orders.created > opening + 3 * DAY)
    first = indices(candidate & chance(random, _LEADS_THAT_ORDERED, size))
    delay = np.clip(hours_after(random, 40, 1.2, len(first)), HOUR, _LONGEST_DELAY)
    delay = np.minimum(delay, orders.created[first] - opening - DAY)
    claims = _claims(random, orders, first)
    # Ruled out, the order is a record of its own, which must not look like a repeat of the lead.
    delay[claims.rejected[first] >= 0] = 12 * DAY

    old_enough = orders.created > opening + (_BEYOND_THE_WINDOW_DAYS[1] + 1) * DAY
    alone = (claims.lead < 0) & (claims.rejected < 0) & ~orders.paired & (orders.fate == DELIVERED)
    late = alone & old_enough & chance(random, 0.02, size)
    beyond = days_between(random, *_BEYOND_THE_WINDOW_DAYS, size)

    single = ~orders.paired[first]
    asked_twice = single & (claims.how[first] == BY_CONTACT) & (orders.created[first] - opening > 70 * DAY)
    twice = indices(asked_twice & chance(random, 0.15, len(first)))
    earlier = delay[twice] + days_between(random, 14, 40, len(twice))

    latest = _leads_for(random, orders, first, delay)
    latest.several[twice] = True
    # A stated value beside an order that comes to nothing could be read onto two lines of the bridge.
    latest.states_value[~single | (orders.fate[first] != DELIVERED)] = False
    too_old = _leads_for(random, orders, indices(late), beyond[late])
    superseded = _leads_for(random, orders, first[twice], earlier)
    superseded.several[:] = True
    return _joined([latest, too_old, superseded]), replace(claims, late=late)


def _claims(random: Random, orders: Orders, first: Ints) -> Claims:
    """Tie the chosen orders to leads numbered in their order, with the second orders of the same people."""
    size = orders.size
    lead, how, rejected = filled(size, NONE), filled(size, NONE), filled(size, NONE)
    single = ~orders.paired[first]
    lead[first] = np.arange(len(first))
    how[first] = np.where(
        single,
        draw(random, _TIES_OF_SINGLE_ORDERS, len(first)),
        draw(random, _TIES_OF_FIRST_ORDERS, len(first)),
    )
    second = indices(orders.pair_first >= 0)
    second = second[lead[orders.pair_first[second]] >= 0]
    lead[second] = lead[orders.pair_first[second]]
    how[second] = draw(random, _TIES_OF_SECOND_ORDERS, len(second))

    long_ago = orders.created[first] > orders.created[0] + 20 * DAY
    by_contact = first[single & (how[first] == BY_CONTACT) & long_ago]
    ruled_out, accepted = by_contact[:_DECISIONS_BY_HAND], by_contact[_DECISIONS_BY_HAND : 2 * _DECISIONS_BY_HAND]
    rejected[ruled_out], lead[ruled_out], how[ruled_out] = lead[ruled_out], NONE, NONE
    how[accepted] = BY_HAND
    verified = filled(size, NEVER)
    for decided in (ruled_out, accepted):
        verified[decided] = orders.created[decided] + 20 * HOUR
    return Claims(lead, how, rejected, verified, late=np.zeros(size, dtype=bool))


def _leads_for(random: Random, orders: Orders, of: Ints, before: Ints) -> Leads:
    """Plan a lead for each of some orders, so many seconds before it."""
    market, size = orders.market[of], len(of)
    wish = in_fils(orders.gross[of], market) / 100 * random.uniform(0.8, 1.2, size)
    return Leads(
        person=orders.person[of],
        created=orders.created[of] - before,
        slot=orders.slot[of],
        market=market,
        service=np.zeros(size, dtype=bool),
        kind=filled(size, REAL),
        known=filled(size, NEVER),
        list_price=price(wish, market),
        states_value=chance(random, 0.35, size),
        untracked=np.zeros(size, dtype=bool),
        ad_only=chance(random, 0.02, size),
        several=np.zeros(size, dtype=bool),
    )


def _fresh_leads(random: Random, spec: CompanySpec, ads: Ads, *, line: Line, size: int, next_person: int) -> Leads:
    """Plan leads of people who have no order."""
    slot, day = draw_demand(random, ads, spec.campaigns, line, size)
    created = midnight(spec.opened) + day * DAY + seconds_of_day(random, size)
    by_time = np.argsort(created, kind="stable")
    slot, created = slot[by_time], created[by_time]
    campaign, market = ads.campaign[slot], ads.market[slot]
    service = line == "service"
    quality = np.array([row.lead_quality for row in spec.campaigns])[campaign]
    kind = np.where(random.random(size) < quality, REAL, draw(random, _UNREAL_SHARES, size))
    kind[chance(random, _TEST_SHARE, size)] = TEST_LEAD
    ticket = np.array([row.ticket for row in spec.campaigns])[campaign] * random.lognormal(0, 0.22, size)
    asked = np.clip(ticket * (_SERVICE_TICKET if service else _SHOP_TICKET), 40, 12_000)
    found_out = created + hours_after(random, 22, 0.7, size)
    return Leads(
        person=next_person + np.arange(size),
        created=created,
        slot=slot,
        market=market,
        service=np.full(size, service),
        kind=kind,
        known=np.where(np.isin(kind, FOUND_OUT_BY_SALES), found_out, NEVER),
        list_price=price(asked, market),
        states_value=chance(random, 0.5 if service else 0.15, size),
        untracked=np.zeros(size, dtype=bool),
        ad_only=chance(random, 0.02, size),
        several=np.zeros(size, dtype=bool),
    )


def _repeats(random: Random, first: Leads) -> Leads:
    """Plan the same people asking for the same once more, an hour to six days later."""
    return replace(
        first,
        created=first.created + (random.random(first.size) ** 2 * 6 * DAY).astype(np.int64) + HOUR,
        kind=filled(first.size, REPEAT),
        states_value=first.states_value & chance(random, 0.7, first.size),
    )


def _lose_tracking(spec: CompanySpec, ads: Ads, plan: Leads) -> Leads:
    day = (plan.created - midnight(spec.opened)) // DAY
    names = [row.name for row in spec.campaigns]
    untracked = plan.untracked
    for incident in spec.incidents:
        if isinstance(incident, LostTracking):
            theirs = ads.campaign[plan.slot] == names.index(incident.campaign)
            then = (day >= incident.first_day) & (day < incident.first_day + incident.days)
            untracked = untracked | (theirs & then)
    return replace(plan, untracked=untracked)
