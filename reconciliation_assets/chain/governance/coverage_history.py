"""Coverage of the last days as observed every morning, kept so that days are compared at the same age.

Links arrive late: a lead of yesterday looks worse today than it will in a week. A fall can only be detected against other
days observed at the same age, so past observations must be stored.
"""

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.contracts.vocabulary import VOCABULARIES
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("governance", "coverage_history")
_COVERAGE_DAILY = TableName("governance", "coverage_daily")
_DAYS_KEPT = 7


def observe_coverage(context: LedgerContext) -> TableMetadata:
    """Store the coverage of the last days as observed now; a second run on the same day replaces its rows."""
    warehouse, parameters = context.warehouse, context.parameters
    observed = "cast($as_of at time zone $zone as date)"
    with warehouse.transaction():
        warehouse.execute(
            f"""
            create table if not exists {_TARGET} as
            select cast(null as date) as observed_on, d.* from {_COVERAGE_DAILY} d limit 0
            """
        )
        # Older histories lack this column; their rows stay null.
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
    OutputTable(
        "coverage_history",
        "governance",
        "morning of observation, link, day, segment and method",
        "data",
        ("observed_on", "link", "day", "segment_kind", "segment", "match_method"),
        description="Coverage of the seven days before every morning it was looked at, kept from run to run: what was linked how soon.",
        required=("observed_on", "link", "day", "segment_kind", "segment", "match_method", "records", "value"),
        words={
            "link": VOCABULARIES["links"],
            "segment_kind": VOCABULARIES["segments_of_match_rates"],
            "match_method": VOCABULARIES["methods_or_unmatched"],
        },
        published=True,
        group="coverage",
        columns={
            "observed_on": Meaning("Morning on which it was seen so"),
            "day": Meaning("Day of the thing, in the policy's zone"),
            "match_method": Meaning("Method that matched them"),
            "records": Meaning("Things expected to match", "count"),
            "value": Meaning("Value of those", "reporting currency"),
        },
    ),
    (_COVERAGE_DAILY,),
    observe_coverage,
)
