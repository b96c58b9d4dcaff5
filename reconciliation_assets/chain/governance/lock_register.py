"""The register of signatures for closed months: an entry is in force until a later one for the same month.

Removing the file from the inbox or editing a row does not release a month; only another signed entry does.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("governance", "lock_register")
_PERIOD_LOCKS = TableName("canonical", "period_locks")


def register_locks(context: LedgerContext) -> TableMetadata:
    """Add the new signatures; existing entries are never changed."""
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
    OutputTable(
        "lock_register",
        "governance",
        "month and signature ever seen",
        "finance",
        ("period_start", "locked_at"),
        description="Every signature under a closed month that was ever seen, kept from run to run: a lock holds until a later signed entry.",
        group="change_control",
        page="docs/definitions/change-control.md#locked-months",
        columns={
            "period_start": Meaning("First day of the month signed for"),
            "action": Meaning("What the signature does"),
            "reason": Meaning("Why it was signed"),
            "signed_value": Meaning(
                "Collected of the month that the signature is under; the lock takes no other", "reporting currency"
            ),
        },
    ),
    (_PERIOD_LOCKS,),
    register_locks,
)
