"""The budget rules: which campaigns get more money, the same, or none, and how much can safely be spent.

SQL sums spend and money by week and age; intervals over weeks and the rule itself are computed here.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from reconciliation_assets.chain.decisions.maturity import AtAge, side_by_side
from reconciliation_assets.chain.decisions.returns import Ratio, collection_curve, poisson_interval, project_roas, ratio
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext, RunContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.policy.model import Budget, Policy
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("decisions", "budget_actions")
_READS = (
    TableName("decisions", "campaign_load"),
    TableName("decisions", "campaign_weeks"),
    TableName("governance", "match_coverage"),
    TableName("matching", "campaigns"),
)
SCALE, HOLD, STOP, NOT_ENOUGH, NOT_RUNNING = "scale", "hold", "stop", "not_enough_yet", "not_running"
_SILENT_DAYS = 28
_HALF = 0.5

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("campaign_id", "campaign_name", "action", "reason")),
        ("maturity_day", pa.int32()),
        *((name, pa.date32()) for name in ("window_start", "window_end")),
        *((name, pa.decimal128(18, 3)) for name in ("spend_value", "collected_exact_value", "collected_value")),
        *((name, pa.float64()) for name in ("collected_roas_exact", "collected_roas", "roas_low", "roas_high")),
        ("young_spend_value", pa.decimal128(18, 3)),
        ("young_collected_value", pa.decimal128(18, 3)),
        *((name, pa.float64()) for name in ("cash_share", "cash_share_low", "cash_share_high")),
        *((name, pa.float64()) for name in ("expected_roas", "expected_roas_low", "expected_roas_high")),
        *((name, pa.float64()) for name in ("ad_coverage", "money_coverage")),
        *((name, pa.int64()) for name in ("recent_leads", "busy_leads")),
        ("last_spent_on", pa.date32()),
        *((name, pa.decimal128(18, 3)) for name in ("daily_spend", "safe_daily_spend")),
        *((name, pa.string()) for name in ("currency", "policy_version")),
    ]
)


@dataclass(frozen=True)
class Evidence:
    """The inputs of the budget rule for one campaign.

    Attributes:
        mature: collected ROAS at the longest maturity, from the low end of the exact links to the high end of all links.
        young: expected ROAS of the newer spend at the same maturity, by the campaign's own collection curve.
        weeks: weeks of mature spend.
        ad_coverage: share of the records from Meta that are linked to an ad; None where none are expected.
        money_coverage: share of the settled money that is linked.
        recent_leads: leads of the last four weeks.
        busy_leads: of those, how many went to owners without room.
        silent_days: days since the campaign last spent.
    """

    mature: AtAge[Ratio] | None
    young: AtAge[Ratio] | None
    weeks: int
    ad_coverage: float | None
    money_coverage: float | None
    recent_leads: int
    busy_leads: int
    silent_days: int


def decide(seen: Evidence, rule: Budget) -> tuple[str, str]:
    """The action and the reason in one sentence.

    Raises:
        UnlikeMaturityError: mature and young figures are not of the same age.
    """
    if seen.silent_days > _SILENT_DAYS:
        mature_part = f"; its last mature spend collected {_with_range(seen.mature.figures)}" if seen.mature else ""
        return NOT_RUNNING, f"It has not spent for {seen.silent_days} days{mature_part}."
    if seen.mature is None or seen.weeks < rule.fewest_weeks:
        return NOT_ENOUGH, (
            f"Not enough yet: {seen.weeks} weeks of its spend are old enough to be judged, {rule.fewest_weeks} are needed."
        )
    mature = seen.mature.figures
    young = side_by_side(seen.mature, seen.young)[1] if seen.young else None
    figures = f"mature spend collected {_with_range(mature)} at {seen.mature.age_days} days"
    if young:
        figures += f", newer spend is on its way to {_with_range(young)}"
    if mature.high < rule.stop_below:
        return _stop_or_hold(seen, rule, young, figures)
    if mature.low >= rule.scale_from:
        return _scale_or_hold(seen, rule, young, figures)
    return HOLD, (
        f"Its {figures}: neither surely from {rule.scale_from:g} (scale) nor surely below {rule.stop_below:g} (stop)."
    )


def _stop_or_hold(seen: Evidence, rule: Budget, young: Ratio | None, figures: str) -> tuple[str, str]:
    gap = _gap_in_links(seen, rule)
    if gap:
        return HOLD, f"Its {figures}, below {rule.stop_below:g}, but {gap}, so the money may be there and not linked."
    if young and young.high >= rule.stop_below:
        return HOLD, f"Its {figures}: below {rule.stop_below:g} before, but it may be recovering."
    return STOP, f"Its {figures}: below {rule.stop_below:g} at its best."


def _scale_or_hold(seen: Evidence, rule: Budget, young: Ratio | None, figures: str) -> tuple[str, str]:
    gap = _gap_in_links(seen, rule)
    if gap:
        return HOLD, f"Its {figures}, from {rule.scale_from:g} on, but {gap}."
    if young and young.high < rule.scale_from:
        return HOLD, f"Its {figures}: from {rule.scale_from:g} on before, but its newer spend falls short."
    if seen.recent_leads and seen.busy_leads / seen.recent_leads >= _HALF:
        return HOLD, (
            f"Its {figures}, from {rule.scale_from:g} on, but {seen.busy_leads} of its {seen.recent_leads} leads of the last "
            "four weeks went to owners without room for more."
        )
    room = ", and there is room for more leads" if seen.recent_leads else ""
    return SCALE, f"Its {figures}: from {rule.scale_from:g} on even at its worst{room}."


def _gap_in_links(seen: Evidence, rule: Budget) -> str | None:
    for share, what in (
        (seen.ad_coverage, "records from Meta are linked to an ad"),
        (seen.money_coverage, "settled money is linked to a sale"),
    ):
        if share is not None and share < rule.lowest_coverage:
            return f"only {share:.0%} of the {what} ({rule.lowest_coverage:.0%} asked for)"
    return None


def _with_range(figures: Ratio) -> str:
    """A ROAS with its range, in words."""
    return f"{figures.value:.2f} per 1 spent ({max(figures.low, 0):.2f} to {max(figures.high, 0):.2f})"


def decide_campaigns(context: LedgerContext) -> TableMetadata:
    """Decide for every campaign that ever spent."""
    policy = context.loaded_policy.policy
    weeks: pd.DataFrame = (
        context.warehouse.arrow("select * from decisions.campaign_weeks order by campaign_id, week_start, age_days")
        .to_pandas()
        .astype({"spend_value": float, "collected_value": float, "collected_exact_value": float})
    )
    final = weeks[weeks["is_complete"] & (weeks["age_days"] == policy.cohorts.maturity_days[-1])]
    per_sale = float(final["collected_value"].sum()) / max(int(final["paid_records"].sum()), 1)
    ad_coverage, money_coverage = _coverage(context)
    today = context.as_of.astimezone(policy.timezone).date()
    names = dict(context.warehouse.rows("select campaign_id, campaign_name from matching.campaigns"))
    rows = []
    for campaign_id, last_spent_on, daily, recent_leads, busy_leads in context.warehouse.rows(
        """
        select campaign_id, last_spent_on, daily_spend, recent_leads, busy_leads from decisions.campaign_load
        where last_spent_on is not null order by campaign_id
        """
    ):
        economics = _economics(weeks[weeks["campaign_id"] == campaign_id], per_sale, policy)
        figures = economics.pop("figures")
        seen = Evidence(
            **figures,
            ad_coverage=ad_coverage,
            money_coverage=money_coverage,
            recent_leads=recent_leads,
            busy_leads=busy_leads,
            silent_days=(today - last_spent_on).days,
        )
        action, reason = decide(seen, policy.budget)
        factor = {SCALE: 1 + policy.budget.largest_step, HOLD: 1.0, STOP: 0.0}.get(action)
        rows.append(
            economics
            | {
                "campaign_id": campaign_id,
                "campaign_name": names.get(campaign_id),
                "action": action,
                "reason": reason,
                "maturity_day": policy.cohorts.maturity_days[-1],
                "ad_coverage": ad_coverage,
                "money_coverage": money_coverage,
                "recent_leads": recent_leads,
                "busy_leads": busy_leads,
                "last_spent_on": last_spent_on,
                "daily_spend": _money(daily, policy),
                "safe_daily_spend": None if factor is None else _money(daily * factor, policy),
                "currency": policy.reporting_currency,
                "policy_version": policy.version,
            }
        )
    context.warehouse.load(_TARGET, pa.Table.from_pylist(rows, schema=_SCHEMA))
    actions = [row["action"] for row in rows]
    return TableMetadata({action: actions.count(action) for action in (SCALE, HOLD, STOP, NOT_ENOUGH, NOT_RUNNING)})


BUDGET = PythonTable(
    OutputTable(
        "budget_actions",
        "decisions",
        "campaign that ever spent",
        "marketing",
        ("campaign_id",),
        description=(
            "Scale, hold or stop, campaign by campaign, from what its spend collected at the longest maturity as a range, with the reason in "
            "one sentence. Made in Python: intervals over weeks and the collection curve are no sums."
        ),
        required=(
            "campaign_id",
            "action",
            "reason",
            "maturity_day",
            "last_spent_on",
            "daily_spend",
            "currency",
            "policy_version",
        ),
        words={"action": ("scale", "hold", "stop", "not_enough_yet", "not_running")},
        at_least_zero=("spend_value", "daily_spend", "safe_daily_spend", "recent_leads", "busy_leads"),
        shares=("ad_coverage", "money_coverage"),
        published=True,
        old_names={
            "expected_roas": "young_roas",
            "expected_roas_low": "young_roas_low",
            "expected_roas_high": "young_roas_high",
        },
        page="docs/definitions/budget.md",
        columns={
            "campaign_id": Meaning("Meta campaign"),
            "action": Meaning("What to do with the budget"),
            "reason": Meaning("Why"),
            "collected_roas_exact": Meaning("Collected money per spend, through exact IDs only", "ratio"),
            "roas_low": Meaning(
                "Lower end of the range of collected ROAS: exact links only, with its 95 % interval over weeks", "ratio"
            ),
            "roas_high": Meaning(
                "Upper end of the range of collected ROAS: all methods, with its 95 % interval over weeks", "ratio"
            ),
            "young_spend_value": Meaning("Spend of the weeks that are not mature yet", "reporting currency"),
            "young_collected_value": Meaning(
                "Money collected of those weeks at the age they have", "reporting currency"
            ),
            "cash_share": Meaning(
                "Share of the final money of those weeks that is in by now, by the campaign's own curve", "share"
            ),
            "cash_share_low": Meaning("Lower end of the 95 % interval of that share", "share"),
            "cash_share_high": Meaning("Upper end of the 95 % interval of that share", "share"),
            "expected_roas": Meaning("Collected ROAS of those weeks as expected at the longest maturity", "ratio"),
            "expected_roas_low": Meaning("Lower end of its range", "ratio"),
            "expected_roas_high": Meaning("Upper end of its range", "ratio"),
            "ad_coverage": Meaning("Share of the company's records from Meta that are linked to an ad", "share"),
            "money_coverage": Meaning(
                "Share of the company's settled money that is linked to an order or a CRM record", "share"
            ),
            "safe_daily_spend": Meaning(
                "Spend a day that the rule allows from here; empty where nothing is decided", "reporting currency"
            ),
        },
    ),
    _READS,
    decide_campaigns,
)


def _coverage(context: RunContext) -> tuple[float | None, float | None]:
    """Share of Meta's records that are linked to an ad, and share of the settled money that is linked."""
    ads, money = context.warehouse.rows(
        """
        select cast(sum(case when link = 'record_ad' and match_method <> 'unmatched' then records end) as double)
                 / nullif(sum(case when link = 'record_ad' then records end), 0),
               cast(sum(case when link like '%payment' and match_method <> 'unmatched' then value end) as double)
                 / nullif(cast(sum(case when link like '%payment' then value end) as double), 0)
        from governance.match_coverage
        """
    )[0]
    return ads, money


