"""Checks of the inputs: required tables, bad rows and files set aside, known exchange rates, silent sources."""

from datetime import timedelta

from reconciliation_assets.chain.check import CheckResult, TableCheck
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.checks.messages import counted, some_of
from reconciliation_assets.contracts.inputs import (
    CRM_RECORDS,
    INPUT_TABLES,
    LEADS,
    META_INSIGHTS,
    ORDERS,
    PAYMENTS,
)
from reconciliation_assets.contracts.model import InputTable


def input_checks() -> list[TableCheck]:
    """Checks of the raw tables, of leads and orders together, and of exchange rates."""
    return [
        *(_quarantine(table) for table in INPUT_TABLES),
        *(_not_empty(table) for table in (META_INSIGHTS, PAYMENTS)),
        *(_not_silent(table) for table in (META_INSIGHTS, LEADS, CRM_RECORDS, ORDERS, PAYMENTS)),
        TableCheck(
            "files_recognised",
            "inbox_files",
            "Every file of the inbox is taken for something.",
            False,
            _files_recognised,
        ),
        TableCheck(
            "leads_or_orders",
            "captured_records",
            "There is something to reconcile: leads, orders or both.",
            True,
            _leads_or_orders,
        ),
        TableCheck(
            "rates_known", "daily_rates", "Every currency has a rate on every day that needs one.", True, _rates_known
        ),
    ]


def _quarantine(table: InputTable) -> TableCheck:
    def ask(context: RunContext) -> CheckResult:
        rows, bad, set_aside, uncounted = context.warehouse.rows(
            """
            select coalesce(sum(rows), 0), coalesce(sum(case when set_aside_reason is null then quarantined else rows end), 0),
                   count(set_aside_reason), count(set_aside_reason) filter (rows = 0)
            from raw.landings where present and source_table = $table
            """,
            {"table": table.name},
        )[0]
        unread = int(
            context.warehouse.rows(
                """
                select count(*) from raw.unread_values u
                join raw.landings l on l.landing_id = u.landing_id and l.present and l.source_table = $table
                """,
                {"table": table.name},
            )[0][0]
        )
        limit = context.policy.thresholds.quarantine_share
        share = float(bad) / float(rows) if rows else float(set_aside > 0)
        figures: dict[str, float | int | str] = {
            "rows": int(rows),
            "bad rows": int(bad),
            "files set aside": int(set_aside),
            "side values unread": unread,
        }
        notes = [
            f"{file}: {note}"
            for file, note in context.warehouse.rows(
                "select distinct file, notes from raw.landings where present and source_table = $table and notes is not null order by all",
                {"table": table.name},
            )
        ]
        sides = (
            f" {counted(unread, 'side value')} could not be read and count as unknown: see unread_value in exceptions."
            if unread
            else ""
        )
        if not bad and not set_aside:
            noted = f" Note: {some_of(notes)}." if notes else ""
            return CheckResult(
                not unread and not notes, f"All {int(rows):,} rows could be read.{noted}{sides}", "WARN", figures
            )
        reasons = context.warehouse.rows(
            """
            select l.file || case when q.row_number is null then '' else ', row ' || cast(q.row_number as varchar) end
                   || case when q.column_name is null then '' else ', column ' || q.column_name end || ': ' || q.reason
            from raw.quarantine q join raw.landings l on l.landing_id = q.landing_id
            where l.present and l.source_table = $table
            union
            select file || ': ' || set_aside_reason from raw.landings
            where present and source_table = $table and set_aside_reason is not null
            order by 1
            """,
            {"table": table.name},
        )
        unusable = [f"{int(bad):,} of {int(rows):,} rows of {table.name}"] if bad else []
        if uncounted:
            unusable.append(f"{counted(uncounted, 'file')} of {table.name}")
        found = (
            f"{' and '.join(unusable)} could not be used{f' ({share:.1%})' if bad else ''}: "
            f"{some_of([*(reason for (reason,) in reasons), *notes])}. They are in quarantined_rows; correct them at the source and "
            f"drop the file again.{sides}"
        )
        if share > limit and table.may_stop_a_run:
            return CheckResult(False, f"{found} The policy stops a run above {limit:.0%}.", "ERROR", figures)
        return CheckResult(False, found, "WARN", figures)

    return TableCheck(
        "few_rows_in_quarantine",
        table.raw_asset,
        "Rows that cannot be read are set aside: told at any, stopping above the policy's share.",
        True,
        ask,
    )


