"""The training institute's sales: CRM records of the leads, stage by stage, until they are won or lost."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from reconciliation_assets.sample.arrays import NONE, Bools, Ints, Random, draw, indices
from reconciliation_assets.sample.campaigns import Ads
from reconciliation_assets.sample.clock import HOUR, NEVER, days_between, hours_after
from reconciliation_assets.sample.leads import BY_CRM_ID, REAL, REPEAT, TEST_LEAD, Claims, Leads
from reconciliation_assets.sample.money import part
from reconciliation_assets.sample.spec import CompanySpec

# How a CRM record is tied to its lead.
NAMES_LEAD, NAMES_META_LEAD, SAME_CONTACT, TOOK_OVER = range(4)

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
_OWNERS_OF_MARKET = ((0, 1), (2, 3), (4, 4))


@dataclass(frozen=True)
class CrmRecords:
    """The plan of every CRM record; one element per record. Instants may be `clock.NEVER`.

    Attributes:
        lead: the lead it is about.
        created: instant of its creation.
        ties: how it is tied to the lead (NAMES_LEAD, ...).
        merged_into: the record that took it over; -1 without.
        merged: instant of the merge.
        owner: index into `OWNERS`.
        entered: instants by stage (`STAGES`), one array per stage; the first is `created`.
        loss_reason: index into `LOSS_REASONS`; -1 without.
        final: value agreed with the customer, in minor units of the market's currency; -1 without.
    """

    lead: Ints
    created: Ints
    ties: Ints
    merged_into: Ints
    merged: Ints
    owner: Ints
    entered: tuple[Ints, ...]
    loss_reason: Ints
    final: Ints

    @property
    def size(self) -> int:
        """The number of CRM records."""
        return len(self.lead)

    def stage(self, seen: Ints) -> Ints:
        """Return the stage of each record at an instant."""
        stage = np.zeros(self.size, dtype=np.int64)
        for code in STAGES:
            stage = np.where(self.entered[code] <= seen, code, stage)
        return stage


def plan_crm(random: Random, spec: CompanySpec, ads: Ads, leads: Leads, claims: Claims) -> CrmRecords:
    """Plan the CRM records: nearly all leads of the institute have one, some of the shop's, and some repeats."""
    size = leads.size
    ordering = np.zeros(size, dtype=bool)
    ordering[claims.lead[claims.lead >= 0]] = True
    needed = np.zeros(size, dtype=bool)
    needed[claims.lead[claims.how == BY_CRM_ID]] = True
    chance = np.where(leads.service, 0.97, 0.3)
    kept = needed | ((random.random(size) < chance) & ~np.isin(leads.kind, (REPEAT, TEST_LEAD)))
    main = _opportunities(random, spec, ads, leads, indices(kept), ordering)
    return _with_merges(random, leads, main)


