"""Coverage: match rates by records and by value, against the company's floors and against their own recent past."""

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pap
from scipy.stats import fisher_exact

from reconciliation_assets.chain.check import Answer, Ground, TableCheck
from reconciliation_assets.checks.summaries import failing_rows
from reconciliation_assets.policy.model import LINKS, Floors, Link

RECENT_DAYS, PAST_DAYS = 7, 28

# Five links judged every morning: at this level a fall by accident is told less than once in half a year.
_BY_ACCIDENT = 0.001
# A segment counts as a culprit from this part of the largest share on.
_NEARLY_ALL = 0.9


def coverage_checks() -> list[TableCheck]:
    """Per link: the rate against its floor, and the last week against the four weeks before it."""
    floors = [
        TableCheck(
            f"floor_{link}",
            "match_coverage",
            f"Match rates of {link} by records and by value are not below the policy's floors, where it sets any.",
            True,
            _floor(link),
        )
        for link in LINKS
    ]
    falls = [
        TableCheck(
            f"fall_{link}",
            "coverage_daily",
            f"The match rate of {link} in the last {RECENT_DAYS} days has not fallen against the {PAST_DAYS} days before.",
            False,
            _fall(link),
        )
        for link in LINKS
    ]
    return [*floors, *falls]


def _floor(link: Link) -> Callable[[Ground], Answer]:
    def ask(ground: Ground) -> Answer:
        floors = ground.policy.thresholds.match_rate_floors.get(link, Floors())
        summary = ground.warehouse.arrow(
            """
            select 1 - record_rate as records, 1 - value_rate as value, records as unmatched, is_applicable
            from governance.match_coverage where link = $link and match_method = 'unmatched'
            """,
            {"link": link},
        ).to_pandas()
        if not bool(summary["is_applicable"].iloc[0]):
            return Answer(True, "Not applicable: nothing is expected to match.", figures={"applicable": "no"})
        rates = {name: float(summary[name].iloc[0]) for name in ("records", "value") if pd.notna(summary[name].iloc[0])}
        shown = ", ".join(f"{rate:.1%} by {name}" for name, rate in rates.items())
        figures: dict[str, float | int | str] = {
            f"match rate by {name}": round(rate, 4) for name, rate in rates.items()
        }
        below = failing_rows(summary[list(rates)].astype(float), _at_least(floors, list(rates)))
        if below.empty:
            return Answer(True, f"Matched: {shown}.", figures=figures)
        wanted = " and ".join(
            f"{floor:.1%} by {name}"
            for name, floor in (("records", floors.records), ("value", floors.value))
            if floor is not None
        )
        return Answer(
            False,
            f"match_coverage: {link} matched {shown}, below the policy's floor of {wanted}. Look at unmatched_records where "
            f"link = '{link}': the reason column says what is missing. The published copy stays as it was.",
            figures=figures,
        )

    return ask


def _at_least(floors: Floors, present: list[str]) -> pap.DataFrameSchema:
    wanted = {"records": floors.records, "value": floors.value}
    return pap.DataFrameSchema(
        {
            name: pap.Column(float, pap.Check.ge(floor) if (floor := wanted[name]) is not None else None)
            for name in present
        }
    )


def _fall(link: Link) -> Callable[[Ground], Answer]:
    def ask(ground: Ground) -> Answer:
        today = ground.as_of.astimezone(ground.policy.timezone).date()
        segments = ground.warehouse.arrow(
            """
            with aged as (
              select segment_kind, segment, match_method = 'unmatched' as is_unmatched, records, cast(value as double) as value,
                     date_diff('day', day, $today) as age_days
              from governance.coverage_daily where link = $link
            )
            select segment_kind, segment,
                   coalesce(sum(records) filter (age_days < $recent), 0) as recent,
                   coalesce(sum(records) filter (age_days < $recent and is_unmatched), 0) as recent_unmatched,
                   coalesce(sum(value) filter (age_days < $recent and is_unmatched), 0) as value_unmatched,
                   coalesce(sum(records) filter (age_days >= $recent), 0) as past,
                   coalesce(sum(records) filter (age_days >= $recent and is_unmatched), 0) as past_unmatched
            from aged where age_days between 0 and $recent + $past - 1
            group by 1, 2 order by 1, 2
            """,
            {"link": link, "today": today, "recent": RECENT_DAYS, "past": PAST_DAYS},
        ).to_pandas()
        counts = ["recent", "recent_unmatched", "past", "past_unmatched"]
        segments[counts] = segments[counts].astype(int)
        recent, missed, past, missed_before = (
            int(number) for number in segments.loc[segments["segment_kind"] == "all", counts].sum()
        )
        enough = ground.policy.thresholds.match_rate_fall_records
        if min(recent, past) < enough:
            return Answer(True, f"Too few records to judge: {recent} in the last {RECENT_DAYS} days, {past} before.")
        now, before = 1 - missed / recent, 1 - missed_before / past
        chance = fall_by_chance(recent, missed, past, missed_before)
        figures: dict[str, float | int | str] = {
            "last week": round(now, 4),
            "four weeks before": round(before, 4),
            "chance of so large a fall by accident": round(chance, 6),
        }
        if before - now <= ground.policy.thresholds.match_rate_fall or chance > _BY_ACCIDENT:
            return Answer(True, f"{now:.1%} in the last week, {before:.1%} in the four weeks before.", figures=figures)
        kind, segment, share, value = culprit(segments)
        named = f"{kind.replace('_', ' ')} {segment}"
        figures |= {"segment": named, "share of the fall": round(share, 2), "unmatched value": round(value, 2)}
        return Answer(
            False,
            f"match_coverage: {link} fell from {before:.1%} to {now:.1%} within a week ({missed} of {recent} unmatched). "
            f"{share:.0%} of the fall is {named}, with {value:,.2f} {ground.policy.reporting_currency} unmatched. Look at "
            f"unmatched_records where link = '{link}', newest first: a form, tag or integration probably stopped sending "
            "its IDs.",
            "WARN",
            figures,
        )

    return ask


def fall_by_chance(recent: int, missed: int, past: int, missed_before: int) -> float:
    """How likely a share of missed as large as the recent one is, if nothing had changed (Fisher's exact test, one-sided)."""
    table = [[missed, recent - missed], [missed_before, past - missed_before]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def culprit(segments: pd.DataFrame) -> tuple[str, str, float, float]:
    """The segment that explains a fall best: of those with nearly the largest share in it, the smallest.

    A market or a source that holds the broken form has the whole fall too; the form says more.

    Args:
        segments: by `segment_kind` and `segment`: records and unmatched of the recent and the past span; `all` among them.

    Returns:
        Its kind, its name, its share of the fall and its unmatched value.
    """
    whole = segments[segments["segment_kind"] == "all"].sum(numeric_only=True)
    usual = whole["past_unmatched"] / whole["past"]
    own = (segments["past_unmatched"] / segments["past"].where(segments["past"] > 0)).fillna(usual)
    excess = segments["recent_unmatched"] - segments["recent"] * own
    fall = whole["recent_unmatched"] - whole["recent"] * usual
    judged = segments.assign(share=(excess / fall).clip(0, 1))[segments["segment_kind"] != "all"]
    near = judged[judged["share"] >= _NEARLY_ALL * judged["share"].max()]
    best = near.sort_values(["recent", "segment_kind", "segment"]).iloc[0]
    return str(best["segment_kind"]), str(best["segment"]), float(best["share"]), float(best["value_unmatched"])
