"""The report's drill-down: the entries behind every line of the bridge, and a record's own chain from ad to cash.

The file contains only the largest entries of each line; `reconcile open` serves all of them from the same queries. Amounts are
integers in thousandths of the reporting currency, which a browser adds up without rounding.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from reconciliation_assets.contracts.inputs import PAYMENT_KINDS
from reconciliation_assets.policy.model import METHODS, RUNGS
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.wording import ENGLISH, Wording
from reconciliation_assets.publish.words import LINES, LINKS, PAGE

Json = dict[str, Any]

SCRIPT = files("reconciliation_assets.publish").joinpath("templates/page.js").read_text("utf-8")
SCRIPT_HASH = f"sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}"
"""By this the page's own policy allows its script and no other."""

ENTRIES_IN_FILE = 200
"""Entries of each line that the file carries; the workbook and the published copy have the others."""
SUMS_IN_FILE = 20_000
"""Sums by month, campaign, market and offer that the file carries; where there are more, it has none by market and offer."""
ENTRIES_PER_PAGE = 25
WHOLE_ONLY = frozenset(
    {"platform_attributed", "claimed_not_captured", "captured_not_claimed", "valuation", "manual_adjustment"}
)
"""Lines of a month and campaign as a whole, which no market or offer has a part of."""


def details_of_file(published: Published, write: FigureFormatter, zone: tzinfo | None, say: Wording = ENGLISH) -> Json:
    """Details for the report file: all sums, and the largest entries of each line with the chains of their records."""
    entries = _entries_by_line(
        published.rows(
            f"{_ENTRIES} {_SHOWN} where amount <> 0 qualify row_number() over (partition by line {_LARGEST_FIRST}) <= "
            f"{ENTRIES_IN_FILE} {_LARGEST_FIRST}"
        )
    )
    ids = {row[0] for rows in entries.values() for row in rows if row[0] is not None}
    sums = _sums(published, by_segment=True)
    by_segment = len(sums) <= SUMS_IN_FILE
    return {
        **_frame(published, write, say),
        "live": False,
        "most": ENTRIES_IN_FILE,
        "by_segment": by_segment,
        "sums": sums if by_segment else _sums(published, by_segment=False),
        "entries": entries,
        "records": records(published, sorted(ids), write, zone),
    }


def details_of_server(published: Published, write: FigureFormatter, say: Wording = ENGLISH) -> Json:
    """Details for the served page: all sums; entries and records are fetched on demand."""
    return {
        **_frame(published, write, say),
        "live": True,
        "by_segment": True,
        "sums": _sums(published, by_segment=True),
    }


