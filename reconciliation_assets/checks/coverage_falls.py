"""Falls of match rates: reads the coverage of the last mornings and words the message that says what broke."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.falls import (
    AGES,
    FEWEST_MORNINGS,
    DailyCoverage,
    Fall,
    Limits,
    Measure,
    find_fall,
    mornings_known,
    rates,
)
from reconciliation_assets.checks.identifiers import EmptiedColumn, lost_identifiers
from reconciliation_assets.contracts.vocabulary import LINK_NAMES, SEGMENT_KINDS
from reconciliation_assets.policy.model import LINKS, Floors, Link, Policy
from reconciliation_assets.warehouse.query import TableName

_THING_WORDS: dict[Link, str] = {
    "record_ad": "records",
    "lead_crm": "leads",
    "lead_order": "orders",
    "order_payment": "payments",
    "crm_payment": "payments",
}
_KIND_WORDS = {"landing_page": "landing page", "payment_method": "payment method", "value_band": "value"}

_HISTORY = TableName("governance", "coverage_history")
# A payment's other segments come from its record. They are known only for linked payments, so they cannot describe unlinked ones.
_KINDS_OF_ITS_OWN = ("all", "payment_method", "value_band")
# A segment is named in the message if it explains at least this share of the fall.
_TELLING_SHARE = 0.3

# The last days as observed today, and earlier days as observed on the mornings after them.
_AS_KEPT = """
with looks as (
  select $today as morning, day, segment_kind, segment, match_method, records, value, value_squares
  from governance.coverage_daily
  where link = $link and day between $today - $ages and $today - 1
  union all
  select observed_on, day, segment_kind, segment, match_method, records, value, value_squares
  from governance.coverage_history
  where link = $link and observed_on between $today - $past_days and $today - 1
    and day between observed_on - $ages and observed_on - 1
)
select segment_kind, segment, morning, date_diff('day', day, morning) as age,
  sum(records) as records,
  coalesce(sum(records) filter (match_method = 'unmatched'), 0) as missed,
  cast(sum(value) as double) as value,
  cast(coalesce(sum(value) filter (match_method = 'unmatched'), 0) as double) as missed_value,
  cast(coalesce(sum(value_squares), 0) as double) as value_squares
from looks
group by 1, 2, 3, 4
"""

# The same, for a history that is too short: reconstructed from the day on which both records of a link had arrived.
_KINDS = SEGMENT_KINDS[1:]
_SEGMENTS = " ".join(f"when '{kind}' then t.{kind}" for kind in _KINDS)
_AS_CREATED = f"""
with kinds as (
  select distinct segment_kind from governance.coverage_daily where link = $link
),
things as (
  select day, value, {", ".join(_KINDS)},
    least(date_diff('day', day, coalesce(linked_on, day + $ages)), $ages) as waited
  from governance.coverage_things
  where link = $link and day between $today - $past_days - $ages and $today - 1
),
by_wait as (
  select k.segment_kind,
    case k.segment_kind when 'all' then '' {_SEGMENTS} end as segment,
    t.day, t.waited, count(*) as records, cast(sum(t.value) as double) as value,
    cast(sum(cast(t.value as decimal(19, 3)) * cast(t.value as decimal(19, 3))) as double) as value_squares
  from things t cross join kinds k
  group by 1, 2, 3, 4
)
select w.segment_kind, w.segment, w.day + cast(a.age as integer) as morning, a.age,
  sum(w.records) as records,
  coalesce(sum(w.records) filter (w.waited >= a.age), 0) as missed,
  sum(w.value) as value,
  coalesce(sum(w.value) filter (w.waited >= a.age), 0) as missed_value,
  sum(w.value_squares) as value_squares
from by_wait w
cross join (select unnest(range(1, $ages + 1)) as age) a
where w.day + cast(a.age as integer) between $today - $past_days and $today
group by 1, 2, 3, 4
"""
_FIGURES = ("records", "missed", "value", "missed_value", "value_squares")


def fall_checks() -> list[TableCheck]:
    """One check per link: the newest days against the same weekdays of the past, observed at the same age."""
    return [
        TableCheck(
            f"{link}_has_not_fallen",
            "coverage_daily",
            f"The match rate of {link} has not fallen against its own past, by records or by value: neither yesterday's, nor "
            "that of the last days.",
            False,
            _fall(link),
        )
        for link in LINKS
    ]


def daily_coverage(context: RunContext, link: Link) -> DailyCoverage:
    """The coverage of a link as observed this morning and on each earlier morning of the policy's past period."""
    today = context.as_of.astimezone(context.policy.timezone).date()
    past_days = context.policy.thresholds.match_rate_fall_past_days
    parameters = {"link": link, "today": today, "past_days": past_days, "ages": AGES}
    is_kept = _mornings_kept(context, link, today, past_days) >= FEWEST_MORNINGS
    frame = context.warehouse.arrow(_AS_KEPT if is_kept else _AS_CREATED, parameters).to_pandas()
    if link in ("order_payment", "crm_payment"):
        frame = frame[frame["segment_kind"].isin(_KINDS_OF_ITS_OWN)]
    return _as_daily_coverage(frame, [today - timedelta(days=back) for back in range(past_days, -1, -1)])


def _mornings_kept(context: RunContext, link: Link, today: date, past_days: int) -> int:
    if not context.warehouse.exists(_HISTORY):
        return 0
    rows = context.warehouse.rows(
        f"""
        select count(distinct observed_on) from {_HISTORY}
        where link = $link and observed_on between $today - $past_days and $today - 1 and value_squares is not null
        """,
        {"link": link, "today": today, "past_days": past_days},
    )
    return int(rows[0][0])


