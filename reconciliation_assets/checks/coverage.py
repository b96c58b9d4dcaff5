"""Coverage: match rates by records and by value, against the company's floors. Falls are in `coverage_falls.py`."""

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pap

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.summaries import failing_rows
from reconciliation_assets.policy.model import LINKS, Floors, Link


def coverage_checks() -> list[TableCheck]:
    """One check per link: match rates are not below the policy's floors."""
    return [
        TableCheck(
            f"{link}_above_floor",
            "match_coverage",
            f"Match rates of {link} by records and by value are not below the policy's floors, where it sets any.",
            True,
            _floor(link),
        )
        for link in LINKS
    ]


def _floor(link: Link) -> Callable[[RunContext], CheckResult]:
    def ask(context: RunContext) -> CheckResult:
        floors = context.policy.thresholds.match_rate_floors.get(link, Floors())
        summary = context.warehouse.arrow(
            """
            select 1 - record_rate as records, 1 - value_rate as value, records as unmatched, is_applicable
            from governance.match_coverage where link = $link and match_method = 'unmatched'
            """,
            {"link": link},
        ).to_pandas()
        if not bool(summary["is_applicable"].iloc[0]):
            return CheckResult(True, "Not applicable: nothing is expected to match.", figures={"applicable": "no"})
        rates = {name: float(summary[name].iloc[0]) for name in ("records", "value") if pd.notna(summary[name].iloc[0])}
        shown = ", ".join(f"{rate:.1%} by {name}" for name, rate in rates.items())
        figures: dict[str, float | int | str] = {
            f"match rate by {name}": round(rate, 4) for name, rate in rates.items()
        }
        below = failing_rows(summary[list(rates)].astype(float), _at_least(floors, list(rates)))
        if below.empty:
            return CheckResult(True, f"Matched: {shown}.", figures=figures)
        required = " and ".join(
            f"{floor:.1%} by {name}"
            for name, floor in (("records", floors.records), ("value", floors.value))
            if floor is not None
        )
        return CheckResult(
            False,
            f"match_coverage: {link} matched {shown}, below the policy's floor of {required}. Look at unmatched_records where "
            f"link = '{link}': the reason column says what is missing. The published copy stays as it was.",
            figures=figures,
        )

    return ask


def _at_least(floors: Floors, present: list[str]) -> pap.DataFrameSchema:
    required = {"records": floors.records, "value": floors.value}
    return pap.DataFrameSchema(
        {
            name: pap.Column(float, pap.Check.ge(floor) if (floor := required[name]) is not None else None)
            for name in present
        }
    )
