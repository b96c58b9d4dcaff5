"""How often a source's pulls bring something new, by the times of its own records: what tells a quiet day from a broken source.

An empty answer by itself says little: a small shop sells nothing on a Tuesday. It says something where the window asked
held records before, or where it has been quiet for longer than ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciliation_assets.chain.raw.landing import prepare
from reconciliation_assets.chain.raw.versions import LANDINGS, raw_table
from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.sources.connector import Window
from reconciliation_assets.warehouse.duckdb import Warehouse

REMEMBERED = timedelta(days=90)
"""Long enough to know weekends and holidays, short enough to forget how a business once was."""

PAUSES_TO_JUDGE_BY = 20
"""With fewer, the longest pause seen says nothing about the next."""


@dataclass(frozen=True)
class PullCadence:
    """When the records came that a source's pulls brought.

    Attributes:
        newest: time of the newest one; None before the first.
        in_window: how many of them lie in the window asked for now.
        longest_pause: between two of them, over what is remembered; None where there are too few.
    """

    newest: datetime | None
    in_window: int
    longest_pause: timedelta | None


def pull_cadence(warehouse: Warehouse, source: str, tables: Sequence[InputTable], window: Window) -> PullCadence:
    """The rhythm of a source's records up to the end of a window."""
    for table in tables:
        prepare(warehouse, table)
    times = " union all ".join(
        f"""
        select {_record_time(table)} as made
        from {raw_table(table)} r join {LANDINGS} l on l.landing_id = r.landing_id
        where l.kind = 'pull' and split_part(l.file, '@', 1) = $source
        """
        for table in tables
    )
    newest, in_window, pauses, longest = warehouse.rows(
        f"""
        with moments as (select distinct made from ({times}) where made <= $until),
        pauses as (
          select made, made - lag(made) over (order by made) as pause from moments where made > $remembered
        )
        select (select max(made) from moments),
               (select count(*) from moments where made >= $since),
               count(pause), max(pause)
        from pauses
        """,
        {
            "source": source,
            "until": window.until,
            "since": window.since or window.until,
            "remembered": window.until - REMEMBERED,
        },
    )[0]
    return PullCadence(newest, int(in_window), longest if pauses >= PAUSES_TO_JUDGE_BY else None)


def why_empty_is_strange(known: PullCadence, window: Window) -> str | None:
    """What makes an empty answer to a window suspicious; None where it may well be right."""
    if window.since is not None and known.in_window:
        return f"earlier pulls brought records of {known.in_window:,} moments of the same window"
    if known.newest is None or known.longest_pause is None:
        return None
    quiet = window.until - known.newest
    if quiet <= known.longest_pause:
        return None
    return f"it has been quiet for {_long(quiet)}, and never paused for longer than {_long(known.longest_pause)}"


def why_stale(known: PullCadence, until: datetime, limit: timedelta) -> str | None:
    """What makes a source look silent; None where its newest record is young enough."""
    if known.newest is None:
        return "it has never delivered a record"
    age = until - known.newest
    if age <= limit:
        return None
    return (
        f"its newest record is of {known.newest:%Y-%m-%d %H:%M} UTC, {_long(age)} old, and the limit is {_long(limit)}"
    )


def _record_time(table: InputTable) -> str:
    """When a record came about or last changed; insights are versioned by our own clock, which says nothing of theirs."""
    created = f"cast(r.{table.created} as timestamptz)"
    told_by_the_source = table.version is not None and table.version != "pulled_at"
    return f"coalesce(r.{table.version}, {created})" if told_by_the_source else created


def _long(duration: timedelta) -> str:
    hours = duration.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
