"""The bridge of locked months as it stood when each lock took hold, kept from run to run.

A lock takes hold in the first run that sees it. Where the signature names the collected value it is under, the lock takes no
other: figures that moved between signing and locking are not what was signed.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("governance", "locked_bridge")
_LOCKS = TableName("governance", "locks_in_force")
_BRIDGE = TableName("bridge", "bridge")


def keep_locked_figures(context: RunContext) -> TableMetadata:
    """Keep the bridge of every month whose lock has not taken hold yet; what was kept before never changes."""
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
    _TARGET,
    (_LOCKS, _BRIDGE),
    "The bridge of every locked month as it stood when the lock took hold; never changed afterwards.",
    keep_locked_figures,
)
