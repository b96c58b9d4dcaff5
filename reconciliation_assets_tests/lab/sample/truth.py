"""The truth about a sample company, from the plans of its records and its money, never from the tables it was exported to.

The form is that of a known-answer file: the bridge by month and campaign, unmatched money, links, ladder and totals. The
rules are the contract's, literally; where it leaves a choice, the plans avoid the case. Money is in fils of the dirham.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.adjustments import known_adjustments
from reconciliation_assets_tests.lab.sample.arrays import NONE, Bools, Ints, any_by, filled, indices, sum_by
from reconciliation_assets_tests.lab.sample.clock import DAY, midnight, month_name, months
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.leads import BY_CONTACT, BY_CRM_ID, BY_HAND, BY_LEAD_ID, REPEAT, TEST_LEAD
from reconciliation_assets_tests.lab.sample.money import in_fils
from reconciliation_assets_tests.lab.sample.payments import CONTACT, FEE, LOST_TO_NOISE, NOTHING, PAYMENT
from reconciliation_assets_tests.lab.sample.service_line import LOST, QUALIFIED, SAME_CONTACT, TOOK_OVER, WON
from reconciliation_assets_tests.lab.sample.shop import (
    ARRIVED,
    CONFIRMED,
    FRAUDULENT,
    OUT,
    SENT_BACK,
    SHIPPED,
    STOPPED,
    TRIAL,
    TURNED_AWAY,
)
from reconciliation_assets_tests.lab.sample.tables.identifiers import (
    campaign_ids,
    crm_ids,
    lead_ids,
    order_ids,
    payment_ids,
)
from reconciliation_assets_tests.lab.sample.text import words

RUNGS = ("captured", "valid", "qualified", "won", "collected")
_CAPTURED, _VALID, _QUALIFIED, _WON, _COLLECTED = range(5)
METHODS = ("exact_id", "exact_contact", "crm_relationship", "manual_verified", "inferred")
_EXACT_ID, _EXACT_CONTACT, _CRM_RELATIONSHIP, _MANUAL, _INFERRED = range(5)
_METHOD_OF_CLAIM = {BY_LEAD_ID: _EXACT_ID, BY_CONTACT: _EXACT_CONTACT, BY_CRM_ID: _CRM_RELATIONSHIP, BY_HAND: _MANUAL}

ENTRY_LINES = ("invalid_or_duplicate", "lost_or_cancelled", "returned_refunded_failed", "open", "value_and_basis")
_INVALID, _LOST, _RETURNED, _OPEN, _VALUE = range(5)


@dataclass(frozen=True)
class Records:
    """Captured records at the extract; one element per record, money in fils.

    Attributes:
        month: month of its creation, see `clock.months`.
        campaign: index into the campaigns; -1 for a record without one.
        stated: what it was said to be worth.
        collected: what came in for it.
        rung: index into `RUNGS`; a lost or cancelled record keeps the rung of a valid one.
        entries: `ENTRY_LINES` by records: what explains collected less stated.
    """

    month: Ints
    campaign: Ints
    stated: Ints
    collected: Ints
    rung: Ints
    entries: Ints


def true_links(company: Company) -> pa.Table:
    """Return every true pair with the strongest method that finds it without noise: link, left_id, right_id, true_method.

    Money of any status and kind is linked to what it belongs to, `inferred` where noise took every number it named; only a
    pair that is to be decided by hand, and is not yet, is left out.
    """
    as_of, crm, money = company.as_of, company.crm, company.money
    record = indices(crm.created <= as_of)
    crm_method = np.select(
        [crm.ties == SAME_CONTACT, crm.ties == TOOK_OVER], [_EXACT_CONTACT, _CRM_RELATIONSHIP], _EXACT_ID
    )
    lead, method = _claims(company)
    order = indices((lead >= 0) & (company.orders.created <= as_of))
    known = (money.announced <= as_of) & money.is_known(as_of)
    paid, tuition = indices(known & (money.order >= 0)), indices(known & (money.crm >= 0))
    money_method = np.select(
        [money.names == CONTACT, money.names == NOTHING, money.names == LOST_TO_NOISE],
        [_EXACT_CONTACT, _MANUAL, _INFERRED],
        _EXACT_ID,
    )
    return pa.concat_tables(
        [
            _links("lead_crm", lead_ids(crm.lead[record]), crm_ids(record), crm_method[record]),
            _links("lead_order", lead_ids(lead[order]), order_ids(order), method[order]),
            _links("order_payment", order_ids(money.order[paid]), payment_ids(paid), money_method[paid]),
            _links("crm_payment", crm_ids(money.crm[tuition]), payment_ids(tuition), money_method[tuition]),
        ]
    )


def _links(link: str, left: pa.Array, right: pa.Array, method: Ints) -> pa.Table:
    kind = words([link], filled(len(method), 0))
    return pa.table({"link": kind, "left_id": left, "right_id": right, "true_method": words(METHODS, method)})


def _claims(company: Company) -> tuple[Ints, Ints]:
    """Return the lead of each order and the method that finds it, both -1 without."""
    lead, how = company.claims.known(company.as_of)
    return lead, np.select([how == code for code in _METHOD_OF_CLAIM], list(_METHOD_OF_CLAIM.values()), NONE)


def true_records(company: Company) -> Records:
    """Return every captured record: the leads, and the orders that no lead claims."""
    claimed_by, _ = _claims(company)
    owner = np.where(company.orders.created <= company.as_of, claimed_by, NONE)
    orders = _order_records(company)
    leads = _lead_records(company, orders, owner)
    captured = indices(company.leads.created <= company.as_of)
    alone = indices((company.orders.created <= company.as_of) & (owner < 0))
    both = ((leads, captured), (orders, alone))
    return Records(
        month=np.concatenate([plan.month[rows] for plan, rows in both]),
        campaign=np.concatenate([plan.campaign[rows] for plan, rows in both]),
        stated=np.concatenate([plan.stated[rows] for plan, rows in both]),
        collected=np.concatenate([plan.collected[rows] for plan, rows in both]),
        rung=np.concatenate([plan.rung[rows] for plan, rows in both]),
        entries=np.concatenate([plan.entries[:, rows] for plan, rows in both], axis=1),
    )


def _order_records(company: Company) -> Records:
    """Return every order of the plan as if it were a record of its own."""
    orders = company.orders
    standing = orders.standing(filled(orders.size, company.as_of))
    invalid = np.isin(standing, (FRAUDULENT, TRIAL))
    paid, back = _money_by(company, company.money.order, orders.size)
    gross = in_fils(orders.gross, orders.market)
    moving, arrived = np.isin(standing, (CONFIRMED, SHIPPED, OUT)), standing == ARRIVED
    rung = np.select([invalid, arrived, moving], [_CAPTURED, _WON, _QUALIFIED], _VALID)
    return Records(
        month=months(orders.created),
        campaign=_campaign(company, orders.slot),
        stated=gross,
        collected=paid - back,
        rung=np.where(paid > back, _COLLECTED, rung),
        entries=_entries(
            gross,
            paid,
            back,
            invalid=invalid,
            lost=standing == STOPPED,
            returned=np.isin(standing, (TURNED_AWAY, SENT_BACK)),
        ),
    )


def _lead_records(company: Company, orders: Records, owner: Ints) -> Records:
    """Return every lead of the plan, with the orders it owns; a lead without orders is judged by its opportunity."""
    leads, crm, as_of = company.leads, company.crm, company.as_of
    size = leads.size
    exists = np.where(crm.created <= as_of, crm.lead, NONE)
    in_crm = any_by(exists, np.ones(crm.size, dtype=bool), size)
    won, lost, qualified = (any_by(exists, crm.entered[stage] <= as_of, size) for stage in (WON, LOST, QUALIFIED))
    has_order = any_by(owner, owner >= 0, size)
    invalid = np.isin(leads.kind, (TEST_LEAD, REPEAT)) | ((leads.known <= as_of) & in_crm)

    agreed = np.where(crm.entered[WON] <= as_of, in_fils(np.maximum(crm.final, 0), company.crm_market), 0)
    final, of_orders = sum_by(exists, agreed, size), sum_by(owner, orders.stated, size)
    own = in_fils(leads.list_price, leads.market)
    stated = np.where(leads.states_value, own, np.where(has_order, of_orders, final))
    opportunity = np.where(has_order, 0, np.where(won, final, stated))
    paid, back = _money_by(company, np.where(company.money.crm >= 0, crm.lead[company.money.crm], NONE), size)

    entries = _entries(opportunity, paid, back, invalid=invalid, lost=lost, returned=np.zeros(size, dtype=bool))
    entries += np.array([sum_by(owner, line, size) for line in orders.entries])
    entries[np.where(invalid, _INVALID, _VALUE), np.arange(size)] += opportunity + of_orders - stated
    collected = paid - back + sum_by(owner, orders.collected, size)
    by_orders = [any_by(owner, orders.rung == rung, size) for rung in (_WON, _QUALIFIED)]
    rung = np.select(
        [collected > 0, invalid, won | by_orders[0], (qualified & ~lost) | by_orders[1]],
        [_COLLECTED, _CAPTURED, _WON, _QUALIFIED],
        _VALID,
    )
    campaign = np.where(leads.untracked, NONE, _campaign(company, leads.slot))
    return Records(months(leads.created), campaign, stated, collected, rung, entries)


def _entries(worth: Ints, paid: Ints, back: Ints, *, invalid: Bools, lost: Bools, returned: Bools) -> Ints:
    """Explain what came in less what it was worth, on the first line that fits; lines by units."""
    shortfall = worth - (paid - back)
    whole = invalid | lost | returned
    entries = np.zeros((len(ENTRY_LINES), len(worth)), dtype=np.int64)
    entries[_INVALID] = np.where(invalid, -shortfall, 0)
    entries[_LOST] = np.where(lost & ~invalid, -shortfall, 0)
    entries[_RETURNED] = np.where(returned & ~lost & ~invalid, -shortfall, np.where(whole, 0, -back))
    entries[_VALUE] = np.where(whole, 0, np.maximum(paid - worth, 0))
    entries[_OPEN] = np.where(whole, 0, -np.maximum(worth - paid, 0))
    return entries


def _money_by(company: Company, index: Ints, size: int) -> tuple[Ints, Ints]:
    """Sum the settled money that is tied to something: what came in, and what went back."""
    money, as_of = company.money, company.as_of
    counts = money.settled(as_of) & money.is_known(as_of)
    fils = in_fils(money.amount, money.currency)
    paid, back = counts & (money.kind == PAYMENT), counts & (money.kind != PAYMENT) & (money.kind != FEE)
    return sum_by(index, np.where(paid, fils, 0), size), sum_by(index, np.where(back, fils, 0), size)


def _campaign(company: Company, slot: Ints) -> Ints:
    return np.where(company.ads.paid[slot], company.ads.campaign[slot], NONE)


def true_answer(company: Company) -> dict[str, Any]:
    """Return everything but the links, in the form of a known-answer file; money as text in dirhams."""
    records = true_records(company)
    as_of, money, leads = company.as_of, company.money, company.leads
    signed = in_fils(money.amount, money.currency) * np.where(money.kind == PAYMENT, 1, -1)
    settled = money.settled(as_of) & (money.kind != FEE)
    stray = indices(settled & ~money.is_known(as_of))
    stray_month = months(money.paid[stray])
    _, method = _claims(company)
    methods = np.bincount(method[(method >= 0) & (company.orders.created <= as_of)], minlength=len(METHODS))
    return {
        "bridge": _bridge(company, records),
        "unmatched": {
            month_name(int(month)): _dirhams(int(signed[stray[stray_month == month]].sum()))
            for month in np.unique(stray_month)
        },
        "lead_order": {name: int(count) for name, count in zip(METHODS, methods, strict=True) if count},
        "records": len(records.month),
        "duplicates": int(((leads.kind == REPEAT) & (leads.created <= as_of)).sum()),
        "rungs": {name: int((records.rung == code).sum()) for code, name in enumerate(RUNGS)},
        "settled_net": _dirhams(int(signed[settled].sum())),
        "as_of": company.spec.as_of.isoformat(),
    }


def _bridge(company: Company, records: Records) -> list[dict[str, Any]]:
    """Return the bridge's groups: every month and campaign with records, reported figures or an adjustment."""
    spec, insights = company.spec, company.insights
    begins = midnight(spec.opened) + insights.day * DAY
    over = begins + DAY <= company.as_of
    adjustments = known_adjustments(spec)
    adjusted_on = np.array([midnight(spec.opened) + row.day * DAY for row in adjustments], dtype=np.int64)
    adjusted_slot = np.array([row.campaign for row in adjustments], dtype=np.int64)
    has_ads = np.array([row.account is not None for row in spec.campaigns])

    # A group is a month times the campaigns, the last of which stands for none.
    groups_per_month = len(spec.campaigns) + 1

    def group(month: Ints, campaign: Ints) -> Ints:
        return month * groups_per_month + np.where(campaign >= 0, campaign, len(spec.campaigns))

    of_record = group(records.month, records.campaign)
    of_report = group(months(begins), company.ads.campaign[insights.slot])[over]
    of_adjustment = group(months(adjusted_on), np.where(has_ads[adjusted_slot], adjusted_slot, NONE))
    groups = np.unique(np.concatenate([of_record, of_report, of_adjustment]))

    def total(of: Ints, values: Ints) -> Ints:
        return sum_by(np.searchsorted(groups, of), values, len(groups))

    currency = insights.currency[over]
    results = total(of_report, insights.results[over])
    value = total(of_report, in_fils(insights.value[over], currency))
    spend = total(of_report, in_fils(insights.spend[over], currency))
    count = total(of_record, np.ones(len(of_record), dtype=np.int64))
    stated, collected = total(of_record, records.stated), total(of_record, records.collected)
    entries = [total(of_record, line) for line in records.entries]
    adjusted = total(of_adjustment, np.array([row.fils for row in adjustments], dtype=np.int64))

    ids = [*campaign_ids(spec.campaigns), None]
    rows = []
    for at, code in enumerate(groups.tolist()):
        beyond, missing, rest = _claim_lines(int(value[at]), int(results[at]), int(count[at]), int(stated[at]))
        amounts = {
            "platform_attributed": value[at],
            "claimed_not_captured": beyond,
            "captured_not_claimed": missing,
            "valuation": rest,
            **{name: entries[line][at] for line, name in enumerate(ENTRY_LINES)},
            "manual_adjustment": adjusted[at],
            "collected": collected[at] + adjusted[at],
            "spend": spend[at],
        }
        rows.append(
            {
                "month": month_name(code // groups_per_month),
                "campaign_id": ids[code % groups_per_month],
                **{line: _dirhams(int(fils)) for line, fils in amounts.items()},
                "records": int(count[at]),
            }
        )
    return rows


def _claim_lines(value: int, results: int, records: int, stated: int) -> tuple[int, int, int]:
    """Carry Meta's value to the stated one: claimed beyond what was captured, captured beyond its claims, and the rest."""
    beyond = round(Fraction(-(results - records) * value, results)) if results > records else 0
    missing = round(Fraction((records - results) * stated, records)) if records > results else 0
    return beyond, missing, stated - value - beyond - missing


def _dirhams(fils: int) -> str:
    sign, whole = "-" if fils < 0 else "", abs(fils)
    return f"{sign}{whole // 100}.{whole % 100:02d}"
