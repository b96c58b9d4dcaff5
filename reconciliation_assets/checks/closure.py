"""Closure: every bridge group sums to its collected line, and every record's entries to its shortfall, exactly."""

import pandera.pandas as pap

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import counted, some_of
from reconciliation_assets.checks.summaries import failing_rows

_CLOSED = pap.DataFrameSchema({"gap_thousandths": pap.Column("int64", pap.Check.eq(0))})


def closure_checks() -> list[TableCheck]:
    """Checks of the bridge and of its entries."""
    return [
        TableCheck("closes", "bridge", "Lines 0 to 9 of every group sum to line 10, to the minor unit.", True, _groups),
        TableCheck(
            "adds_up_by_record",
            "bridge_entries",
            "The entries of every record sum to its collected value less its stated value.",
            True,
            _records,
        ),
    ]


def _groups(context: RunContext) -> CheckResult:
    summary = context.warehouse.arrow(
        """
        select strftime(period_start, '%Y-%m') || ' ' || coalesce(campaign_id, 'no campaign') as name,
               cast(sum(case when line = 'collected' then -amount else amount end) * 1000 as bigint) as gap_thousandths
        from bridge.bridge group by 1 order by 1
        """
    ).to_pandas()
    open_groups = failing_rows(summary.astype({"gap_thousandths": "int64"}), _CLOSED)
    if open_groups.empty:
        return CheckResult(True, f"All {len(summary):,} groups close.", figures={"groups": len(summary)})
    named = [
        f"{name} by {gap / 1000:+,.3f}"
        for name, gap in zip(open_groups["name"], open_groups["gap_thousandths"], strict=True)
    ]
    return CheckResult(
        False,
        f"bridge does not close in {len(open_groups):,} of {len(summary):,} groups: {some_of(named)}. "
        "This is a fault of the product, not of the data: report it with these groups.",
    )


def _records(context: RunContext) -> CheckResult:
    summary = context.warehouse.arrow(
        """
        with entries as (select record_id, sum(amount) as amount from bridge.bridge_entries group by record_id)
        select m.record_id as name,
               cast((coalesce(e.amount, 0) - (m.collected_value - m.stated_value)) * 1000 as bigint) as gap_thousandths
        from outcomes.record_outcomes m left join entries e on e.record_id = m.record_id
        where coalesce(e.amount, 0) <> m.collected_value - m.stated_value
        order by 1 limit 1000
        """
    ).to_pandas()
    wrong = failing_rows(summary.astype({"gap_thousandths": "int64"}), _CLOSED)
    if wrong.empty:
        return CheckResult(True, "The entries of every record explain its shortfall exactly.")
    return CheckResult(
        False,
        f"bridge_entries do not explain {counted(len(wrong), 'record')}: {some_of(wrong['name'].tolist())}. "
        "This is a fault of the product, not of the data: report it with these records.",
    )
