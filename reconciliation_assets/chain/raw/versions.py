"""Versions: which landed rows are current at the run's as-of time, and which are duplicates within their file."""

from datetime import datetime

from reconciliation_assets.contracts.model import InputTable, Kind
from reconciliation_assets.sources.text_rows import ROW_DIGEST, FileSetAsideError
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName

LANDINGS = TableName("raw", "landings")
REPEATED_ROWS = TableName("raw", "repeated_rows")
AFTER_AS_OF = TableName("raw", "after_as_of")

PREPARE_VERSIONS = f"""
create schema if not exists superseded;
create schema if not exists current;
create table if not exists {REPEATED_ROWS} (
  landing_id BIGINT not null,
  row_number BIGINT not null,
  kept_row_number BIGINT not null,
  is_same BOOLEAN not null
);
create table if not exists {AFTER_AS_OF} (
  source_table VARCHAR not null,
  landing_id BIGINT not null,
  row_number BIGINT not null
);
"""


def raw_table(table: InputTable) -> TableName:
    """The raw table of an input table."""
    return TableName("raw", table.raw_asset)


def prepare_versions(warehouse: Ledger, table: InputTable) -> None:
    """Create the view of a table's current rows and the table it reads."""
    warehouse.execute(f"create table if not exists {_not_current(table)} (landing_id BIGINT, row_number BIGINT)")
    warehouse.execute(
        f"""
        create or replace view current.{table.name} as
        select {", ".join(f"r.{name}" for name, _ in table.stored)}
        from {raw_table(table)} r
        join {LANDINGS} l on l.landing_id = r.landing_id and l.present
        left join {_not_current(table)} s on s.landing_id = r.landing_id and s.row_number = r.row_number
        where s.landing_id is null
        """
    )


def note_duplicates(warehouse: Ledger, table: InputTable, arrived: str, landing_id: int, *, has_digest: bool) -> None:
    """Record the duplicate rows of one file: the same content again, or other content with the same key and version.

    In a table whose measures are summed, rows with the same key are parts of one record; only identical rows are duplicates.

    Args:
        arrived: the relation with the file's typed rows and their `fault`.
        has_digest: whether the relation has a digest of the columns that are not read.

    Raises:
        FileSetAsideError: rows of one key differ in the column `one_per_key`.
    """
    key = ", ".join(table.key)
    cells = [*(name for name, _ in table.stored), *((ROW_DIGEST,) if has_digest else ())]
    content = ", ".join(f"coalesce(cast(a.{name} as varchar), chr(30))" for name in cells)
    same_key = " and ".join(f"a.{name} is not distinct from k.{name}" for name in table.key)
    warehouse.execute(
        f"""
        create or replace temp table repeating as
        with readable as (select *, {_made(table)} as made from {arrived} where fault is null),
        repeated as (select {key}, made, min(row_number) as first_row from readable group by {key}, made having count(*) > 1)
        select a.row_number, k.first_row, md5(concat_ws(chr(31), {content})) as content,
               {f"a.{table.one_per_key}" if table.one_per_key else "null"} as agreed
        from readable a
        join repeated k on {same_key} and a.made is not distinct from k.made
        """
    )
    if table.adds_up:
        _refuse_disagreement(warehouse, table)
        others = "min(row_number) over (partition by first_row, content)", "true"
    else:
        last_content = "last_value(content) over (partition by first_row order by row_number rows between unbounded preceding and unbounded following)"
        others = "max(row_number) over (partition by first_row)", f"content = {last_content}"
    warehouse.execute(
        f"""
        insert into {REPEATED_ROWS}
        select $id, row_number, kept, is_same
        from (select row_number, {others[0]} as kept, {others[1]} as is_same from repeating)
        where row_number <> kept
        """,
        {"id": landing_id},
    )
    warehouse.execute("drop table repeating")


def _refuse_disagreement(warehouse: Ledger, table: InputTable) -> None:
    found = warehouse.rows(
        """
        select min(row_number), max(row_number) from repeating
        group by first_row having count(distinct content) > 1 and count(distinct agreed) > 1
        order by 1 limit 1
        """
    )
    if found:
        first, last = found[0]
        raise FileSetAsideError(
            f"its rows {first} and {last} tell the same {', '.join(table.key)} under more than one {table.one_per_key}; "
            "added up they would count twice. Export it with one of them, or with a pulled_at that tells which is newer"
        )


