"""Nothing is counted twice: a right record has one left record, a duplicate one valid original, a merge one survivor."""

import pandera.pandas as pap

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of
from reconciliation_assets.checks.summaries import failing_rows

_ONCE = pap.DataFrameSchema({"links": pap.Column(int, pap.Check.eq(1))})
_HAS_VALID_ORIGINAL = pap.DataFrameSchema({"without_valid_original": pap.Column(int, pap.Check.eq(0))})


def duplicate_checks() -> list[TableCheck]:
    """Checks of accepted links, detected duplicates and merges."""
    return [
        TableCheck(
            "linked_once",
            "match_links",
            "Every CRM record, order and payment is in at most one accepted link of its kind.",
            True,
            _linked_once,
        ),
        TableCheck(
            "one_valid_original",
            "duplicate_records",
            "Every repeat form or order points to an original that is not itself a repeat.",
            True,
            _one_valid_original,
        ),
        TableCheck(
            "merges_resolved",
            "duplicate_records",
            "Every merged CRM record leads to one that stands.",
            False,
            _merges_resolved,
        ),
    ]


def _linked_once(context: RunContext) -> CheckResult:
    summary = context.warehouse.arrow(
        """
        select case when link like '%payment' then 'payment' else link end as right_end, right_id, count(*) as links
        from matching.match_links where link <> 'record_ad'
        group by 1, 2 having count(*) > 1 order by 1, 2 limit 100
        """
    ).to_pandas()
    twice = failing_rows(summary.astype({"links": int}), _ONCE)
    if twice.empty:
        return CheckResult(True, "Nothing is linked twice.")
    return CheckResult(
        False,
        f"linked more than once in match_links: {some_of(twice['right_id'].tolist())}. Money would be counted twice; "
        "this is a fault of the product, not of the data: report it.",
    )


def _one_valid_original(context: RunContext) -> CheckResult:
    summary = context.warehouse.arrow(
        """
        select d.source_table, d.rule, count(*) as duplicates, count(o.source_id) as without_valid_original
        from governance.duplicate_records d
        left join governance.duplicate_records o on o.source_table = d.source_table and o.source_id = d.duplicate_of
        where d.source_table <> 'crm_records'
        group by 1, 2 order by 1, 2
        """
    ).to_pandas()
    wrong = failing_rows(summary.astype({"without_valid_original": int}), _HAS_VALID_ORIGINAL)
    if not wrong.empty:
        return CheckResult(
            False, f"Duplicates whose original is a duplicate itself, by rule: {some_of(wrong['rule'].tolist())}."
        )
    found = {
        f"{table}, {rule}": int(count)
        for table, rule, count in zip(summary["source_table"], summary["rule"], summary["duplicates"], strict=True)
    }
    return CheckResult(True, f"{sum(found.values()):,} repeats, each with a valid original.", figures={**found})


def _merges_resolved(context: RunContext) -> CheckResult:
    lost = context.warehouse.rows(
        """
        select c.crm_id from canonical.crm_records c
        left join canonical.crm_records s on s.crm_id = c.survivor_id
        where c.merged_into is not null and s.crm_id is null order by 1
        """
    )
    if not lost:
        return CheckResult(True, "Every merge leads to a record that stands.")
    return CheckResult(
        False,
        f"{len(lost):,} merged CRM records lead to no record that stands: {some_of([crm_id for (crm_id,) in lost])}. The CRM "
        "extract misses the survivors, or merges form a loop; they are in exceptions.",
        "WARN",
        {"merges": len(lost)},
    )
