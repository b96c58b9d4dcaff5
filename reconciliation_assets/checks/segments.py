"""Segments: every kind of segment contains every captured record once, so its segments add up to the total."""

from collections.abc import Callable

import pandera.pandas as pap

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of
from reconciliation_assets.checks.summaries import failing_rows

_NO_GAP = pap.DataFrameSchema(
    {"record_gap": pap.Column("int64", pap.Check.eq(0)), "gap_thousandths": pap.Column("int64", pap.Check.eq(0))}
)
# By table: the query of the total, and the query of the sums by kind of segment that must equal it.
_WHOLES = {
    "segment_funnel": (
        "select 'all months' as part, count(*) as records, 0.0 as amount from outcomes.matched_chain",
        "select segment_kind, 'all months' as part, sum(captured) as records, 0.0 as amount from views.segment_funnel group by 1",
    ),
    "segment_collected": (
        "select 'all months' as part, count(*) as records, sum(collected_value) as amount from outcomes.matched_chain",
        """
        select segment_kind, 'all months' as part, sum(captured) as records, sum(collected_value) as amount
        from views.segment_collected group by 1
        """,
    ),
    "segment_cohorts": (
        """
        select 'at ' || maturity_day || ' days' as part, count(*) as records, sum(collected_value) as amount
        from views.record_snapshots group by 1
        """,
        """
        select segment_kind, 'at ' || maturity_day || ' days' as part, sum(captured) as records,
               sum(collected_value) as amount
        from views.segment_cohorts group by 1, 2
        """,
    ),
}


def segment_checks() -> list[TableCheck]:
    """One check per segmented table."""
    return [
        TableCheck(
            "adds_up_by_segment",
            table,
            "The segments of every kind add up to the whole, in records and in collected money.",
            True,
            _adds_up(table),
        )
        for table in _WHOLES
    ]


def _adds_up(table: str) -> Callable[[RunContext], CheckResult]:
    whole, parts = _WHOLES[table]

    def ask(context: RunContext) -> CheckResult:
        summary = (
            context.warehouse.arrow(
                f"""
                with whole as ({whole}), parts as ({parts})
                select k.segment_kind || ' ' || w.part as name,
                       cast(coalesce(p.records, 0) - coalesce(w.records, 0) as bigint) as record_gap,
                       cast((coalesce(p.amount, 0) - coalesce(w.amount, 0)) * 1000 as bigint) as gap_thousandths
                from whole w cross join policy.segment_kinds k
                left join parts p on p.segment_kind = k.segment_kind and p.part = w.part
                order by 1
                """
            )
            .to_pandas()
            .astype({"record_gap": "int64", "gap_thousandths": "int64"})
        )
        wrong = failing_rows(summary, _NO_GAP)
        if wrong.empty:
            return CheckResult(
                True, f"All {len(summary)} sums of segments tie to the whole.", figures={"sums": len(summary)}
            )
        named = [
            f"{name} ({records:+,} records, {gap / 1000:+,.3f})"
            for name, records, gap in zip(wrong["name"], wrong["record_gap"], wrong["gap_thousandths"], strict=True)
        ]
        return CheckResult(
            False,
            f"{table} does not add up to the whole: {some_of(named)}. A record stands in two segments of a kind or in none. "
            "This is a fault of the product, not of the data: report it with this message.",
        )

    return ask
