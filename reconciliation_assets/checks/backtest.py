"""Result of the backtest: names the match methods that may no longer link money."""

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of


def backtest_checks() -> list[TableCheck]:
    """Check that the backtested match methods meet the policy's precision floors."""
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
    tested = context.warehouse.rows(
        """
        select link || ', ' || match_method, precision, judged, precision_floor, may_carry_money
        from matching.match_standing where judged > 0 order by 1
        """
    )
    figures: dict[str, float | int | str] = {name: round(precision, 4) for name, precision, *_ in tested}
    barred = [
        f"{name} ({precision:.1%} of {links:,} links were right, the policy asks for {floor:.0%})"
        for name, precision, links, floor, may_carry in tested
        if not may_carry
    ]
    if not barred:
        return CheckResult(True, f"{len(tested)} methods were tried; none is below its floor.", figures=figures)
    return CheckResult(
        False,
        f"These methods failed the backtest and carry no money in this run: {some_of(barred)}. Their links are in "
        "match_reviews and in the exceptions, for a person to accept or reject.",
        "WARN",
        figures,
    )