def _as_daily_coverage(frame: pd.DataFrame, mornings: list[date]) -> DailyCoverage:
    """Rows by segment, morning and age as dense arrays in that order; a missing row is 0 records."""
    frame = frame.sort_values(["segment_kind", "segment", "morning", "age"])
    segments = frame[["segment_kind", "segment"]].drop_duplicates()
    position = {tuple(row): at for at, row in enumerate(segments.itertuples(index=False, name=None))}
    of_segment = pd.MultiIndex.from_frame(segments).get_indexer(
        pd.MultiIndex.from_frame(frame[["segment_kind", "segment"]])
    )
    of_morning = (pd.to_datetime(frame["morning"]) - pd.Timestamp(mornings[0])).dt.days.to_numpy()
    of_age = frame["age"].to_numpy(dtype=np.int64) - 1
    figures = []
    for name in _FIGURES:
        dense = np.zeros((len(position), len(mornings), AGES))
        dense[of_segment, of_morning, of_age] = frame[name].to_numpy(dtype=float)
        figures.append(dense)
    records, missed, value, missed_value, squares = figures
    return DailyCoverage(list(position), mornings, records, missed, value, missed_value, squares)


def _fall(link: Link) -> Callable[[RunContext], CheckResult]:
    def ask(context: RunContext) -> CheckResult:
        coverage = daily_coverage(context, link)
        seen = rates(coverage) if coverage.segments else None
        if seen is None:
            return CheckResult(True, "Nothing was expected to match in the last week.")
        records, rate = seen
        figures: dict[str, float | int | str] = {"records in the last week": records, "match rate": round(rate, 4)}
        if mornings_known(coverage) < FEWEST_MORNINGS:
            return CheckResult(
                True,
                f"{rate:.1%} in the last week; too few days before it, with fewer than {FEWEST_MORNINGS} nothing is usual yet.",
                figures=figures,
            )
        fall = find_fall(coverage, limits_of(context.policy, link))
        if fall is None:
            return CheckResult(True, f"{rate:.1%} in the last week, as usual.", figures=figures)
        lost = lost_identifiers(
            context.warehouse,
            link,
            (fall.explaining_segment.kind, fall.explaining_segment.segment),
            fall.since,
            coverage.mornings[-1],
        )
        figures |= {
            "match rate before": round(fall.before, 4),
            "match rate now": round(fall.now, 4),
            "by": fall.measure,
            "since": fall.since.isoformat(),
            "chance of so large a fall by accident": float(f"{fall.p_value:.2g}"),
            "segment": _named(fall.explaining_segment.kind, fall.explaining_segment.segment),
            "share of the fall": round(fall.explaining_segment.share, 2),
            "unmatched records": fall.explaining_segment.missed,
            "unmatched value": round(fall.explaining_segment.missed_value, 3),
        }
        return CheckResult(False, _message(link, fall, lost, coverage.mornings[-1], context.policy), "WARN", figures)

    return ask


def limits_of(policy: Policy, link: Link) -> Limits:
    """The policy's limits for a fall of the link's match rate."""
    thresholds = policy.thresholds
    floors = thresholds.match_rate_floors.get(link, Floors())
    by_measure: dict[Measure, float | None] = {"records": floors.records, "value": floors.value}
    return Limits(
        thresholds.match_rate_fall,
        thresholds.match_rate_fall_records,
        thresholds.match_rate_fall_chance,
        {measure: floor for measure, floor in by_measure.items() if floor is not None},
    )


def _message(link: Link, fall: Fall, lost: list[EmptiedColumn], morning: date, policy: Policy) -> str:
    """The message about a fall: its size and start, the segment, the missing identifiers, and the money affected."""
    place = "" if fall.where[0] == "all" else f" in {_named(*fall.where)}"
    by = " by value" if fall.measure == "value" else ""
    newest = morning - timedelta(days=1)
    when = f"on {_day(newest)}" if fall.since == newest else f"since {_day(fall.since)}"
    explaining_segment = fall.explaining_segment
    is_explained = explaining_segment.kind != "all" and explaining_segment.share >= _TELLING_SHARE
    explanation = (
        f"{explaining_segment.share:.0%} of the fall is {_named(explaining_segment.kind, explaining_segment.segment)}"
        if is_explained
        else "no one segment holds it"
    )
    missing = ""
    if lost:
        of = f"whose {_THING_WORDS[link]}" if is_explained and lost[0].is_own else f"and {lost[0].things}"
        columns = " and ".join(f"{each.column} ({each.before:.0%} filled before, {each.now:.0%} now)" for each in lost)
        missing = f", {of} lost {columns}"
    missed, value = (
        (explaining_segment.missed, explaining_segment.missed_value)
        if is_explained
        else (fall.missed, fall.missed_value)
    )
    days = "" if fall.days == 1 else f" in {fall.days} days"
    return (
        f"{LINK_NAMES[link]} fell{place} from {fall.before:.1%} to {fall.now:.1%}{by} {when}; {explanation}{missing}; "
        f"{missed:,} records, {value:,.{policy.minor_digits}f} {policy.reporting_currency} unmatched{days}. "
        f"Look at unmatched_records where link = '{link}', newest first: the reason column says what is missing."
    )


def _named(kind: str, segment: str) -> str:
    return f"{_KIND_WORDS.get(kind, kind)} {segment}" if kind != "all" else "the whole"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
