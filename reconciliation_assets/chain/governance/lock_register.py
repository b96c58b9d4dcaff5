"""The register of signatures under closed months: once seen, an entry holds until a later one for its month.

Taking the file out of the inbox releases nothing, nor does rewriting a row: only another signed entry does.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("governance", "lock_register")
_PERIOD_LOCKS = TableName("canonical", "period_locks")


def register_locks(context: RunContext) -> TableMetadata:
    """Enter the signatures that are new; those entered before stay as they were."""
    warehouse = context.warehouse
    warehouse.execute("create schema if not exists governance")
    with warehouse.transaction():
        warehouse.execute(
            f"""
            create table if not exists {_TARGET} (
              period_start DATE not null,
              action VARCHAR not null,
              locked_by VARCHAR not null,
              locked_at TIMESTAMPTZ not null,
              reason VARCHAR not null,
              signed_value DECIMAL(18, 3)
            )
            """
        )
        warehouse.execute(
            f"""
            insert into {_TARGET}
            select p.period_start, p.action, p.locked_by, p.locked_at, p.reason, cast(p.signed_value as decimal(18, 3))
            from {_PERIOD_LOCKS} p
            left join {_TARGET} r on r.period_start = p.period_start and r.locked_at = p.locked_at
            where r.period_start is null
            """
        )
    return TableMetadata({"signatures": warehouse.count(_TARGET)})


LOCK_REGISTER = PythonTable(
    _TARGET,
    (_PERIOD_LOCKS,),
    "Every signature under a closed month that was ever seen, kept from run to run: a lock holds until a later signed entry.",
    register_locks,
)
