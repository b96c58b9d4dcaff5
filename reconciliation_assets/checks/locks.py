"""Locked months: their figures change only with a signature."""

from reconciliation_assets.chain.check import CheckResult, Severity, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import some_of


def lock_checks() -> list[TableCheck]:
    """Check that the figures of locked months have not changed."""
    return [
        TableCheck(
            "locked_months_hold",
            "locked_differences",
            "The bridge of every locked month is what was signed: stopping or told, as the policy says.",
            True,
            _locked_months_hold,
        )
    ]


def _locked_months_hold(context: RunContext) -> CheckResult:
    severity: Severity = "ERROR" if context.policy.change_control.on_locked_change == "stop" else "WARN"
    locks = int(context.warehouse.rows("select count(*) from governance.locks_in_force")[0][0])
    waiting = int(
        context.warehouse.rows(
            """
            select count(*) from raw.after_as_of a
            join raw.landings l on l.landing_id = a.landing_id
            where l.present and l.source_table = 'period_locks'
            """
        )[0][0]
    )
    figures: dict[str, float | int | str] = {"locked months": locks, "signatures dated later than this run": waiting}
    problems = [*_signed_otherwise(context), *_changed(context)]
    if problems:
        return CheckResult(False, " ".join(problems), severity, figures)
    if waiting:
        return CheckResult(
            False,
            f"{waiting} entries of period_locks are dated after {context.as_of:%Y-%m-%d %H:%M} UTC, the instant this run speaks "
            "for, and hold nothing yet.",
            "WARN",
            figures,
        )
    return CheckResult(True, f"{locks} locked months stand as they were signed.", figures=figures)


def _changed(context: RunContext) -> list[str]:
    months = context.warehouse.rows(
        """
        select left(cast(period_start as varchar), 7), max(locked_by), max(locked_at),
               max(locked_policy_version), max(policy_version), max(currency), count(*),
               sum(case when line = 'collected' then difference else 0 end)
        from governance.locked_differences
        where difference <> 0 or records <> locked_records or currency <> locked_currency
        group by 1 order by 1
        """
    )
    messages = []
    for month, locked_by, locked_at, version_then, version_now, currency, lines, collected in months:
        largest = context.warehouse.rows(
            """
            select coalesce(campaign_id, 'no campaign') || ' ' || line, difference, records - locked_records
            from governance.locked_differences
            where left(cast(period_start as varchar), 7) = $month and (difference <> 0 or records <> locked_records)
            order by abs(difference) desc, line_order, 1
            """,
            {"month": month},
        )
        lines_named = some_of([f"{name} {amount:+,.2f} ({records:+,} records)" for name, amount, records in largest])
        policy = f", and the policy is now {version_now}, not {version_then}" if version_then != version_now else ""
        messages.append(
            f"{month} was locked by {locked_by} on {locked_at.astimezone(context.policy.timezone):%Y-%m-%d}; {lines} of its figures differ now, collected by "
            f"{collected:+,.2f} {currency}{policy}: {lines_named}."
        )
    if messages:
        messages.append(
            "Correct the source, or have the new figures signed: one more row for the month in period_locks.csv (period, "
            "locked_by, locked_at, reason)."
        )
    return messages


def _signed_otherwise(context: RunContext) -> list[str]:
    refused = context.warehouse.rows(
        """
        select left(cast(f.period_start as varchar), 7), f.locked_by, f.signed_value,
               sum(case when b.line = 'collected' then b.amount else 0 end)
        from governance.locks_in_force f
        join bridge.bridge b on b.period_start = f.period_start
        left join (select distinct period_start, locked_at from governance.locked_bridge) k
          on k.period_start = f.period_start and k.locked_at = f.locked_at
        where k.period_start is null
        group by 1, 2, 3 order by 1
        """
    )
    return [
        f"{month} is not locked: {locked_by} signed for {signed:,.2f} collected, and it is {now:,.2f}. Sign the figure as it is "
        "(another row in period_locks.csv with a later locked_at), or correct the source."
        for month, locked_by, signed, now in refused
    ]
