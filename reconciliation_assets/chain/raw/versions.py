"""Versions: which of the rows that landed are current at the instant a run speaks for, and which repeat another of their file."""

from datetime import datetime

from reconciliation_assets.contracts.model import InputTable, Kind
from reconciliation_assets.sources.text_rows import ROW_DIGEST, FileSetAsideError
from reconciliation_assets.warehouse.duckdb import Warehouse
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
    """Where the rows of an input table land."""
    return TableName("raw", table.raw_asset)


def prepare_versions(warehouse: Warehouse, table: InputTable) -> None:
    """Make the view of a table's current rows and what it reads, where they are missing."""
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


def note_duplicates(
    warehouse: Warehouse, table: InputTable, arrived: str, landing_id: int, *, has_digest: bool
) -> None:
    """Note the rows of one file that repeat another: the same content once more, or another content of the same key and version.

    Rows of a table whose measures are added up are parts of one thing; of them only the same content repeats.

    Args:
        arrived: the relation that holds the file's typed rows, with their `fault`.
        has_digest: whether it also holds a digest of the columns that are not read.

    Raises:
        FileSetAsideError: rows of one key differ in what they must agree in.
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


def _refuse_disagreement(warehouse: Warehouse, table: InputTable) -> None:
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


def note_not_current(warehouse: Warehouse, table: InputTable, as_of: datetime, zone: str) -> None:
    """Note which rows of a table are not current: older versions, repeats, and what had not happened at an instant.

    Of the versions of a key the latest that was known at the instant is current, or where none was, the first made after it.
    The latest is that with the latest version column, then that of the last file, then the last row. Few keys come
    again, so only their rows are put into order.

    Args:
        as_of: the instant; what happened after it is not there.
        zone: zone of the table's days.
    """
    key = ", ".join(table.key)
    same_key = " and ".join(f"v.{name} is not distinct from k.{name}" for name in table.key)
    # Parts of one file that are added up are current together; pulls are never broken down.
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
    """Where the rows of a table that are not current are noted."""
    return TableName("superseded", table.name)


def _made(table: InputTable, of: str = "") -> str:
    """When a version was made; nothing where the table has no version column."""
    if table.version is None:
        return "cast(null as timestamptz)"
    kinds = {column.name: column.kind for column in table}
    if kinds[table.version] is kinds[table.created]:
        return f"coalesce({of}{table.version}, {of}{table.created})"
    return f"{of}{table.version}"


def _known_from(table: InputTable) -> str:
    """From when a version is known: when it was made, or the instant of the run that pulled it while it was being made."""
    made = _made(table, "r.")
    pulled = "case when l.kind = 'pull' then cast(split_part(l.place, ' ', 2) as timestamptz) end"
    return f"case when {made} <= {pulled} + interval 1 day then least({made}, {pulled}) else {made} end"


def _has_happened(table: InputTable, of: str) -> str:
    """Whether a row's own time is not after the instant; a day has begun before it."""
    kinds = {column.name: column.kind for column in table}
    if kinds[table.created] is Kind.DATE:
        return f"timezone($zone, cast({of}{table.created} as timestamp)) < $as_of"
    return f"coalesce({of}{table.created} <= $as_of, true)"
