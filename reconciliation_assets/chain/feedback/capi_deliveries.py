"""The log of events sent to Meta: one row per event, written before it is sent and updated when Meta answers.

The log is kept across runs and written only by the sending command (`commands/feedback.py`). A run only creates the table.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.contracts.vocabulary import VOCABULARIES
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


def keep_deliveries(context: LedgerContext) -> TableMetadata:
    """Create the log if it does not exist; an existing log is not changed."""
    context.warehouse.execute(_PREPARE)
    taken, refused = context.warehouse.rows(
        f"select count(*) filter (answer = 'taken'), count(*) filter (answer = 'refused') from {DELIVERIES}"
    )[0]
    return TableMetadata({"taken": int(taken), "refused": int(refused)})


CAPI_DELIVERIES = PythonTable(
    OutputTable(
        "capi_deliveries",
        "feedback",
        "event ever sent to Meta",
        "marketing",
        ("event_id",),
        description=(
            "What Meta was told: every event ever sent, what it said and what Meta answered; kept from run to run, so that nothing "
            "is told twice."
        ),
        required=(
            "event_id",
            "record_id",
            "outcome",
            "event_name",
            "event_time",
            "identifiers",
            "attempted_at",
            "attempts",
            "answer",
            "is_test",
        ),
        words={
            "outcome": VOCABULARIES["outcomes_told"],
            "answer": ("none", "taken", "refused"),
        },
        published=True,
        columns={
            "outcome": Meaning("The rung told of"),
            "value": Meaning("Value that Meta was told", "reporting currency"),
            "attempted_at": Meaning("When it was last sent"),
            "attempts": Meaning("How often it was sent", "count"),
            "answer": Meaning("What Meta answered; none while it has not"),
            "answer_code": Meaning("Meta's error and suberror"),
            "is_test": Meaning("Whether it was sent under a test code"),
        },
    ),
    (),
    keep_deliveries,
)
