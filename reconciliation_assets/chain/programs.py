"""Every table of the chain that is made in Python."""

from reconciliation_assets.chain.governance.coverage_history import COVERAGE_HISTORY
from reconciliation_assets.chain.governance.exception_history import EXCEPTION_HISTORY
from reconciliation_assets.chain.matching.repeats import REPEATS
from reconciliation_assets.chain.program import Program

PROGRAMS: tuple[Program, ...] = (REPEATS, COVERAGE_HISTORY, EXCEPTION_HISTORY)
