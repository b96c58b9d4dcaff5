"""Totals: tables hold exactly what arrived, by rows and by amounts in their own currency."""

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pap

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of
from reconciliation_assets.checks.summaries import failing_rows

_NO_DIFFERENCE = pap.DataFrameSchema({"difference_millionths": pap.Column("int64", pap.Check.eq(0))})

_TOTALS = {
    "rows": "Rows of every input table: in = current + superseded + quarantined + set aside.",
    "spend": "Meta's spend, results and attributed value equal the source's.",
    "orders": "Placed order value equals the source's.",
    "money": "Payments equal the source's.",
}


def total_checks() -> list[TableCheck]:
    """One check per family of totals on `source_totals`, and one by account and day on `platform_performance`."""
    families = [
        TableCheck(f"{family}_as_in_source", "source_totals", description, True, _family(family))
        for family, description in _TOTALS.items()
    ]
    daily = TableCheck(
        "totals_tie_by_account_and_day",
        "platform_performance",
        "Spend, results and attributed value per account and day equal the source's.",
        True,
        _by_account_and_day,
    )
    return [*families, daily]


def _family(family: str) -> Callable[[RunContext], CheckResult]:
    def ask(context: RunContext) -> CheckResult:
        summary = _in_millionths(
            context.warehouse.arrow(
                """
                select source_table || ' ' || measure as total,
                       cast(difference * 1000000 as bigint) as difference_millionths
                from governance.source_totals
                where case
                        when measure = 'rows' then 'rows'
                        when source_table = 'meta_insights' then 'spend'
                        when source_table = 'orders' then 'orders'
                        else 'money'
                      end = $family
                order by 1
                """,
                {"family": family},
            ).to_pandas()
        )
        return _result(summary, "source_totals")

    return ask


def _by_account_and_day(context: RunContext) -> CheckResult:
    summary = _in_millionths(
        context.warehouse.arrow(
            """
            with source as (
              select account_id, date, sum(spend) + sum(results) + sum(attributed_value) as total
              from current.meta_insights group by 1, 2
            ),
            view as (
              select account_id, date, sum(spend) + sum(results) + sum(attributed_value) as total
              from views.platform_performance group by 1, 2
            )
            select coalesce(s.account_id, v.account_id) || ' ' || cast(coalesce(s.date, v.date) as varchar) as total,
                   cast((coalesce(s.total, 0) - coalesce(v.total, 0)) * 1000000 as bigint) as difference_millionths
            from source s full join view v on v.account_id = s.account_id and v.date = s.date
            order by 1
            """
        ).to_pandas()
    )
    return _result(summary, "platform_performance")


def _in_millionths(summary: pd.DataFrame) -> pd.DataFrame:
    return summary.astype({"difference_millionths": "int64"})


def _result(summary: pd.DataFrame, table: str) -> CheckResult:
    wrong = failing_rows(summary, _NO_DIFFERENCE)
    if wrong.empty:
        return CheckResult(True, f"{len(summary):,} totals tie to the source.", figures={"totals": len(summary)})
    named = [
        f"{total} ({gap / 1e6:+,.2f})"
        for total, gap in zip(wrong["total"], wrong["difference_millionths"], strict=True)
    ]
    return CheckResult(
        False,
        f"{table} does not tie to the source: {some_of(named)}. A row was lost or counted twice between raw and here; the "
        "published copy stays as it was. Report it with this message.",
    )