def _economics(weeks: pd.DataFrame, per_sale: float, policy: Policy) -> dict[str, Any]:
    """Mature and young figures of one campaign, as columns of the table; `figures` holds the inputs of the rule.

    Args:
        per_sale: collected money per paid record over all campaigns, used as the size of a sale for a campaign without sales.
    """
    last_age = policy.cohorts.maturity_days[-1]
    complete = weeks[weeks["is_complete"]]
    at_end = complete[complete["age_days"] == last_age]
    assessed = at_end.tail(policy.budget.recent_days // 7)
    columns: dict[str, Any] = {}
    mature = None
    if len(assessed):
        spend, own, exact = (
            assessed[name].to_numpy(float) for name in ("spend_value", "collected_value", "collected_exact_value")
        )
        columns |= {
            "window_start": assessed["week_start"].iloc[0],
            "window_end": assessed["week_start"].iloc[-1] + pd.Timedelta(days=6),
            "spend_value": _money(spend.sum(), policy),
            "collected_value": _money(own.sum(), policy),
            "collected_exact_value": _money(exact.sum(), policy),
        }
        of_all, of_exact = ratio(own, spend), ratio(exact, spend)
        if of_all and of_exact:
            sales = int(assessed["paid_records"].sum())
            fewest, most = poisson_interval(sales)
            one = of_all.value / sales if sales else per_sale / float(spend.sum())
            exact_share = of_exact.value / of_all.value if of_all.value else 1.0
            low = max(min(of_all.low, of_exact.low, one * fewest * exact_share), min(of_exact.value, 0))
            high = max(of_all.high, of_exact.high, one * most)
            mature = Ratio(of_all.value, low, high)
            columns |= {
                "collected_roas": of_all.value,
                "collected_roas_exact": of_exact.value,
                "roas_low": low,
                "roas_high": high,
            }
    young = _expected_ratio(weeks, complete, at_end, columns, policy)
    columns["figures"] = {
        "mature": AtAge("Mature spend", last_age, mature) if mature else None,
        "young": AtAge("Newer spend", last_age, young) if young else None,
        "weeks": len(assessed),
    }
    return columns


def _expected_ratio(
    weeks: pd.DataFrame, complete: pd.DataFrame, at_end: pd.DataFrame, columns: dict[str, Any], policy: Policy
) -> Ratio | None:
    """Expected ROAS of the spend that is not mature yet, by the campaign's own curve; its figures are added to `columns`."""
    last_age = policy.cohorts.maturity_days[-1]
    newer = complete[~complete["week_start"].isin(at_end["week_start"])]
    newer = newer.sort_values("age_days").drop_duplicates("week_start", keep="last").sort_values("week_start")
    if newer.empty:
        return None
    spend, own, exact = (
        newer[name].to_numpy(float) for name in ("spend_value", "collected_value", "collected_exact_value")
    )
    columns |= {"young_spend_value": _money(spend.sum(), policy), "young_collected_value": _money(own.sum(), policy)}
    if at_end["paid_records"].sum() < policy.budget.fewest_paid_records:
        return None
    known = weeks[weeks["week_start"].isin(at_end["week_start"])]
    by_age = {int(str(age)): rows["collected_value"].to_numpy(float) for age, rows in known.groupby("age_days")}
    curve = collection_curve(by_age, last_age)
    expected = project_roas(spend, own, exact, newer["age_days"].tolist(), curve) if curve else None
    if expected is None:
        return None
    roas, share = expected
    columns |= {
        "cash_share": share.value,
        "cash_share_low": share.low,
        "cash_share_high": share.high,
        "expected_roas": roas.value,
        "expected_roas_low": roas.low,
        "expected_roas_high": roas.high,
    }
    return roas


def _money(value: float | np.floating[Any], policy: Policy) -> Decimal:
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-policy.minor_digits), ROUND_HALF_EVEN)