def note_not_current(warehouse: Ledger, table: InputTable, as_of: datetime, zone: str) -> None:
    """Record which rows of a table are not current: older versions, duplicates, and records dated after `as_of`.

    The current version of a key is the latest one known at `as_of`, or if none was known, the first one after it. The latest is
    the one with the highest version column, then of the last file, then the last row. Only keys with several versions are
    sorted, because they are few.

    Args:
        as_of: later records do not count.
        zone: zone of the table's days.
    """
    key = ", ".join(table.key)
    same_key = " and ".join(f"v.{name} is not distinct from k.{name}" for name in table.key)
    # Summed parts of one file are current together; pulls never contain such parts.
    within = "case when v.kind = 'pull' then v.row_number end" if table.adds_up else "v.row_number"
    warehouse.execute(
        f"""
        create or replace table {_not_current(table)} as
        with versions as (
          select r.landing_id, r.row_number, {", ".join(f"r.{name}" for name in table.key)}, {_made(table, "r.")} as made,
                 {_has_happened(table, "r.")} as has_happened, {_known_from(table)} as known_from, l.place, l.kind
          from {raw_table(table)} r
          join {LANDINGS} l on l.landing_id = r.landing_id and l.present
          left join {REPEATED_ROWS} d on d.landing_id = r.landing_id and d.row_number = r.row_number
          where d.landing_id is null
        ),
        repeated as (select {key} from versions where has_happened group by {key} having count(*) > 1),
        ordered as (
          select v.landing_id, v.row_number, coalesce(v.known_from <= $as_of, true) as is_known, rank() over (
            partition by {", ".join(f"v.{name}" for name in table.key)}
            order by coalesce(v.known_from <= $as_of, true) desc,
                     case when v.known_from <= $as_of then v.made end desc nulls last,
                     v.made nulls last,
                     v.place desc, v.landing_id, {within} desc
          ) as version_rank
          from versions v
          join repeated k on {same_key}
          where v.has_happened
        )
        select landing_id, row_number, not is_known as is_after from ordered where version_rank > 1
        union all
        select landing_id, row_number, true from versions where not has_happened
        union all
        select d.landing_id, d.row_number, false
        from {REPEATED_ROWS} d
        join {LANDINGS} l on l.landing_id = d.landing_id and l.present and l.source_table = $table
        """,
        {"as_of": as_of, "zone": zone, "table": table.name},
    )
    warehouse.execute(f"delete from {AFTER_AS_OF} where source_table = $table", {"table": table.name})
    warehouse.execute(
        f"insert into {AFTER_AS_OF} select $table, landing_id, row_number from {_not_current(table)} where is_after",
        {"table": table.name},
    )


def _not_current(table: InputTable) -> TableName:
    """The table that lists the rows of an input table that are not current."""
    return TableName("superseded", table.name)


def _made(table: InputTable, of: str = "") -> str:
    """SQL for the time of a version; null if the table has no version column."""
    if table.version is None:
        return "cast(null as timestamptz)"
    kinds = {column.name: column.kind for column in table}
    if kinds[table.version] is kinds[table.created]:
        return f"coalesce({of}{table.version}, {of}{table.created})"
    return f"{of}{table.version}"


def _known_from(table: InputTable) -> str:
    """SQL for the time from which a version is known: its own time, or the end of the pull's window if that is slightly earlier."""
    made = _made(table, "r.")
    pulled = "case when l.kind = 'pull' then cast(split_part(l.place, ' ', 2) as timestamptz) end"
    return f"case when {made} <= {pulled} + interval 1 day then least({made}, {pulled}) else {made} end"


def _has_happened(table: InputTable, of: str) -> str:
    """SQL condition: the row's own time is not after `as_of`; a date counts if the day has begun."""
    kinds = {column.name: column.kind for column in table}
    if kinds[table.created] is Kind.DATE:
        return f"timezone($zone, cast({of}{table.created} as timestamp)) < $as_of"
    return f"coalesce({of}{table.created} <= $as_of, true)"
