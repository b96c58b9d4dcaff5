"""Identifiers that went missing: which identifying columns of the records that should match are emptier than before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import scipy

from reconciliation_assets.policy.model import Link
from reconciliation_assets.warehouse.protocol import Warehouse

_LEAD_CONTACTS = {"email_key": "email", "phone_key": "phone"}
_ORIGIN = {
    name: name
    for name in ("campaign_id", "adset_id", "ad_id", "click_id", "utm_campaign", "utm_content", "source", "medium")
}
_OF_PAYMENTS = {
    name: name for name in ("order_id", "invoice_id", "waybill", "crm_id", "lead_id", "customer_id", "reference")
} | _LEAD_CONTACTS

# By link and table: the table's key, and the columns used for linking with their names in the input.
_COLUMNS: dict[Link, dict[str, tuple[str, dict[str, str]]]] = {
    "record_ad": {"leads": ("lead_id", _ORIGIN), "orders": ("order_id", _ORIGIN)},
    "lead_crm": {"leads": ("lead_id", {"meta_lead_id": "meta_lead_id", "campaign_id": "campaign_id"} | _LEAD_CONTACTS)},
    "lead_order": {
        "orders": ("order_id", {name: name for name in ("lead_id", "crm_id", "customer_id")} | _LEAD_CONTACTS)
    },
    "order_payment": {"payments": ("payment_id", _OF_PAYMENTS)},
    "crm_payment": {"payments": ("payment_id", _OF_PAYMENTS)},
}
_CRM_COLUMNS = {"lead_id": "lead_id", "meta_lead_id": "meta_lead_id"} | _LEAD_CONTACTS

_PAST_DAYS = 28
_NAMED_AT_MOST = 2
_LEAST_DROP = 0.2
_BY_ACCIDENT = 0.001


@dataclass(frozen=True)
class EmptiedColumn:
    """A column that is emptier than before.

    Attributes:
        things: kind of record that has the column, in words.
        is_own: whether the column belongs to the records that should match, not to their counterparts.
        before, now: share of rows with a value, 0 to 1.
    """

    things: str
    is_own: bool
    column: str
    before: float
    now: float


def lost_identifiers(
    warehouse: Warehouse, link: Link, segment: tuple[str, str], since: date, morning: date
) -> list[EmptiedColumn]:
    """The (at most two) identifying columns that lost the most values in a segment, against the four weeks before the fall.

    Args:
        segment: kind and name; the total is ("all", "").
        since: first day of the fall.
        morning: the morning of the check; only days before it count.
    """
    kind, name = segment
    spans = {"since": since, "morning": morning, "earliest": since - timedelta(days=_PAST_DAYS)}
    found = []
    for table, (key, columns) in _COLUMNS[link].items():
        where = "" if kind == "all" else f"and t.{kind} = $segment"
        rows = f"""
            canonical.{table} c
            join governance.coverage_things t
              on t.source_id = c.{key} and t.link = $link and t.source_table = '{table}' {where}
        """
        parameters = {"link": link, "segment": name, **spans}
        found += _emptier(warehouse, rows, "t.day", columns, parameters, things=table, is_own=True)
    if link == "lead_crm":
        rows = "canonical.crm_records c"
        found += _emptier(warehouse, rows, "c.created_date", _CRM_COLUMNS, spans, things="CRM records", is_own=False)
    return sorted(found, key=lambda each: (each.now - each.before, each.column))[:_NAMED_AT_MOST]


def _emptier(
    warehouse: Warehouse,
    rows: str,
    day: str,
    columns: dict[str, str],
    parameters: Mapping[str, object],
    *,
    things: str,
    is_own: bool,
) -> list[EmptiedColumn]:
    counts = ", ".join(f"count(c.{column}) as {column}" for column in columns)
    counts_by_period = warehouse.arrow(
        f"""
        select {day} >= $since as is_recent, count(*) as total, {counts}
        from {rows} where {day} >= $earliest and {day} < $morning group by 1 order by 1
        """,
        parameters,
    ).to_pylist()
    if len(counts_by_period) != len(("before", "now")):
        return []
    before, now = counts_by_period
    found = []
    for column, name in columns.items():
        table = [
            [now["total"] - now[column], now[column]],
            [before["total"] - before[column], before[column]],
        ]
        filled_before, filled_now = before[column] / before["total"], now[column] / now["total"]
        if filled_before - filled_now < _LEAST_DROP:
            continue
        if float(scipy.stats.fisher_exact(table, alternative="greater").pvalue) <= _BY_ACCIDENT:
            found.append(EmptiedColumn(things, is_own, name, filled_before, filled_now))
    return found