def _not_empty(table: InputTable) -> TableCheck:
    def ask(context: RunContext) -> CheckResult:
        rows = int(context.warehouse.rows(f"select count(*) from current.{table.name}")[0][0])
        if rows:
            return CheckResult(True, f"{rows:,} rows.", figures={"rows": rows})
        return CheckResult(
            False,
            f"There is no {table.name} to reconcile. Drop {table.name}.csv into the inbox, or configure a source for it; "
            "the published copy stays as it was.",
        )

    return TableCheck("not_empty", table.raw_asset, f"There are {table.name} to reconcile.", True, ask)


def _not_silent(table: InputTable) -> TableCheck:
    def ask(context: RunContext) -> CheckResult:
        newest = context.warehouse.rows(f"select cast(max({table.created}) as timestamptz) from current.{table.name}")[
            0
        ][0]
        if newest is None:
            return CheckResult(True, f"No {table.name} yet.")
        limit = timedelta(days=context.policy.thresholds.source_silent_days)
        (after,) = context.warehouse.rows(
            "select count(*) from raw.after_as_of where source_table = $table", {"table": table.name}
        )[0]
        age = context.as_of - newest
        figures: dict[str, float | int | str] = {
            "newest": newest.isoformat(),
            "age in days": round(age.total_seconds() / 86400, 1),
        }
        if age > limit:
            return CheckResult(
                False,
                f"The newest row of {table.name} is dated {newest:%Y-%m-%d}, {age.days} days before this run's as-of time. If "
                "business continued, the source has stopped delivering: check the export or the integration.",
                "WARN",
                figures,
            )
        if after:
            return CheckResult(
                False,
                f"{counted(int(after), 'row')} of {table.name} dated after this run's as-of time ({context.as_of:%Y-%m-%d}), so not "
                "counted (source_totals, after_as_of). Unless RECON_AS_OF is set to the past, their dates are wrong: correct them at "
                "the source.",
                "WARN",
                {**figures, "rows after": int(after)},
            )
        return CheckResult(True, f"The newest row is dated {newest:%Y-%m-%d}.", figures=figures)

    return TableCheck(
        "newest_row_is_recent",
        table.raw_asset,
        "The source still delivers, and no row is dated after the run.",
        False,
        ask,
    )


def _files_recognised(context: RunContext) -> CheckResult:
    files, unknown, by_preset = context.warehouse.rows(
        """
        select count(distinct file), count(*) filter (source_table is null), count(distinct case when preset is not null then file end)
        from raw.inbox_files
        """
    )[0]
    figures: dict[str, float | int | str] = {
        "files": files,
        "files not taken in": unknown,
        "files read by a preset": by_preset,
    }
    if not unknown:
        return CheckResult(True, f"{files:,} files, all known.", figures=figures)
    reasons = context.warehouse.rows(
        "select file || ': ' || reason from raw.inbox_files where reason is not null order by 1"
    )
    return CheckResult(
        False,
        f"{unknown:,} of {files:,} files in the inbox are not taken in: {some_of([reason for (reason,) in reasons])}. "
        "`reconcile inspect FILE` says more; docs/sources/files.md says how to describe a kind of file.",
        "WARN",
        figures,
    )


def _leads_or_orders(context: RunContext) -> CheckResult:
    leads, orders = context.warehouse.rows(
        "select (select count(*) from current.leads), (select count(*) from current.orders)"
    )[0]
    if leads or orders:
        return CheckResult(True, f"{leads:,} leads and {orders:,} orders.", figures={"leads": leads, "orders": orders})
    return CheckResult(
        False,
        "There are neither leads nor orders, so nothing was captured that money could belong to. Drop leads.csv or "
        "orders.csv into the inbox; the published copy stays as it was.",
    )


def _rates_known(context: RunContext) -> CheckResult:
    missing = context.warehouse.rows(
        "select currency, min(day), count(*) from canonical.daily_rates where rate is null group by currency order by currency"
    )
    if not missing:
        return CheckResult(True, "Every amount can be converted.")
    named = [
        f"{currency} on {day:%Y-%m-%d}" + (f" and {days - 1} later days" if days > 1 else "")
        for currency, day, days in missing
    ]
    return CheckResult(
        False,
        f"canonical.daily_rates has no rate to {context.policy.reporting_currency} for {some_of(named)}. Add rates from that "
        "day on to fx_rates.csv (date, currency, rate); a rate holds until the next one.",
        figures={"currencies": len(missing)},
    )
