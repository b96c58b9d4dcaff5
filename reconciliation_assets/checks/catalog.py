"""All checks, by the table they belong to."""

from collections import defaultdict

from reconciliation_assets.chain.check import TableCheck
from reconciliation_assets.checks.backtest import backtest_checks
from reconciliation_assets.checks.closure import closure_checks
from reconciliation_assets.checks.conservation import conservation_checks
from reconciliation_assets.checks.contracts import contract_checks
from reconciliation_assets.checks.coverage import coverage_checks
from reconciliation_assets.checks.coverage_falls import fall_checks
from reconciliation_assets.checks.duplicates import duplicate_checks
from reconciliation_assets.checks.inputs import input_checks
from reconciliation_assets.checks.locks import lock_checks
from reconciliation_assets.checks.restatements import restatement_checks
from reconciliation_assets.checks.segments import segment_checks
from reconciliation_assets.checks.totals import total_checks
from reconciliation_assets.checks.validation import validation_checks


def checks_by_table() -> dict[str, list[TableCheck]]:
    """Every check by the name of its asset."""
    by_table: dict[str, list[TableCheck]] = defaultdict(list)
    for check in (
        *contract_checks(),
        *input_checks(),
        *duplicate_checks(),
        *backtest_checks(),
        *validation_checks(),
        *total_checks(),
        *closure_checks(),
        *conservation_checks(),
        *coverage_checks(),
        *fall_checks(),
        *segment_checks(),
        *restatement_checks(),
        *lock_checks(),
    ):
        by_table[check.table].append(check)
    return dict(by_table)


def blocking_checks() -> list[tuple[str, str]]:
    """Table and name of every check that stops a run, except the policy's own check, which the graph adds."""
    return [(check.table, check.name) for checks in checks_by_table().values() for check in checks if check.blocking]
