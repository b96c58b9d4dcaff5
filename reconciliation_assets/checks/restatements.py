"""Restatements by Meta: the latest figures of `meta_restatements` equal the figures that every other table uses."""

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of


def restatement_checks() -> list[TableCheck]:
    """Check of Meta's figures over time."""
    return [
        TableCheck(
            "believed_now",
            "meta_restatements",
            "What is believed now of every account, campaign and day is what the chain counts with, exactly.",
            True,
            _believed_now,
        )
    ]


def _believed_now(context: RunContext) -> CheckResult:
    gaps = context.warehouse.rows(
        """
        with both_sides as (
          select account_id, campaign_id, date, spend_value, results, attributed_value_reporting
          from canonical.meta_insights
          union all
          select account_id, campaign_id, period_start, -spend_value, -results, -attributed_value_reporting
          from governance.meta_restatements where period_kind = 'day'
        )
        select account_id || ' ' || campaign_id || ' ' || cast(date as varchar) from both_sides
        group by account_id, campaign_id, date
        having sum(spend_value) <> 0 or sum(results) <> 0 or sum(attributed_value_reporting) <> 0
        order by 1
        """
    )
    if not gaps:
        return CheckResult(True, "All beliefs of now tie to the figures in use.")
    return CheckResult(
        False,
        f"meta_restatements differs from meta_insights on {len(gaps):,} campaign days: {some_of([name for (name,) in gaps])}. "
        "This is a fault of the product, not of the data: report it.",
    )
