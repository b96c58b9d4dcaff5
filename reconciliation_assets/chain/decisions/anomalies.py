"""Anomalies in the whole history, each described in one sentence. Not here: rates that are low now (`diagnosis.py`).

Campaigns with a higher reported but a lower collected ROAS than the others; forms and landing pages that lost their tracking
for some days; courier settlements that were paid much later than usual.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from reconciliation_assets.chain.decisions.gaps import gaps
from reconciliation_assets.chain.decisions.returns import poisson_interval
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext, RunContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("decisions", "anomalies")
_READS = (
    TableName("canonical", "orders"),
    TableName("canonical", "payments"),
    TableName("governance", "coverage_things"),
    TableName("matching", "campaigns"),
    TableName("outcomes", "remittance_lines"),
    TableName("outcomes", "remittances"),
    TableName("views", "collected_performance"),
    TableName("views", "two_numbers"),
)
OVERRATED, UNTRACKED, LATE = "overrated_by_meta", "tracking_lost", "remittance_late"
NEXT_STEPS = {
    OVERRATED: "Judge it by collected money; check what Meta counts as its result, and send Meta qualified, won and collected outcomes instead.",
    UNTRACKED: "Find what changed in the form, page or integration on the first day; enter the records' campaign in manual_matches (record_ad).",
    LATE: "Hold the courier to the agreed terms, and judge the affected months by their mature figures.",
}
"""What the owner of an anomaly does first, by its kind."""
# With fewer settlements their quartiles are not reliable.
_FEWEST_SETTLEMENTS = 8
_FAR_OUT = 3.0

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("anomaly", "subject", "subject_name")),
        *((name, pa.date32()) for name in ("started_on", "ended_on")),
        ("records", pa.int64()),
        ("value", pa.decimal128(18, 3)),
        *((name, pa.string()) for name in ("currency", "finding", "next_step", "owner", "policy_version")),
    ]
)


def find_anomalies(context: LedgerContext) -> TableMetadata:
    """Find all anomalies and replace the table."""
    policy = context.loaded_policy.policy
    rows = [
        row
        | {
            "next_step": NEXT_STEPS[row["anomaly"]],
            "currency": policy.reporting_currency,
            "policy_version": policy.version,
        }
        for find in (_overrated_campaigns, _tracking_gaps, _late_settlements)
        for row in find(context, policy)
    ]
    context.warehouse.load(_TARGET, pa.Table.from_pylist(rows, schema=_SCHEMA))
    found = [row["anomaly"] for row in rows]
    return TableMetadata({kind: found.count(kind) for kind in (OVERRATED, UNTRACKED, LATE)})


ANOMALIES = PythonTable(
    OutputTable(
        "anomalies",
        "decisions",
        "campaign, channel or settlement that stands out",
        "data",
        ("anomaly", "subject", "started_on"),
        description=(
            "What stands out in the whole history: campaigns that Meta rates above the others and that collected less, forms and landing pages "
            "that lost their tracking for some days, settlements that came much later than usual. Made in Python: a scan over all stretches of "
            "days is no sum."
        ),
        required=(
            "anomaly",
            "subject",
            "subject_name",
            "started_on",
            "ended_on",
            "records",
            "value",
            "currency",
            "finding",
            "next_step",
            "owner",
            "policy_version",
        ),
        words={"anomaly": (OVERRATED, UNTRACKED, LATE)},
        at_least_zero=("records",),
        published=True,
        page="docs/definitions/diagnosis.md#anomalies",
        columns={
            "anomaly": Meaning("Kind of what stands out"),
            "subject": Meaning("Campaign ID, kind and name of the form or landing page, or settlement and currency"),
            "subject_name": Meaning("The subject as people call it"),
            "started_on": Meaning("First day of it: of the mature months, of the gap, of the deliveries"),
            "ended_on": Meaning("Last day of it: of the mature months, of the gap, or the day the money came"),
            "records": Meaning("Records that paid, records without an ad, or parcels", "count"),
            "value": Meaning(
                "What it is about: Meta's value less the collected, stated value of the records without an ad, or the money that came late",
                "reporting currency",
            ),
        },
    ),
    _READS,
    find_anomalies,
)


def _overrated_campaigns(context: RunContext, policy: Policy) -> Iterator[dict[str, Any]]:
    """Campaigns whose reported ROAS is above, and whose collected ROAS is significantly below, that of the others in mature months."""
    frame = _numbers(
        context.warehouse.arrow(
            """
            select n.campaign_id, coalesce(max(c.campaign_name), n.campaign_id) as campaign_name,
                   min(n.cohort_start) as started_on,
                   cast(max(n.cohort_start) + interval 1 month - interval 1 day as date) as ended_on,
                   sum(n.spend_value) as spend, sum(n.platform_value) as reported, sum(n.collected_value) as collected,
                   sum(p.paid_records) as paid
            from views.two_numbers n
            join views.collected_performance p
              on p.cohort_start = n.cohort_start and p.campaign_id is not distinct from n.campaign_id
            left join matching.campaigns c on c.campaign_id = n.campaign_id
            where n.campaign_id is not null and n.is_complete
            group by n.campaign_id having sum(n.spend_value) > 0 order by n.campaign_id
            """
        )
    )
    if len(frame) <= 1:
        return
    for name in ("reported", "collected"):
        frame[f"{name}_roas"] = frame[name] / frame["spend"]
        frame[f"{name}_others"] = (frame[name].sum() - frame[name]) / (frame["spend"].sum() - frame["spend"])
    # Ties share the best place by reported ROAS and the worst place by collected ROAS.
    frame["reported_place"] = frame["reported_roas"].rank(ascending=False, method="min").astype(int)
    frame["collected_place"] = frame["collected_roas"].rank(ascending=False, method="max").astype(int)
    per_sale = frame["collected"].sum() / max(frame["paid"].sum(), 1)
    # Upper bound of collected ROAS: the upper end of the Poisson interval of sales, at the campaign's own average sale
    # (the average over all campaigns where it has none).
    sales = np.array([poisson_interval(int(paid))[1] for paid in frame["paid"]])
    own_sale = (frame["collected"] / frame["paid"].where(frame["paid"] > 0)).fillna(per_sale)
    at_most = sales * own_sale / frame["spend"]
    is_overrated = (frame["reported_roas"] > frame["reported_others"]) & (at_most < frame["collected_others"])
    for each in frame[is_overrated].sort_values(["reported_place", "campaign_id"]).to_dict("records"):
        reported, collected = each["reported"], each["collected"]
        yield {
            "anomaly": OVERRATED,
            "subject": each["campaign_id"],
            "subject_name": each["campaign_name"],
            "started_on": _day(each["started_on"]),
            "ended_on": _day(each["ended_on"]),
            "records": int(each["paid"]),
            "value": _money(reported - collected, policy),
            "finding": (
                f"{each['campaign_name']}: {_rank_text(each['reported_place'], len(frame))} by what Meta reports "
                f"({each['reported_roas']:.2f} per 1 spent; the others {each['reported_others']:.2f}), "
                f"{_rank_text(each['collected_place'], len(frame))} by collected money ({each['collected_roas']:.2f}; "
                f"the others {each['collected_others']:.2f}), in mature months."
            ),
            "owner": policy.owners.links["record_ad"],
        }


def _tracking_gaps(context: RunContext, policy: Policy) -> Iterator[dict[str, Any]]:
    """Stretches of days in which most records from Meta of a form (or landing page, if the form is unknown) name no ad."""
    frame = _numbers(
        context.warehouse.arrow(
            """
            select case when form <> '(none)' then 'form' else 'landing page' end as kind,
                   case when form <> '(none)' then form else landing_page end as channel,
                   day, count(*) as records,
                   count(case when match_method = 'unmatched' then 1 end) as misses,
                   sum(case when match_method = 'unmatched' then value else 0 end) as value
            from governance.coverage_things
            where link = 'record_ad' and (form <> '(none)' or landing_page <> '(none)')
            group by 1, 2, 3 order by 1, 2, 3
            """
        )
    )
    for (kind, channel), rows in frame.groupby(["kind", "channel"]):
        days = np.array([_day(day).toordinal() for day in rows["day"]], np.int64)
        for gap in gaps(days, rows["records"].to_numpy(np.int64), rows["misses"].to_numpy(np.int64)):
            stretch = rows.iloc[gap.first : gap.last + 1]
            started, ended = _day(stretch["day"].iloc[0]), _day(stretch["day"].iloc[-1])
            yield {
                "anomaly": UNTRACKED,
                "subject": f"{kind} {channel}",
                "subject_name": channel,
                "started_on": started,
                "ended_on": ended,
                "records": gap.misses,
                "value": _money(float(stretch["value"].sum()), policy),
                "finding": (
                    f"{str(kind).capitalize()} {channel} lost its tracking {_from_to(started, ended)}: {gap.misses} of its "
                    f"{gap.records} records from Meta name no ad, against {gap.usual_rate:.0%} on its other days."
                ),
                "owner": policy.owners.links["record_ad"],
            }


def _late_settlements(context: RunContext, policy: Policy) -> Iterator[dict[str, Any]]:
    """Settlements paid much later after delivery than others in the same currency.

    Much later means beyond Tukey's outer fence, and later than the median by more than the policy's days for a transfer.
    """
    frame = _numbers(
        context.warehouse.arrow(
            """
            with lines as (
              select l.settlement_id, l.currency, p.signed_value, cast(o.delivered_at at time zone $zone as date) as delivered_on,
                     cast(coalesce(r.transferred_at, l.paid_at) at time zone $zone as date) as received_on
              from outcomes.remittance_lines l
              join canonical.orders o on o.order_id = l.order_id
              join canonical.payments p on p.payment_id = l.payment_id
              left join outcomes.remittances r on r.settlement_id = l.settlement_id and r.currency = l.currency
              where p.kind = 'payment' and o.delivered_at is not null
            )
            select settlement_id, currency, min(delivered_on) as delivered_on, max(received_on) as received_on,
                   median(received_on - delivered_on) as wait, count(*) as parcels, sum(signed_value) as value
            from lines group by settlement_id, currency order by settlement_id, currency
            """,
            context.parameters,
        )
    )
    for currency, rows in frame.groupby("currency"):
        if len(rows) < _FEWEST_SETTLEMENTS:
            continue
        low, median, high = np.quantile(rows["wait"], [0.25, 0.5, 0.75])
        fence = max(high + _FAR_OUT * (high - low), median + policy.remittances.transfer_within_days)
        late = rows[rows["wait"] > fence].sort_values(["wait", "settlement_id"], ascending=[False, True])
        for each in late.to_dict("records"):
            parcels = "1 parcel" if each["parcels"] == 1 else f"{each['parcels']:,} parcels"
            yield {
                "anomaly": LATE,
                "subject": f"{each['settlement_id']} {currency}",
                "subject_name": each["settlement_id"],
                "started_on": _day(each["delivered_on"]),
                "ended_on": _day(each["received_on"]),
                "records": int(each["parcels"]),
                "value": _money(each["value"], policy),
                "finding": (
                    f"Remittance {each['settlement_id']} came late: {parcels} delivered from {_day(each['delivered_on'])} on were "
                    f"paid over on {_day(each['received_on'])}, {each['wait']:.0f} days after delivery; in {currency} {median:.0f} "
                    "days are usual."
                ),
                "owner": policy.owners.exceptions.get("remittance_differs", policy.owners.default),
            }


def _numbers(rows: pa.Table) -> pd.DataFrame:
    """A small frame with decimals converted to floats: for comparisons only, never for published sums."""
    decimals = [field.name for field in rows.schema if pa.types.is_decimal(field.type)]
    frame: pd.DataFrame = rows.to_pandas()
    return frame.astype(dict.fromkeys(decimals, float))


def _day(value: Any) -> date:
    day: date = pd.Timestamp(value).date()
    return day


def _from_to(first: date, last: date) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"


def _rank_text(place: int, of: int) -> str:
    return "last" if place == of else "first" if place == 1 else f"{place} of {of}"


def _money(value: float, policy: Policy) -> Decimal:
    return round(Decimal(repr(value)), policy.minor_digits)
