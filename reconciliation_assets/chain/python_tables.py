"""Every table of the chain that is made in Python."""

from reconciliation_assets.chain.decisions.anomalies import ANOMALIES
from reconciliation_assets.chain.decisions.budget import BUDGET
from reconciliation_assets.chain.decisions.diagnosis import DIAGNOSIS
from reconciliation_assets.chain.feedback.capi_deliveries import CAPI_DELIVERIES
from reconciliation_assets.chain.governance.coverage_history import COVERAGE_HISTORY
from reconciliation_assets.chain.governance.exception_history import EXCEPTION_HISTORY
from reconciliation_assets.chain.governance.field_fill import FIELD_FILL
from reconciliation_assets.chain.governance.lock_register import LOCK_REGISTER
from reconciliation_assets.chain.governance.locked_bridge import LOCKED_BRIDGE
from reconciliation_assets.chain.matching.backtest import BACKTEST
from reconciliation_assets.chain.matching.calibration import CALIBRATION
from reconciliation_assets.chain.matching.duplicates import DUPLICATES
from reconciliation_assets.chain.matching.inference.infer import INFERENCES
from reconciliation_assets.chain.matching.inference.payments import ASSIGNMENT
from reconciliation_assets.chain.python_table import PythonTable

PYTHON_TABLES: tuple[PythonTable, ...] = (
    DUPLICATES,
    BACKTEST,
    CALIBRATION,
    *INFERENCES,
    ASSIGNMENT,
    CAPI_DELIVERIES,
    COVERAGE_HISTORY,
    EXCEPTION_HISTORY,
    FIELD_FILL,
    DIAGNOSIS,
    BUDGET,
    ANOMALIES,
    LOCK_REGISTER,
    LOCKED_BRIDGE,
)
