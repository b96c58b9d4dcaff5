"""Coverage: match rates by records and by value, against the company's floors and against their own recent past."""

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pap

from reconciliation_assets.chain.check import Answer, Ground, TableCheck
from reconciliation_assets.checks.summaries import failing_rows
from reconciliation_assets.policy.model import LINKS, Floors, Link

RECENT_DAYS, PAST_DAYS = 7, 28


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
            "match_coverage",
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
        recent, recent_matched, past, past_matched = ground.warehouse.rows(
            """
            with aged as (
              select match_method is not null as is_matched, date_diff('day', created_at, $as_of) as age_days
              from governance.expected_matches where link = $link
            )
            select count(*) filter (age_days between 0 and $recent - 1),
                   count(*) filter (is_matched and age_days between 0 and $recent - 1),
                   count(*) filter (age_days between $recent and $recent + $past - 1),
                   count(*) filter (is_matched and age_days between $recent and $recent + $past - 1)
            from aged
            """,
            {"link": link, "as_of": ground.as_of, "recent": RECENT_DAYS, "past": PAST_DAYS},
        )[0]
        enough = ground.policy.thresholds.match_rate_fall_records
        if min(recent, past) < enough:
            return Answer(True, f"Too few records to judge: {recent} in the last {RECENT_DAYS} days, {past} before.")
        now, before = recent_matched / recent, past_matched / past
        figures: dict[str, float | int | str] = {"last week": round(now, 4), "four weeks before": round(before, 4)}
        summary = pd.DataFrame({"fall": [before - now]})
        allowed = pap.DataFrameSchema(
            {"fall": pap.Column(float, pap.Check.le(ground.policy.thresholds.match_rate_fall))}
        )
        if failing_rows(summary, allowed).empty:
            return Answer(True, f"{now:.1%} in the last week, {before:.1%} in the four weeks before.", figures=figures)
        return Answer(
            False,
            f"match_coverage: {link} fell from {before:.1%} to {now:.1%} within a week ({recent - recent_matched} of {recent} "
            f"unmatched). Look at unmatched_records where link = '{link}', newest first: a form, tag or integration "
            "probably stopped sending its IDs.",
            "WARN",
            figures,
        )

    return ask
