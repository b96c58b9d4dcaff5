"""Conservation: all settled money of the source is linked to records or unmatched, per currency, exactly."""

import pandera.pandas as pap

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of
from reconciliation_assets.checks.summaries import failing_rows

_CONSERVED = pap.DataFrameSchema({"gap_millionths": pap.Column("int64", pap.Check.eq(0))})


def conservation_checks() -> list[TableCheck]:
    """Checks of settled money and of the chain's collected value."""
    return [
        TableCheck(
            "money_conserved",
            "payment_money",
            "Per currency: settled money in the source = money linked to records + unmatched money.",
            True,
            _by_currency,
        ),
        TableCheck(
            "collected_conserved",
            "matched_chain",
            "The chain's collected value is exactly the money linked to records.",
            True,
            _in_the_chain,
        ),
    ]


def _by_currency(context: RunContext) -> CheckResult:
    summary = context.warehouse.arrow(
        """
        with source as (
          select currency, sum(signed_amount) as amount from canonical.payments where is_money group by currency
        ),
        told as (
          select currency,
                 sum(case when record_id is not null then signed_amount else 0 end) as linked,
                 sum(case when record_id is null then signed_amount else 0 end) as unmatched
          from outcomes.payment_money group by currency
        )
        select coalesce(s.currency, t.currency) as currency,
               cast((coalesce(s.amount, 0) - coalesce(t.linked, 0) - coalesce(t.unmatched, 0)) * 1000000 as bigint)
                 as gap_millionths
        from source s full join told t on t.currency = s.currency
        order by 1
        """
    ).to_pandas()
    lost = failing_rows(summary.astype({"gap_millionths": "int64"}), _CONSERVED)
    if lost.empty:
        return CheckResult(
            True, f"Settled money of {len(summary)} currencies is linked or unmatched, to the last unit."
        )
    named = [
        f"{currency} {gap / 1e6:+,.3f}" for currency, gap in zip(lost["currency"], lost["gap_millionths"], strict=True)
    ]
    return CheckResult(
        False,
        f"payment_money differs from the settled money of the source: {some_of(named)}. "
        "This is a fault of the product, not of the data: report it.",
    )


def _in_the_chain(context: RunContext) -> CheckResult:
    chain, linked = context.warehouse.rows(
        """
        select (select coalesce(sum(collected_value), 0) from outcomes.matched_chain),
               (select coalesce(sum(collected_value), 0) from outcomes.payment_money where record_id is not null)
        """
    )[0]
    figures: dict[str, float | int | str] = {"collected": f"{chain:,.2f}", "linked": f"{linked:,.2f}"}
    if chain == linked:
        return CheckResult(
            True,
            f"{chain:,.2f} {context.policy.reporting_currency} collected, all of it linked money.",
            figures=figures,
        )
    return CheckResult(
        False,
        f"matched_chain holds {chain:,.3f} collected but {linked:,.3f} is linked in payment_money. "
        "This is a fault of the product, not of the data: report it.",
        figures=figures,
    )
