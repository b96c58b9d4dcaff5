"""How often a source has new records, by their own times: this distinguishes a quiet day from a broken source.

An empty answer alone is no problem: a small shop may sell nothing on a Tuesday. It is suspicious if the same window had records
before, or if the source has never been quiet for so long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciliation_assets.chain.raw.landing import prepare
from reconciliation_assets.chain.raw.versions import LANDINGS, raw_table
from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.sources.connector import Window
from reconciliation_assets.warehouse.protocol import Ledger

REMEMBERED = timedelta(days=90)
"""Long enough to include weekends and holidays, short enough to follow changes of the business."""

PAUSES_TO_JUDGE_BY = 20
"""With fewer pauses, the longest one does not predict the next."""


@dataclass(frozen=True)
class PullCadence:
    """Times of the records pulled from a source.

    Attributes:
        newest: time of the newest record; None before the first.
        in_window: number of distinct record times in the window of the current pull.
        longest_pause: longest time between two records in the remembered period; None if there are too few.
    """

    newest: datetime | None
    in_window: int
    longest_pause: timedelta | None


def pull_cadence(warehouse: Ledger, source: str, tables: Sequence[InputTable], window: Window) -> PullCadence:
    """The cadence of a source's records up to the end of a window."""
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


def why_empty_is_suspicious(cadence: PullCadence, window: Window) -> str | None:
    """Why an empty answer for a window is suspicious; None if it is plausible."""
    if window.since is not None and cadence.in_window:
        return f"earlier pulls brought records of {cadence.in_window:,} moments of the same window"
    if cadence.newest is None or cadence.longest_pause is None:
        return None
    quiet = window.until - cadence.newest
    if quiet <= cadence.longest_pause:
        return None
    return f"it has been quiet for {_long(quiet)}, and never paused for longer than {_long(cadence.longest_pause)}"


def why_stale(cadence: PullCadence, until: datetime, limit: timedelta) -> str | None:
    """Why a source looks silent; None if its newest record is recent enough."""
    if cadence.newest is None:
        return "it has never delivered a record"
    age = until - cadence.newest
    if age <= limit:
        return None
    return f"its newest record is of {cadence.newest:%Y-%m-%d %H:%M} UTC, {_long(age)} old, and the limit is {_long(limit)}"


def _record_time(table: InputTable) -> str:
    """SQL for the time a record was created or last changed; `pulled_at` is our own clock and is not used."""
    created = f"cast(r.{table.created} as timestamptz)"
    is_source_time = table.version is not None and table.version != "pulled_at"
    return f"coalesce(r.{table.version}, {created})" if is_source_time else created


def _long(duration: timedelta) -> str:
    hours = duration.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