def embedded(details: Json) -> Markup:
    """Details as JSON text for a script element; `<` is escaped, so that no name can end the element or start a comment."""
    text = json.dumps(details, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - nothing in it is markup once the opening mark is escaped


def entries(published: Published, line: str, filters: Mapping[str, str], skip: int) -> list[list[Any]]:
    """A page of the entries of a line, largest first.

    Args:
        published: the published copy.
        line: the line of the bridge, or `stated`.
        filters: `campaign` (empty for records with none; all campaigns if missing), `month` (2026-03), `market`, `offer` (empty
            for records without one).
        skip: number of entries on earlier pages.
    """
    wanted = ["line = $line", "amount <> 0", _IN_CAMPAIGN[filters.get("campaign")]]
    wanted += [f"{name} = ${name}" for name in ("month", "market", "offer") if name in filters]
    values = {name: value for name, value in filters.items() if value or name != "campaign"}
    found = published.rows(
        f"{_ENTRIES} {_SHOWN} where {' and '.join(wanted)} {_LARGEST_FIRST} limit {ENTRIES_PER_PAGE} offset $skip",
        {"line": line, "skip": skip, **values},
    )
    return _entries_by_line(found).get(line, [])


def records(published: Published, ids: Iterable[str], write: FigureFormatter, zone: tzinfo | None) -> dict[str, Json]:
    """Captured records by ID, with their links from ad to payment in the chain's order, their payments and their entries."""
    wanted = {"ids": list(ids)}
    found: dict[str, Json] = {
        row[0]: {
            **dict(zip(_RECORD, row, strict=True)),
            **{
                name: at and write.instant(at.replace(tzinfo=UTC).astimezone(zone))
                for name, at in zip(_RECORD[1:5], row[1:5], strict=True)
            },
            "links": [],
            "payments": [],
            "entries": [],
        }
        for row in published.rows(_RECORDS, wanted)
    }
    for record_id, *link in published.rows(_LINKS, wanted):
        found[record_id]["links"].append(link)
    for (
        record_id,
        payment_id,
        kind,
        day,
        amount,
        currency,
        fee,
        value,
        closes,
        closing,
        closing_currency,
    ) in published.rows(_PAYMENTS_OF_RECORDS, wanted):
        own, of_order = replace(write, currency=currency), replace(write, currency=closing_currency or currency)
        found[record_id]["payments"].append([
            payment_id,
            kind,
            day,
            f"{own.money(amount)} {currency}",
            "" if fee is None else f"{own.money(fee)} {currency}",
            value,
            closes,
            "" if closing is None else f"{of_order.money(closing)} {closing_currency}",
        ])  # fmt: skip
    for record_id, *entry in published.rows(_ENTRIES_OF_RECORDS, wanted):
        found[record_id]["entries"].append(entry)
    return found


def _frame(published: Published, write: FigureFormatter, say: Wording) -> Json:
    return {
        "campaigns": published.campaign_names(),
        "months": [[f"{month:%Y-%m}", write.month(month)] for (month,) in published.rows(_MONTHS)],
        "lines": say.all({**LINES, "stated": PAGE["stated"]}),
        "links": say.all(LINKS),
        "words": {
            **say.all(PAGE),
            "methods": {method: say(method.replace("_", " ")) for method in METHODS},
            "rungs": {rung: say(rung) for rung in RUNGS},
            "kinds": {kind: say(kind.replace("_", " ")) for kind in PAYMENT_KINDS},
        },
        "per_page": ENTRIES_PER_PAGE,
        "marks": write.marks(),
    }


def _sums(published: Published, *, by_segment: bool) -> list[list[Any]]:
    segment = "market, offer" if by_segment else "null as market, null as offer"
    return [
        list(row)
        for row in published.rows(
            f"""
            {_ENTRIES}
            select month, campaign_id, {segment}, line, {THOUSANDTHS.format("sum(amount)")}, cast(sum(counted) as bigint),
                   count(*) filter (amount <> 0)
            from entries group by all order by all
            """
        )
    ]


def _entries_by_line(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    for line, *entry in rows:
        found.setdefault(line, []).append(entry)
    return found


class _InCampaign(dict[str | None, str]):
    """SQL condition by campaign filter: None for all campaigns, empty for records with none."""

    def __missing__(self, _: str | None) -> str:
        return "campaign_id = $campaign"


_IN_CAMPAIGN = _InCampaign({None: "campaign_id is not null", "": "campaign_id is null"})
THOUSANDTHS = "cast({} * 1000 as bigint)"
_MONTHS = "select distinct period_start from reporting.bridge order by 1"

# One row per entry of a line of the bridge. Lines 0 to 3 compare totals of a month and campaign, so their entries are these
# totals, without market and offer. The entries of `collected` are the records' money and finance's adjustments.
_ENTRIES = """
with of_lines as (
  select e.line, e.record_id, e.cohort_date as day, e.campaign_id, coalesce(c.market, '') as market,
         coalesce(c.offer, '') as offer, e.amount, e.reason, e.order_id, e.entry_id as id,
         case when row_number() over (partition by e.record_id, e.line order by e.entry_id) = 1 then 1 else 0 end as counted
  from reporting.bridge_entries e join reporting.matched_chain c on c.record_id = e.record_id
  union all
  select 'stated', record_id, cohort_date, campaign_id, coalesce(market, ''), coalesce(offer, ''), stated_value,
         'stated value of the ' || record_type, null, record_id, 1
  from reporting.matched_chain
  union all
  select 'collected', record_id, cohort_date, campaign_id, coalesce(market, ''), coalesce(offer, ''), collected_value,
         payment_count || case when payment_count = 1 then ' settled payment' else ' settled payments' end, null, record_id,
         case when rung = 'collected' then 1 else 0 end
  from reporting.matched_chain
  union all
  select l.line, null, a.period_start, a.campaign_id, null, null, a.amount, a.subject || ': ' || a.reason || ', by ' || a.changed_by,
         null, a.change_id, case when l.line = 'collected' then 0 else 1 end
  from reporting.change_log a cross join (select unnest(['manual_adjustment', 'collected']) as line) l
  where a.kind = 'manual_adjustment'
  union all
  select line, null, period_start, campaign_id, null, null, amount,
         case line
           when 'platform_attributed' then 'results that Meta reports: ' || records
           when 'claimed_not_captured' then 'results beyond the captured records: ' || records
           when 'captured_not_claimed' then 'captured records beyond Meta''s results: ' || records
           else 'captured records: ' || records
         end,
         null, line || period_start || coalesce(campaign_id, ''), records
  from reporting.bridge where line_order <= 3
),
entries as (select *, strftime(day, '%Y-%m') as month from of_lines)
"""
_SHOWN = f"""
select line, record_id, cast(day as varchar), month, campaign_id, market, offer, {THOUSANDTHS.format("amount")}, reason, order_id
from entries
"""
_LARGEST_FIRST = "order by abs(amount) desc, day, record_id, id"

_RECORD = (
    *("record_id", "created_at", "qualified_at", "won_at", "first_paid_at", "campaign_id", "adset_id", "ad_id", "rung"),
    *("invalid_reason", "market", "offer", "language", "owner", "chain_confidence"),
    *("stated_value", "final_value", "collected_value", "refunded_value"),
)
_RECORDS = f"""
select record_id, created_at at time zone 'UTC', qualified_at at time zone 'UTC', won_at at time zone 'UTC',
       first_paid_at at time zone 'UTC', campaign_id, adset_id, ad_id, rung, invalid_reason, market, offer, language, owner,
       chain_confidence, {", ".join(THOUSANDTHS.format(name) for name in _RECORD[-4:])}
from reporting.matched_chain where record_id in (select unnest(cast($ids as varchar[]))) order by record_id
"""
_LINKS = """
with wanted as (select unnest(cast($ids as varchar[])) as record_id),
crm as (
  select w.record_id, k.right_id as id from wanted w
  join reporting.match_links k on k.link = 'lead_crm' and 'lead:' || k.left_id = w.record_id
),
orders as (
  select w.record_id, k.right_id as id from wanted w
  join reporting.match_links k on k.link = 'lead_order' and 'lead:' || k.left_id = w.record_id
  union all
  select record_id, substr(record_id, length('order:') + 1) from wanted where record_id like 'order:%'
),
ends as (
  select record_id, 0 as place, 'record_ad' as link, record_id as left_id from wanted
  union all
  select record_id, 1, 'lead_crm', substr(record_id, length('lead:') + 1) from wanted where record_id like 'lead:%'
  union all
  select record_id, 2, 'lead_order', substr(record_id, length('lead:') + 1) from wanted where record_id like 'lead:%'
  union all
  select record_id, 3, 'order_payment', id from orders
  union all
  select record_id, 4, 'crm_payment', id from crm
)
select e.record_id, k.link, k.left_id, k.right_id, k.match_method, k.match_confidence, k.evidence
from ends e join reporting.match_links k on k.link = e.link and k.left_id = e.left_id
order by e.record_id, e.place, k.left_id, k.right_id
"""
_PAYMENTS_OF_RECORDS = f"""
select record_id, payment_id, kind, cast(paid_date as varchar), signed_amount, currency, fee, {THOUSANDTHS.format("collected_value")},
       coalesce(order_id, crm_id), case when signed_amount < 0 then -closing_amount else closing_amount end, closing_currency
from reporting.payment_money where record_id in (select unnest(cast($ids as varchar[]))) order by record_id, paid_at, payment_id
"""
_ENTRIES_OF_RECORDS = f"""
select record_id, line, {THOUSANDTHS.format("amount")}, reason, order_id from reporting.bridge_entries
where record_id in (select unnest(cast($ids as varchar[]))) order by record_id, line, entry_id
"""
