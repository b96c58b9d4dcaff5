"""The training institute's sales: CRM records of the leads, stage by stage, until they are won or lost."""

from dataclasses import dataclass

import numpy as np

from reconciliation_assets_tests.lab.sample.ads import Ads
from reconciliation_assets_tests.lab.sample.arrays import (
    NONE,
    Bools,
    Ints,
    Random,
    any_by,
    chance,
    draw,
    filled,
    indices,
)
from reconciliation_assets_tests.lab.sample.clock import HOUR, NEVER, days_between, hours_after
from reconciliation_assets_tests.lab.sample.leads import BY_CRM_ID, REAL, REPEAT, TEST_LEAD, Claims, Leads
from reconciliation_assets_tests.lab.sample.money import part
from reconciliation_assets_tests.lab.sample.spec import CompanySpec

# How a CRM record is tied to its lead; one that took over another's place is tied through that one.
NAMES_LEAD, NAMES_META_LEAD, SAME_CONTACT, TOOK_OVER = range(4)
_TIES = (0.7, 0.18, 0.12)

STAGES = range(7)
NEW, CONTACTED, QUALIFIED, PROPOSAL, NEGOTIATION, WON, LOST = STAGES
STAGE_WORDS = (
    ("new", "New", "open"),
    ("contacted", "Contacted", "attempted", "working"),
    ("qualified", "Qualified", "SQL"),
    ("proposal", "Proposal", "opportunity"),
    ("negotiation", "Negotiation"),
    ("won", "closed-won", "Closed Won", "closed_won"),
    ("lost", "closed-lost", "Closed Lost", "closed_lost"),
)
LOSS_REASONS = ("price", "no answer", "chose a competitor", "timing", "not eligible")
# Handles by market, with the median hours each takes to answer a lead.
OWNERS = (("sara", 1.2), ("omar", 3.0), ("huda", 1.6), ("majed", 19.0), ("dalal", 2.2))
_OWNERS_OF_MARKET = np.array([(0, 1), (2, 3), (4, 4)])

_IN_THE_CRM = {"service": 0.97, "shop": 0.3}
_LOSES = {"service": 0.56, "shop": 0.4}


@dataclass(frozen=True)
class CrmRecords:
    """The plan of every CRM record; one element per record. Instants may be `clock.NEVER`.

    Attributes:
        lead: the lead it is about.
        ties: how it is tied to the lead (NAMES_LEAD, ...).
        merged_into: the record that took its place; -1 without.
        merged: instant of the merge.
        owner: index into `OWNERS`.
        entered: stages (`STAGES`) by records: instant of entering the stage; the first is the record's creation.
        loss_reason: index into `LOSS_REASONS`; -1 without.
        final: value agreed with the customer, in minor units of the market's currency; -1 without.
    """

    lead: Ints
    ties: Ints
    merged_into: Ints
    merged: Ints
    owner: Ints
    entered: Ints
    loss_reason: Ints
    final: Ints

    @property
    def size(self) -> int:
        """The number of CRM records."""
        return len(self.lead)

    @property
    def created(self) -> Ints:
        """The instant of each record's creation."""
        created: Ints = self.entered[NEW]
        return created

    def stage(self, seen: Ints) -> Ints:
        """Return the stage of each record at an instant."""
        stage = filled(self.size, NEW)
        for code in STAGES:
            stage = np.where(self.entered[code] <= seen, code, stage)
        return stage


def plan_crm(random: Random, spec: CompanySpec, ads: Ads, leads: Leads, claims: Claims) -> CrmRecords:
    """Plan the CRM records: nearly all leads of the institute have one, some of the shop's, and some repeats."""
    claimed = np.ones(len(claims.lead), dtype=bool)
    ordered = any_by(claims.lead, claimed, leads.size)
    needed = any_by(claims.lead, claims.how == BY_CRM_ID, leads.size)
    share = np.where(leads.service, _IN_THE_CRM["service"], _IN_THE_CRM["shop"])
    entered = (random.random(leads.size) < share) & ~np.isin(leads.kind, (REPEAT, TEST_LEAD))
    main = _opportunities(random, spec, ads, leads, of=indices(needed | entered), ordered=ordered)
    return _with_merges(random, leads, main)


