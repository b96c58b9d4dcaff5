"""The history of exceptions: first and last seen, closed when the exception is gone, reopened when it comes back."""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.warehouse.query import TableName

_PREPARE = """
create table if not exists governance.exception_history (
  exception_id VARCHAR primary key,
  kind VARCHAR not null,
  source_table VARCHAR not null,
  source_id VARCHAR not null,
  owner VARCHAR not null,
  value DECIMAL(18, 3) not null,
  currency VARCHAR not null,
  first_seen_on DATE not null,
  last_seen_on DATE not null,
  closed_on DATE,
  reopened INTEGER not null
);
"""

_CLOSE = """
update governance.exception_history set closed_on = $day
where closed_on is null and exception_id not in (select exception_id from governance.exceptions)
"""

_SEE_AGAIN = """
update governance.exception_history h
set last_seen_on = $day, closed_on = null, owner = e.owner, value = e.value, currency = e.currency,
  reopened = h.reopened + case when h.closed_on is null then 0 else 1 end
from governance.exceptions e
where e.exception_id = h.exception_id
"""

_OPEN = """
insert into governance.exception_history
select exception_id, kind, source_table, source_id, owner, value, currency, $day, $day, null, 0
from governance.exceptions
where exception_id not in (select exception_id from governance.exception_history)
"""


def record_exceptions(context: LedgerContext) -> TableMetadata:
    """Update the history with the current exceptions, in one transaction.

    Running it again with the same exceptions and day changes nothing. A run for a day before the last recorded day does not
    change the history, because it must not undo later observations.
    """
    warehouse = context.warehouse
    day = context.as_of.astimezone(context.loaded_policy.policy.timezone).date()
    with warehouse.transaction():
        warehouse.execute(_PREPARE)
        last = warehouse.rows(
            "select max(greatest(last_seen_on, coalesce(closed_on, last_seen_on))) from governance.exception_history"
        )[0][0]
        if last is None or day >= last:
            for statement in (_CLOSE, _SEE_AGAIN, _OPEN):
                warehouse.execute(statement, {"day": day})
    still_open = warehouse.rows("select count(*) from governance.exception_history where closed_on is null")[0][0]
    return TableMetadata({"open": int(still_open)})


EXCEPTION_HISTORY = PythonTable(
    OutputTable(
        "exception_history",
        "governance",
        "exception ever seen",
        "data",
        ("exception_id",),
        description=(
            "When each exception was first and last seen, closed when its cause was gone and reopened when it came back; kept from "
            "run to run."
        ),
        required=(
            "exception_id",
            "kind",
            "source_table",
            "source_id",
            "owner",
            "value",
            "currency",
            "first_seen_on",
            "last_seen_on",
            "reopened",
        ),
        published=True,
        page="docs/definitions/exceptions.md#history",
        columns={
            "kind": Meaning("Kind of exception"),
            "value": Meaning("Value at stake when it was last found", "reporting currency"),
            "first_seen_on": Meaning("Day the exception was first found"),
            "last_seen_on": Meaning("Day the exception was last found"),
            "closed_on": Meaning("Day the cause was first found gone; empty while it is open"),
            "reopened": Meaning("How often the cause came back after it was gone", "count"),
        },
    ),
    (TableName("governance", "exceptions"),),
    record_exceptions,
)
