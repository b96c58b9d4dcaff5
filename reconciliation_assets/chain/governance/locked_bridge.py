"""The bridge of locked months, copied when each lock takes effect and kept across runs.

A lock takes effect in the first run that reads it. If the signature names the collected value, the lock takes effect only with
that value: figures that changed between signing and locking were not signed.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.contracts.vocabulary import VOCABULARIES
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("governance", "locked_bridge")
_LOCKS = TableName("governance", "locks_in_force")
_BRIDGE = TableName("bridge", "bridge")


def keep_locked_figures(context: LedgerContext) -> TableMetadata:
    """Copy the bridge of every month whose lock has not taken effect yet; existing copies never change."""
    warehouse = context.warehouse
    with warehouse.transaction():
        warehouse.execute(
            f"""
            create table if not exists {_TARGET} as
            select cast(null as timestamptz) as locked_at, b.* from {_BRIDGE} b limit 0
            """
        )
        warehouse.execute(
            f"""
            insert into {_TARGET} by name
            select f.locked_at, b.*
            from {_LOCKS} f
            join {_BRIDGE} b on b.period_start = f.period_start
            join (
              select period_start, sum(case when line = 'collected' then amount else 0 end) as collected_value
              from {_BRIDGE} group by period_start
            ) t on t.period_start = f.period_start
            left join (select distinct period_start, locked_at from {_TARGET}) k
              on k.period_start = f.period_start and k.locked_at = f.locked_at
            where k.period_start is null and coalesce(f.signed_value, t.collected_value) = t.collected_value
            """
        )
    locks = warehouse.rows(f"select count(*) from (select distinct period_start, locked_at from {_TARGET})")[0][0]
    return TableMetadata({"locks that took hold": int(locks)})


LOCKED_BRIDGE = PythonTable(
    OutputTable(
        "locked_bridge",
        "governance",
        "lock, campaign and line",
        "finance",
        ("period_start", "locked_at", "campaign_id", "line"),
        description=("The bridge of every locked month as it stood when the lock took hold; never changed afterwards."),
        required=("period_start", "locked_at", "line_order", "line", "amount", "records", "currency", "policy_version"),
        words={"line": VOCABULARIES["bridge_lines"]},
        published=True,
        group="change_control",
        page="docs/definitions/change-control.md#locked-months",
        columns={
            "period_start": Meaning("First day of the locked month"),
            "line_order": Meaning("Place of the line in the bridge, 0 to 10"),
            "amount": Meaning("Amount of the line when the lock took hold", "currency"),
            "records": Meaning("Records of the line when the lock took hold", "count"),
            "policy_version": Meaning("Policy under which the figures were locked"),
        },
    ),
    (_LOCKS, _BRIDGE),
    keep_locked_figures,
)
