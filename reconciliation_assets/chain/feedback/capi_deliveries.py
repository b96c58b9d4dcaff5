"""The log of what Meta was told: one row per event ever sent, entered before it is sent and again when Meta answers.

The log is kept from run to run and written by the sending alone (`operations/feedback.py`). A run only makes it ready.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.warehouse.query import TableName

DELIVERIES = TableName("feedback", "capi_deliveries")

_PREPARE = f"""
create schema if not exists feedback;
create table if not exists {DELIVERIES} (
  event_id VARCHAR primary key,
  record_id VARCHAR not null,
  outcome VARCHAR not null,
  event_name VARCHAR not null,
  event_time TIMESTAMPTZ not null,
  value DECIMAL(18, 3),
  currency VARCHAR,
  identifiers VARCHAR not null,
  attempted_at TIMESTAMPTZ not null,
  attempts INTEGER not null,
  answer VARCHAR not null,
  answer_code VARCHAR,
  is_test BOOLEAN not null
);
"""


def keep_deliveries(context: RunContext) -> TableMetadata:
    """Make the log where there is none, and leave it alone where there is one."""
    context.warehouse.execute(_PREPARE)
    taken, refused = context.warehouse.rows(
        f"select count(*) filter (answer = 'taken'), count(*) filter (answer = 'refused') from {DELIVERIES}"
    )[0]
    return TableMetadata({"taken": int(taken), "refused": int(refused)})


CAPI_DELIVERIES = PythonTable(
    DELIVERIES,
    (),
    "What Meta was told: every event ever sent, what it said and what Meta answered; kept from run to run, so that nothing "
    "is told twice.",
    keep_deliveries,
)