def _opportunities(
    random: Random, spec: CompanySpec, ads: Ads, leads: Leads, *, of: Ints, ordered: Bools
) -> CrmRecords:
    """Plan one record for each of some leads, with its way through the stages."""
    size = len(of)
    market, service, real = leads.market[of], leads.service[of], leads.kind[of] == REAL
    campaign = ads.campaign[leads.slot[of]]
    owner = _OWNERS_OF_MARKET[market, random.integers(0, 2, size)]
    retry_policy = np.array([hours for _, hours in OWNERS])[owner]

    win_rate = np.array([row.win_rate for row in spec.campaigns])[campaign]
    outcome, effort = random.random(size), random.random(size)
    won = real & service & (outcome < win_rate)
    # A lead that ordered from the shop is neither won nor lost in the CRM: its orders tell.
    loses = np.where(service, _LOSES["service"], _LOSES["shop"])
    lost = real & ~won & ~ordered[of] & (outcome < win_rate + loses)
    qualified = won | (real & (effort < 0.55))
    offered = won | (real & service & (effort < 0.3))
    haggled = won | (real & service & (effort < 0.12))

    created = leads.created[of] + random.integers(20, 900, size)
    contacted = created + (hours_after(random, 1, 0.9, size) * retry_policy).astype(np.int64)
    at_qualified = contacted + hours_after(random, 30, 0.8, size)
    at_proposal = at_qualified + hours_after(random, 60, 0.7, size)
    at_negotiation = at_proposal + hours_after(random, 50, 0.7, size)
    at_won = at_negotiation + hours_after(random, 90, 0.6, size)
    last = np.select([haggled, offered, qualified], [at_negotiation, at_proposal, at_qualified], contacted)
    at_lost = last + days_between(random, 3, 25, size)
    return CrmRecords(
        lead=of,
        ties=_ties(random, spec, ads, leads.select(of), ordered[of]),
        merged_into=filled(size, NONE),
        merged=filled(size, NEVER),
        owner=owner,
        entered=np.array(
            [
                created,
                contacted,
                np.where(qualified, at_qualified, NEVER),
                np.where(offered, at_proposal, NEVER),
                np.where(haggled, at_negotiation, NEVER),
                np.where(won, at_won, NEVER),
                np.where(lost, at_lost, NEVER),
            ]
        ),
        loss_reason=np.where(lost, random.integers(0, len(LOSS_REASONS), size), NONE),
        final=np.where(won, part(leads.list_price[of], random.uniform(0.82, 1.0, size), market), NONE),
    )


def _ties(random: Random, spec: CompanySpec, ads: Ads, leads: Leads, ordered: Bools) -> Ints:
    ties = draw(random, _TIES, leads.size)
    # Only Meta's own forms give a lead an identifier of Meta's, and only while their tracking works.
    instant = np.array([row.instant_form for row in spec.campaigns])[ads.campaign[leads.slot]]
    nameless = (ties == NAMES_META_LEAD) & (~instant | leads.untracked)
    # Leads that are not real or not their person's only one would leave a choice, if contacts had to tell.
    unclear = (ties == SAME_CONTACT) & ((leads.kind != REAL) | ordered)
    return np.where(nameless | unclear | leads.several, NAMES_LEAD, ties)


def _with_merges(random: Random, leads: Leads, main: CrmRecords) -> CrmRecords:
    """Add the records that were merged away: those of repeats, and of leads that a colleague had entered by hand."""
    main_of_lead = filled(leads.size, NONE)
    main_of_lead[main.lead] = np.arange(main.size)
    first_lead = filled(int(leads.person.max()) + 1, NONE)
    originals = indices(leads.kind != REPEAT)
    first_lead[leads.person[originals]] = originals
    repeats = indices((leads.kind == REPEAT) & leads.service & chance(random, 0.6, leads.size))
    into = main_of_lead[first_lead[leads.person[repeats]]]
    repeats, into = repeats[into >= 0], into[into >= 0]

    plain = (main.ties == NAMES_LEAD) & (leads.kind[main.lead] == REAL) & ~leads.several[main.lead]
    twice = indices(plain & leads.service[main.lead] & chance(random, 0.02, main.size))
    by_hand = main.lead[twice]

    ties = main.ties.copy()
    ties[twice] = TOOK_OVER
    lead, survivor = np.concatenate([repeats, by_hand]), np.concatenate([into, twice])
    created = np.concatenate([leads.created[repeats] + 600, leads.created[by_hand] + 10])
    entered = np.full((len(STAGES), len(lead)), NEVER, dtype=np.int64)
    entered[NEW] = created
    return CrmRecords(
        lead=np.concatenate([main.lead, lead]),
        ties=np.concatenate([ties, filled(len(lead), NAMES_LEAD)]),
        merged_into=np.concatenate([main.merged_into, survivor]),
        merged=np.concatenate([main.merged, leads.created[repeats] + 5 * HOUR, main.created[twice]]),
        owner=np.concatenate([main.owner, main.owner[survivor]]),
        entered=np.concatenate([main.entered, entered], axis=1),
        loss_reason=np.concatenate([main.loss_reason, filled(len(lead), NONE)]),
        final=np.concatenate([main.final, filled(len(lead), NONE)]),
    )
