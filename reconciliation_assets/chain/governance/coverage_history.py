"""Coverage as it was seen, morning by morning: the days before each run, kept, so that like is compared with like.

Links arrive late: a lead of yesterday looks worse today than it will in a week. A fall is real only against other days as
they looked equally soon after, and that is what nothing but a record of past mornings can tell.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("governance", "coverage_history")
_COVERAGE_DAILY = TableName("governance", "coverage_daily")
_DAYS_KEPT = 7


def observe_coverage(context: RunContext) -> TableMetadata:
    """Keep the coverage of the last days as it is seen now; the same morning seen again replaces itself."""
    warehouse, parameters = context.warehouse, context.parameters
    observed = "cast($as_of at time zone $zone as date)"
    with warehouse.transaction():
        warehouse.execute(
            f"""
            create table if not exists {_TARGET} as
            select cast(null as date) as observed_on, d.* from {_COVERAGE_DAILY} d limit 0
            """
        )
        # Histories begun before rates by value were judged lack it; their mornings stay without.
        warehouse.execute(f"alter table {_TARGET} add column if not exists value_squares DECIMAL(38, 6)")
        warehouse.execute(f"delete from {_TARGET} where observed_on = {observed}", parameters)
        warehouse.execute(
            f"""
            insert into {_TARGET} by name
            select {observed} as observed_on, d.* from {_COVERAGE_DAILY} d
            where d.day between {observed} - {_DAYS_KEPT} and {observed}
            """,
            parameters,
        )
    mornings = warehouse.rows(f"select count(distinct observed_on) from {_TARGET}")[0][0]
    return TableMetadata({"mornings kept": int(mornings)})


COVERAGE_HISTORY = PythonTable(
    _TARGET,
    (_COVERAGE_DAILY,),
    "Coverage of the seven days before every morning it was looked at, kept from run to run: what was linked how soon.",
    observe_coverage,
)
