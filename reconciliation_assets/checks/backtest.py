"""The backtest's verdict: methods that may no longer carry money are named."""

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of


def backtest_checks() -> list[TableCheck]:
    """Checks of what the methods may do."""
    return [
        TableCheck(
            "methods_hold",
            "match_standing",
            "Every method that was tried by the backtest is as precise as the policy asks.",
            False,
            _methods_hold,
        )
    ]


def _methods_hold(context: RunContext) -> CheckResult:
    tried = context.warehouse.rows(
        """
        select link || ', ' || match_method, precision, judged, precision_floor, may_carry_money
        from matching.match_standing where judged > 0 order by 1
        """
    )
    figures: dict[str, float | int | str] = {name: round(precision, 4) for name, precision, *_ in tried}
    barred = [
        f"{name} ({precision:.1%} of {judged:,} links were right, the policy asks for {floor:.0%})"
        for name, precision, judged, floor, may_carry in tried
        if not may_carry
    ]
    if not barred:
        return CheckResult(True, f"{len(tried)} methods were tried; none is below its floor.", figures=figures)
    return CheckResult(
        False,
        f"These methods failed the backtest and carry no money in this run: {some_of(barred)}. Their links are in "
        "match_reviews and in the exceptions, for a person to accept or reject.",
        "WARN",
        figures,
    )
