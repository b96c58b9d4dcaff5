"""The reviewers' verdicts: names the match methods that may no longer link money."""

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of


def validation_checks() -> list[TableCheck]:
    """Check that reviewed match methods meet the policy's precision floors."""
    return [
        TableCheck(
            "reviewers_agree",
            "validation_results",
            "Every method with enough verdicts is as precise as the policy asks.",
            False,
            _reviewers_agree,
        )
    ]


def _reviewers_agree(context: RunContext) -> CheckResult:
    found = context.warehouse.rows(
        """
        select link || ', ' || match_method, verdicts, error_rate, error_low, error_high, precision_floor, holds
        from matching.validation_results where period is null and verdicts > 0 order by 1
        """
    )
    figures: dict[str, float | int | str] = {name: round(rate, 4) for name, _, rate, *_ in found}
    failed = [
        f"{name} ({rate:.1%} wrong, {low:.1%} to {high:.1%}, in {verdicts:,} verdicts; the policy bears {1 - floor:.0%})"
        for name, verdicts, rate, low, high, floor, holds in found
        if holds is False
    ]
    if not failed:
        judged = sum(holds is not None for *_, holds in found)
        return CheckResult(True, f"{judged} methods have enough verdicts; none is below its floor.", figures=figures)
    return CheckResult(
        False,
        f"Reviewers found these methods wrong too often, so they carry no money: {some_of(failed)}. Their links are in "
        "match_reviews. Mend what misleads them, then sign in method_sign_offs.csv (link, match_method, signed_by, signed_at, reason).",
        "WARN",
        figures,
    )