def _opportunities(random: Random, spec: CompanySpec, ads: Ads, leads: Leads, of: Ints, ordering: Bools) -> CrmRecords:
    size = len(of)
    market, service, real = leads.market[of], leads.service[of], leads.kind[of] == REAL
    owner = np.array(_OWNERS_OF_MARKET)[market, random.integers(0, 2, size)]
    created = leads.created[of] + random.integers(20, 900, size)
    answer = hours_after(random, 1, 0.9, size) * np.array([hours for _, hours in OWNERS])[owner]
    contacted = created + answer.astype(np.int64)

    win_rate = np.array([row.win_rate for row in spec.campaigns])[ads.campaign[leads.slot[of]]]
    outcome = random.random(size)
    won = real & service & (outcome < win_rate)
    # A lead that ordered from the shop is neither won nor lost in the CRM: its orders tell.
    lost = ~won & ~ordering[of] & (outcome < win_rate + np.where(service, 0.56, 0.4)) & real
    reached = random.random(size)
    qualified = won | (real & (reached < 0.55))
    offered = won | (real & service & (reached < 0.3))
    haggled = won | (real & service & (reached < 0.12))

    at_qualified = contacted + hours_after(random, 30, 0.8, size)
    at_proposal = at_qualified + hours_after(random, 60, 0.7, size)
    at_negotiation = at_proposal + hours_after(random, 50, 0.7, size)
    at_won = at_negotiation + hours_after(random, 90, 0.6, size)
    last = np.select([haggled, offered, qualified], [at_negotiation, at_proposal, at_qualified], contacted)
    ties = np.where(leads.several[of], NAMES_LEAD, draw(random, (0.7, 0.18, 0.12), size))
    # Only Meta's own forms give a lead Meta's identifier, and only while their tracking works.
    instant = np.array([row.instant_form for row in spec.campaigns])[ads.campaign[leads.slot[of]]]
    ties = np.where((ties == NAMES_META_LEAD) & (~instant | leads.untracked[of]), NAMES_LEAD, ties)
    ties = np.where((ties == SAME_CONTACT) & (~real | ordering[of]), NAMES_LEAD, ties)
    return CrmRecords(
        lead=of,
        created=created,
        ties=ties,
        merged_into=np.full(size, NONE, dtype=np.int64),
        merged=np.full(size, NEVER, dtype=np.int64),
        owner=owner,
        entered=(
            created,
            contacted,
            np.where(qualified, at_qualified, NEVER),
            np.where(offered, at_proposal, NEVER),
            np.where(haggled, at_negotiation, NEVER),
            np.where(won, at_won, NEVER),
            np.where(lost, last + days_between(random, 3, 25, size), NEVER),
        ),
        loss_reason=np.where(lost, random.integers(0, len(LOSS_REASONS), size), NONE),
        final=np.where(won, part(leads.list_price[of], random.uniform(0.82, 1.0, size), market), NONE),
    )


def _with_merges(random: Random, leads: Leads, main: CrmRecords) -> CrmRecords:
    """Add the records that were merged away: of repeats, and of leads that a colleague had entered by hand as well."""
    position = np.full(leads.size, NONE, dtype=np.int64)
    position[main.lead] = np.arange(main.size)
    repeats = indices((leads.kind == REPEAT) & leads.service & (random.random(leads.size) < 0.6))
    first_of_person = np.full(int(leads.person.max()) + 1, NONE, dtype=np.int64)
    originals = indices(leads.kind != REPEAT)
    first_of_person[leads.person[originals]] = originals
    into = position[first_of_person[leads.person[repeats]]]
    repeats, into = repeats[into >= 0], into[into >= 0]

    plain = (main.ties == NAMES_LEAD) & (leads.kind[main.lead] == REAL) & ~leads.several[main.lead]
    entered_twice = indices(plain & leads.service[main.lead] & (random.random(main.size) < 0.02))
    ties = main.ties.copy()
    ties[entered_twice] = TOOK_OVER

    merged_away = _merged_away(
        np.concatenate([repeats, main.lead[entered_twice]]),
        np.concatenate([leads.created[repeats] + 10 * 60, leads.created[main.lead[entered_twice]] + 10]),
        np.concatenate([leads.created[repeats] + 5 * HOUR, main.created[entered_twice]]),
        np.concatenate([into, entered_twice]),
        main.owner,
    )
    return _joined([_with_ties(main, ties), merged_away])


def _merged_away(lead: Ints, created: Ints, merged: Ints, into: Ints, owner: Ints) -> CrmRecords:
    never = np.full(len(lead), NEVER, dtype=np.int64)
    none = np.full(len(lead), NONE, dtype=np.int64)
    return CrmRecords(
        lead=lead,
        created=created,
        ties=np.full(len(lead), NAMES_LEAD, dtype=np.int64),
        merged_into=into,
        merged=merged,
        owner=owner[into],
        entered=(created, never, never, never, never, never, never),
        loss_reason=none,
        final=none,
    )


def _with_ties(records: CrmRecords, ties: Ints) -> CrmRecords:
    values = {field.name: getattr(records, field.name) for field in fields(records)}
    return CrmRecords(**{**values, "ties": ties})


def _joined(parts: Sequence[CrmRecords]) -> CrmRecords:
    columns = {
        field.name: np.concatenate([getattr(part_, field.name) for part_ in parts])
        for field in fields(CrmRecords)
        if field.name != "entered"
    }
    entered = tuple(np.concatenate([part_.entered[code] for part_ in parts]) for code in STAGES)
    return CrmRecords(**columns, entered=entered)
