"""The truth about a sample company, from the plans of its records and its money, never from the tables it was exported to.

The form is that of a known-answer file: the bridge by month and campaign, unmatched money, links, ladder and totals. The
rules are the contract's, literally; where it leaves a choice, the plans avoid the case.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from reconciliation_assets.sample.arrays import NONE, Bools, Ints, indices, sum_by
from reconciliation_assets.sample.clock import DAY, NEVER, month_name, months, midnight
from reconciliation_assets.sample.company import Company
from reconciliation_assets.sample.leads import BY_CONTACT, BY_CRM_ID, BY_HAND, BY_LEAD_ID, REAL, REPEAT, TEST_LEAD
from reconciliation_assets.sample.money import in_fils
from reconciliation_assets.sample.payments import FEE, LOST_NAMES, NAMES_CONTACT, NAMES_NOTHING, PAYMENT
from reconciliation_assets.sample.service_line import LOST, QUALIFIED, SAME_CONTACT, TOOK_OVER, WON
from reconciliation_assets.sample.shop import CANCEL, CHEAT, CONFIRMED, DONE, REFUSAL, RETURN, TRIAL
from reconciliation_assets.sample.tables.identifiers import campaign_ids, crm_ids, lead_ids, order_ids, payment_ids
from reconciliation_assets.sample.tables.manual import known_adjustments
from reconciliation_assets.sample.text import words

RUNGS = ("captured", "valid", "qualified", "won", "collected")
METHODS = ("exact_id", "exact_contact", "crm_relationship", "manual_verified", "inferred")
EXACT_ID, EXACT_CONTACT, CRM_RELATIONSHIP, MANUAL, INFERRED = range(5)
_CLAIM_METHODS = np.array([EXACT_ID, EXACT_CONTACT, CRM_RELATIONSHIP, MANUAL])  # by leads.BY_LEAD_ID, ...

_ENTRY_LINES = ("invalid_or_duplicate", "lost_or_cancelled", "returned_refunded_failed", "open", "value_and_basis")
_INVALID, _LOST, _RETURNED, _OPEN, _VALUE = range(5)


@dataclass(frozen=True)
class Records:
    """Every captured record at the extract: the leads, then the orders of their own. Money in fils of the dirham.

    Attributes:
        month: month of its creation.
        campaign: index into the campaigns; -1 for a record without a campaign.
        stated: what it was said to be worth.
        collected: what came in for it.
        rung: index into `RUNGS`.
        entries: what explains collected less stated, lines by records, see `_ENTRY_LINES`.
    """

    month: Ints
    campaign: Ints
    stated: Ints
    collected: Ints
    rung: Ints
    entries: Ints


def true_links(company: Company) -> pa.Table:
    """Return every true pair with the method that finds it: link, left_id, right_id, true_method.

    Money of any status and kind is linked to what it belongs to, `inferred` where noise took every number it named; only a
    pair that is to be decided by hand, and is not yet, is left out.
    """
    as_of, crm, money = company.as_of, company.crm, company.money
    record = indices(crm.created <= as_of)
    crm_method = np.select([crm.ties == SAME_CONTACT, crm.ties == TOOK_OVER], [EXACT_CONTACT, CRM_RELATIONSHIP], EXACT_ID)
    lead, how = company.claims.known(as_of)
    order = indices((lead >= 0) & (company.orders.created <= as_of))
    known = (money.announced <= as_of) & money.is_known(as_of)
    paid, tuition = indices(known & (money.order >= 0)), indices(known & (money.crm >= 0))
    money_method = np.select(
        [money.names == NAMES_CONTACT, money.names == NAMES_NOTHING, money.names == LOST_NAMES],
        [EXACT_CONTACT, MANUAL, INFERRED],
        EXACT_ID,
    )
    return pa.concat_tables(
        [
            _links("lead_crm", lead_ids(crm.lead[record]), crm_ids(record), crm_method[record]),
            _links("lead_order", lead_ids(lead[order]), order_ids(order), _CLAIM_METHODS[how[order]]),
            _links("order_payment", order_ids(money.order[paid]), payment_ids(paid), money_method[paid]),
            _links("crm_payment", crm_ids(money.crm[tuition]), payment_ids(tuition), money_method[tuition]),
        ]
    )


def _links(link: str, left: pa.Array, right: pa.Array, method: Ints) -> pa.Table:
    kind = words([link], np.zeros(len(method), dtype=np.int64))
    return pa.table({"link": kind, "left_id": left, "right_id": right, "true_method": words(METHODS, method)})


def true_records(company: Company) -> Records:
    """Return every captured record with its worth, its money and what explains the difference."""
    as_of, leads, orders, crm, money = company.as_of, company.leads, company.orders, company.crm, company.money
    order_in, order_back = _money_of(company, money.order, orders.size)
    crm_in, crm_back = _money_of(company, money.crm, crm.size)
    lead_of_order, _ = company.claims.known(as_of)
    captured_lead = leads.created <= as_of
    placed = orders.created <= as_of
    claimed = placed & (lead_of_order >= 0)

    # The units that money is explained by: every order, and the opportunity of every lead without one.
    gross = in_fils(orders.gross, orders.market)
    standing = orders.state(np.full(orders.size, as_of))
    order_entries = _entries(
        gross, order_in, order_back,
        invalid=np.isin(standing, (CHEAT, TRIAL)), lost=standing == CANCEL, returned=np.isin(standing, (REFUSAL, RETURN)),
    )  # fmt: skip

    owner = np.where(claimed, lead_of_order, NONE)
    has_order = np.zeros(leads.size, dtype=bool)
    has_order[owner[claimed]] = True
    seen = np.where(crm.created <= as_of, crm.lead, NONE)
    won, lost = _reached(seen, crm.entered[WON] <= as_of, leads.size), _reached(seen, crm.entered[LOST] <= as_of, leads.size)
    final = sum_by(np.where(crm.entered[WON] <= as_of, seen, NONE), in_fils(np.maximum(crm.final, 0), company.crm_market), leads.size)
    opportunity_in, opportunity_back = sum_by(seen, crm_in, leads.size), sum_by(seen, crm_back, leads.size)
    of_orders = sum_by(owner, gross, leads.size)
    own = in_fils(leads.list_price, leads.market)
    stated = np.where(leads.states_value, own, np.where(has_order, of_orders, final))
    worth = np.where(has_order, of_orders, np.where(won, final, stated))
    known_unreal = (leads.known <= as_of) & _reached(seen, np.ones(crm.size, dtype=bool), leads.size)
    invalid = np.isin(leads.kind, (TEST_LEAD, REPEAT)) | known_unreal

    no = np.zeros(leads.size, dtype=bool)
    unit = np.where(has_order, 0, worth)
    lead_entries = _entries(unit, opportunity_in, opportunity_back, invalid=invalid, lost=lost, returned=no)
    for line in range(len(_ENTRY_LINES)):
        lead_entries[line] += sum_by(owner, order_entries[line], leads.size)
    lead_entries[np.where(invalid, _INVALID, _VALUE), np.arange(leads.size)] += worth - stated
    collected = opportunity_in - opportunity_back + sum_by(owner, order_in - order_back, leads.size)

    qualified = _reached(seen, crm.entered[QUALIFIED] <= as_of, leads.size) & ~lost
    moving = (standing >= CONFIRMED) & (standing < DONE)
    done = standing == DONE
    lead_rung = np.where(invalid, 0, 1 + np.maximum.reduce([
        1 * qualified, 2 * won, 1 * _reached(owner, moving, leads.size), 2 * _reached(owner, done, leads.size),
    ]))  # fmt: skip
    order_rung = np.where(np.isin(standing, (CHEAT, TRIAL)), 0, 1 + 1 * moving + 2 * done)

    keep, alone = indices(captured_lead), indices(placed & ~claimed)
    lead_campaign = _campaign(company, leads.slot, ~leads.untracked)[keep]
    order_campaign = _campaign(company, orders.slot, np.ones(orders.size, dtype=bool))[alone]
    all_collected = np.concatenate([collected[keep], (order_in - order_back)[alone]])
    rung = np.concatenate([lead_rung[keep], order_rung[alone]])
    return Records(
        month=months(np.concatenate([leads.created[keep], orders.created[alone]])),
        campaign=np.concatenate([lead_campaign, order_campaign]),
        stated=np.concatenate([stated[keep], gross[alone]]),
        collected=all_collected,
        rung=np.where(all_collected > 0, RUNGS.index("collected"), rung),
        entries=np.concatenate([lead_entries[:, keep], order_entries[:, alone]], axis=1),
    )


def _entries(worth: Ints, paid: Ints, back: Ints, *, invalid: Bools, lost: Bools, returned: Bools) -> Ints:
    """Explain what came in less what it was worth, on the first line that fits; lines by units."""
    shortfall = worth - (paid - back)
    entries = np.zeros((len(_ENTRY_LINES), len(worth)), dtype=np.int64)
    line = np.select([invalid, lost, returned], [_INVALID, _LOST, _RETURNED], NONE)
    whole = line >= 0
    unit = np.arange(len(worth))
    entries[line[whole], unit[whole]] = -shortfall[whole]
    entries[_RETURNED] -= np.where(whole, 0, back)
    entries[_VALUE] += np.where(whole, 0, np.maximum(paid - worth, 0))
    entries[_OPEN] -= np.where(whole, 0, np.maximum(worth - paid, 0))
    return entries


def _reached(index: Ints, which: Bools, size: int) -> Bools:
    hit = np.zeros(size, dtype=bool)
    hit[index[which & (index >= 0)]] = True
    return hit


def _money_of(company: Company, index: Ints, size: int) -> tuple[Ints, Ints]:
    """Sum the settled money by order or CRM record: what came in, and what went back."""
    money, as_of = company.money, company.as_of
    counts = money.settled(as_of) & money.is_known(as_of) & (money.kind != FEE)
    fils = np.where(counts, in_fils(money.amount, money.currency), 0)
    payment = money.kind == PAYMENT
    return sum_by(index, np.where(payment, fils, 0), size), sum_by(index, np.where(payment, 0, fils), size)


def _campaign(company: Company, slot: Ints, identified: Bools) -> Ints:
    paid = company.ads.number[slot] >= 0
    return np.where(paid & identified, company.ads.campaign[slot], NONE)


def true_answer(company: Company) -> dict[str, Any]:
    """Return everything but the links, in the form of a known-answer file; money as text in dirhams."""
    records = true_records(company)
    as_of, money, leads = company.as_of, company.money, company.leads
    settled = money.settled(as_of) & (money.kind != FEE)
    signed = in_fils(money.amount, money.currency) * np.where(money.kind == PAYMENT, 1, -1)
    stray = settled & ~money.is_known(as_of)
    unmatched = {
        month_name(month): _dirhams(int(signed[stray & (months(np.where(stray, money.paid, 0)) == month)].sum()))
        for month in np.unique(months(money.paid[stray]))
    }
    _, how = company.claims.known(as_of)
    methods = np.bincount(_CLAIM_METHODS[how[(how >= 0) & (company.orders.created <= as_of)]], minlength=len(METHODS))
    rungs = np.bincount(records.rung, minlength=len(RUNGS))
    return {
        "bridge": _bridge(company, records),
        "unmatched": unmatched,
        "lead_order": {METHODS[code]: int(count) for code, count in enumerate(methods) if count},
        "records": len(records.month),
        "duplicates": int(((leads.kind == REPEAT) & (leads.created <= as_of)).sum()),
        "rungs": {RUNGS[code]: int(count) for code, count in enumerate(rungs)},
        "settled_net": _dirhams(int(signed[settled].sum())),
        "as_of": company.spec.as_of.isoformat(),
    }


def _bridge(company: Company, records: Records) -> list[dict[str, Any]]:
    spec, insights, as_of = company.spec, company.insights, company.as_of
    opening = midnight(spec.opened)
    campaigns = len(spec.campaigns)
    ends = opening + (insights.day + 1) * DAY
    over = ends <= as_of
    reported_month = months(ends - DAY)
    adjustments = known_adjustments(company)
    first = int(min(records.month.min(), months(np.array([opening]))[0]))
    last = int(max(records.month.max(), reported_month.max()))

    # One cell per month and campaign; the last campaign stands for none.
    def cell(month: Ints, campaign: Ints) -> Ints:
        return (month - first) * (campaigns + 1) + np.where(campaign >= 0, campaign, campaigns)

    size = (last - first + 1) * (campaigns + 1)
    at = cell(records.month, records.campaign)
    count = sum_by(at, np.ones(len(at), dtype=np.int64), size)
    stated, collected = sum_by(at, records.stated, size), sum_by(at, records.collected, size)
    entries = [sum_by(at, line, size) for line in records.entries]
    reported = cell(reported_month[over], company.ads.campaign[insights.slot[over]])
    currency = insights.currency[over]
    value = sum_by(reported, in_fils(insights.value[over], currency), size)
    spend = sum_by(reported, in_fils(insights.spend[over], currency), size)
    results = sum_by(reported, insights.results[over], size)
    seen = np.zeros(size, dtype=bool)
    seen[at], seen[reported] = True, True
    adjusted = np.zeros(size, dtype=np.int64)
    for row in adjustments:
        paid = spec.campaigns[row.campaign].account is not None
        month = months(np.array([opening + row.day * DAY]))
        place = cell(month, np.array([row.campaign if paid else NONE]))
        adjusted[place] += row.fils
        seen[place] = True

    ids = [*campaign_ids(spec.campaigns), None]
    rows = []
    for place in np.flatnonzero(seen):
        month, campaign = divmod(int(place), campaigns + 1)
        beyond, missing, rest = _claim_lines(int(value[place]), int(results[place]), int(count[place]), int(stated[place]))
        rows.append(
            {
                "month": month_name(first + month),
                "campaign_id": ids[campaign],
                "platform_attributed": _dirhams(int(value[place])),
                "claimed_not_captured": _dirhams(beyond),
                "captured_not_claimed": _dirhams(missing),
                "valuation": _dirhams(rest),
                **{name: _dirhams(int(entries[line][place])) for line, name in enumerate(_ENTRY_LINES)},
                "manual_adjustment": _dirhams(int(adjusted[place])),
                "collected": _dirhams(int(collected[place] + adjusted[place])),
                "spend": _dirhams(int(spend[place])),
                "records": int(count[place]),
            }
        )
    return rows


def _claim_lines(value: int, results: int, records: int, stated: int) -> tuple[int, int, int]:
    """Carry Meta's value to the stated one: beyond what was captured, captured beyond its claims, and the rest."""
    beyond = round(Fraction(-(results - records) * value, results)) if results > records else 0
    missing = round(Fraction((records - results) * stated, records)) if records > results else 0
    return beyond, missing, stated - value - beyond - missing


def _dirhams(fils: int) -> str:
    sign, whole = "-" if fils < 0 else "", abs(fils)
    return f"{sign}{whole // 100}.{whole % 100:02d}"
