"""Landing: write the rows of a delivery into the raw layer, in one transaction and only once.

A delivery is a dropped file or one pull of a connector. Rows are only added to the raw tables. The `present` flag marks the
deliveries that count: a file that is removed from the inbox, or replaced under the same name, no longer counts, but its rows
stay as history. The current rows are a view over the versions that count.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from reconciliation_assets.chain.raw.typing import (
    NOT_A_DATE,
    NOT_A_DECIMAL,
    NOT_AN_ISO_DATE,
    UNREAD,
    is_currency,
    typed_select,
)
from reconciliation_assets.chain.raw.versions import (
    LANDINGS,
    PREPARE_VERSIONS,
    REPEATED_ROWS,
    note_duplicates,
    note_not_current,
    prepare_versions,
    raw_table,
)
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.contracts.model import InputTable, Kind
from reconciliation_assets.sources.connector import Batch
from reconciliation_assets.sources.files import InboxFile, open_file
from reconciliation_assets.sources.presets.mapping import JudgedSheets
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.sources.rewriting import rewritten
from reconciliation_assets.sources.snapshot import Snapshot, fingerprint_of, snapshot
from reconciliation_assets.sources.text_rows import ROW_DIGEST, FileSetAsideError, TextRows
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName

QUARANTINE = TableName("raw", "quarantine")
TOTALS = TableName("raw", "landing_totals")
PULLS = TableName("raw", "pulls")
UNREAD_VALUES = TableName("raw", "unread_values")
READINGS = TableName("raw", "readings")

# Increase this to make all files be read again although the contract of their table has not changed.
_READING_RULES = 3

NO_CURRENCY = "in no currency"
_BLANK = b" \t\r\n\0"
_LONGEST_PIECE = 1 << 20
# A spreadsheet keeps fifteen digits of a number. If all long IDs of a column end in zeros, with at least this many
# zeros in total, they were rounded.
_ROUNDED_ID = "[0-9]{15}0+"
_ZEROS_THAT_PROVE = 6

_PREPARE = f"""
create schema if not exists raw;
create sequence if not exists raw.landing_ids;
create table if not exists {LANDINGS} (
  landing_id BIGINT primary key,
  source_table VARCHAR not null,
  kind VARCHAR not null,
  file VARCHAR not null,
  place VARCHAR not null,
  fingerprint VARCHAR not null,
  present BOOLEAN not null,
  rows BIGINT not null,
  quarantined BIGINT not null,
  set_aside_reason VARCHAR,
  ignored_columns VARCHAR,
  landed_at TIMESTAMPTZ not null default current_timestamp
);
alter table {LANDINGS} add column if not exists preset VARCHAR;
alter table {LANDINGS} add column if not exists passed_over VARCHAR;
alter table {LANDINGS} add column if not exists notes VARCHAR;
create table if not exists {QUARANTINE} (
  landing_id BIGINT not null,
  row_number BIGINT,
  column_name VARCHAR,
  reason VARCHAR not null
);
alter table {QUARANTINE} add column if not exists amount DECIMAL(18,6);
alter table {QUARANTINE} add column if not exists currency VARCHAR;
alter table {QUARANTINE} add column if not exists happened_at TIMESTAMPTZ;
alter table {QUARANTINE} add column if not exists record_id VARCHAR;
create table if not exists {UNREAD_VALUES} (
  landing_id BIGINT not null,
  row_number BIGINT not null,
  column_name VARCHAR not null,
  reason VARCHAR not null
);
create table if not exists {READINGS} (
  source_table VARCHAR not null,
  reading VARCHAR not null
);
create table if not exists {PULLS} (
  source VARCHAR not null,
  tables VARCHAR[] not null,
  pulled_until TIMESTAMPTZ not null,
  rows BIGINT not null
);
create table if not exists {TOTALS} (
  landing_id BIGINT not null,
  measure VARCHAR not null,
  currency VARCHAR not null,
  total DECIMAL(38,6) not null,
  quarantined DECIMAL(38,6) not null
);
update {TOTALS} set currency = '{NO_CURRENCY}' where total = quarantined and not {is_currency("currency")} and currency <> '{NO_CURRENCY}';
{PREPARE_VERSIONS}
"""


@dataclass(frozen=True)
class Landed:
    """The result of landing one delivery: its rows, the rows in quarantine, and the reason if it was set aside.

    Attributes:
        preset: the preset that read the file; None for a file named after its table.
        passed_over: counts of ignored rows that are not data, such as totals, by reason.
        notes: warnings about a file that was read.
    """

    landing_id: int
    file: str
    rows: int
    quarantined: int
    set_aside_reason: str | None
    ignored_columns: tuple[str, ...]
    preset: str | None = None
    passed_over: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def prepare(warehouse: Ledger, table: InputTable) -> None:
    """Create the raw tables and the view of current rows if they do not exist."""
    warehouse.ensure(_PREPARE)
    columns = ", ".join(f"{name} {kind}" for name, kind in table.stored)
    warehouse.execute(
        f"create table if not exists {raw_table(table)} (landing_id BIGINT not null, row_number BIGINT not null, {columns})"
    )
    if _reading_of(table) not in (
        reading
        for (reading,) in warehouse.rows(
            f"select reading from {READINGS} where source_table = $table", {"table": table.name}
        )
    ):
        _read_anew(warehouse, table)
    prepare_versions(warehouse, table)


def _reading_of(table: InputTable) -> str:
    """A hash of the rules by which files of a table are read; if it differs from the stored one, they are read again."""
    columns = repr(
        (
            table.key,
            [
                (each.name, each.kind, each.required, each.allowed, each.is_side, each.negative_where)
                for each in table.columns
            ],
        )
    )
    return f"{_READING_RULES}:{hashlib.sha256(columns.encode()).hexdigest()}"


def _read_anew(warehouse: Ledger, table: InputTable) -> None:
    """Migrate a table from an earlier contract: add new columns and forget files so that they are read again; keep pulls."""
    with warehouse.transaction():
        columns = warehouse.columns(raw_table(table))
        for name, kind in table.stored:
            if name not in columns:
                warehouse.execute(f"alter table {raw_table(table)} add column {name} {kind}")
        _forget_files(warehouse, table)
        warehouse.execute(f"delete from {READINGS} where source_table = $table", {"table": table.name})
        warehouse.execute(
            f"insert into {READINGS} values ($table, $reading)", {"table": table.name, "reading": _reading_of(table)}
        )


def land_all(
    warehouse: Ledger,
    known: Sequence[InboxFile],
    protector: ContactProtector,
    zone_of: Callable[[str], str],
    as_of: datetime,
) -> dict[str, list[Landed]]:
    """Land the inbox's files of every input table; returns the newly landed files by table.

    Args:
        known: the recognised files of the inbox.
        protector: replaces contacts by their keys before anything is stored.
        zone_of: zone of a table's timestamps without an offset.
        as_of: the instant at which rows are current.
    """
    return {
        table.name: land_inbox(
            warehouse,
            table,
            [file for file in known if file.table == table.name],
            protector,
            zone_of(table.name),
            as_of,
        )
        for table in INPUT_TABLES
    }


def land_inbox(
    warehouse: Ledger,
    table: InputTable,
    files: Sequence[InboxFile],
    protector: ContactProtector,
    zone: str,
    as_of: datetime,
) -> list[Landed]:
    """Land the new files of one table and unmark those that were removed; returns the newly landed files.

    Args:
        files: the inbox's files of this table.
        protector: replaces contacts by their keys before anything is stored.
        zone: zone of the table's timestamps without an offset.
        as_of: the instant at which rows are current.
    """
    prepare(warehouse, table)
    landed: list[Landed] = []
    fingerprints: dict[InboxFile, str] = {}
    for path, parts in groupby(files, key=lambda file: file.path):
        landed += _land_parts(warehouse, table, path, list(parts), fingerprints, protector, zone)
    _mark_present(warehouse, table, fingerprints)
    with warehouse.transaction():
        note_not_current(warehouse, table, as_of, zone)
    return landed


def _land_parts(
    warehouse: Ledger,
    table: InputTable,
    path: Path,
    parts: Sequence[InboxFile],
    fingerprints: dict[InboxFile, str],
    protector: ContactProtector,
    zone: str,
) -> list[Landed]:
    """Land the parts of one file for a table that have not landed yet; adds the fingerprint of each part to `fingerprints`."""
    landed: list[Landed] = []
    try:
        content = fingerprint_of(path)
        if all(_is_landed(warehouse, table, part, part.fingerprint(content)) for part in parts):
            fingerprints.update((part, part.fingerprint(content)) for part in parts)
            return []
        # The file may have changed since: the fingerprint of the copy is the one of the content that is read.
        with snapshot(path, warehouse.folder) as copy, JudgedSheets() as sheets:
            for part in parts:
                fingerprints[part] = part.fingerprint(copy.fingerprint)
                if not _is_landed(warehouse, table, part, fingerprints[part]):
                    landed.append(_land(warehouse, table, part, copy, sheets, protector, zone))
    except FileSetAsideError as problem:
        for part in parts:
            fingerprints[part] = f"not read: {problem}"
            if not _is_landed(warehouse, table, part, fingerprints[part]):
                landed.append(_set_aside(warehouse, table, part, fingerprints[part], str(problem), rows=0))
    return landed


def land_pull(
    warehouse: Ledger,
    source: str,
    batches: Sequence[Batch],
    tables: Sequence[InputTable],
    until: datetime,
    protector: ContactProtector,
    zone_of: Callable[[str], str],
) -> int:
    """Land one pull of a source and move its cursor in one transaction; returns the number of landed rows.

    Args:
        source: the source's name.
        batches: all rows of the pull; their contacts are protected before they are stored.
        tables: the tables that the source delivers.
        until: end of the pulled window; the next pull starts there, less the overlap.
        protector: replaces contacts by their keys before anything is stored.
        zone_of: zone of a table's timestamps without an offset.
    """
    for table in tables:
        prepare(warehouse, table)
    rows = 0
    with warehouse.transaction():
        for table in tables:
            own = [batch for batch in batches if batch.table == table.name]
            landing_id = _next_landing(warehouse)
            text = _as_text(table, own)
            _arrive(warehouse, table, text, protector, zone_of(table.name))
            landed_rows, quarantined = _keep(warehouse, table, text, landing_id, is_file=False)
            name = f"{source}@{until.isoformat()}"
            landed = Landed(landing_id, name, landed_rows, quarantined, None, (), passed_over=text.passed_over)
            _record(warehouse, table, landed, kind="pull", place=f"1 {until.isoformat()} {source}", fingerprint=name)
            rows += landed_rows
        warehouse.execute(
            f"insert into {PULLS} values ($source, $tables, $until, $rows)",
            {"source": source, "tables": [table.name for table in tables], "until": until, "rows": rows},
        )
        # In the same transaction as the rows, or a reader after a crash would count two versions of a key.
        for table in tables:
            note_not_current(warehouse, table, until, zone_of(table.name))
    return rows


def last_pull(warehouse: Ledger, source: str) -> tuple[datetime, int] | None:
    """End of the window of a source's last pull, and its number of rows; None before the first pull."""
    warehouse.ensure(_PREPARE)
    found = warehouse.rows(
        f"select pulled_until, rows from {PULLS} where source = $source order by pulled_until desc limit 1",
        {"source": source},
    )
    return (found[0][0], int(found[0][1])) if found else None


def _as_text(table: InputTable, batches: Sequence[Batch]) -> TextRows:
    names = tuple(column.name for column in table)
    schema = pa.schema([(name, pa.string()) for name in (*names, *UNREAD)])
    passed_over: Counter[str] = Counter()
    for batch in batches:
        passed_over.update(batch.passed_over)

    def read(_: TextRows) -> Iterator[pa.Table]:
        first = 1
        for batch in batches:
            rows = pa.Table.from_pylist([dict(row) for row in batch.rows], schema)
            numbers = pa.array(range(first, first + rows.num_rows), pa.int64())
            yield rows.add_column(0, "row_number", numbers)
            first += rows.num_rows

    return TextRows(names, (), read, headings={}, passed_over=passed_over)


def forget(warehouse: Ledger, table: InputTable) -> None:
    """Delete the rows landed from files for a table, so that the inbox is read again (full refresh).

    Rows pulled from outside systems stay, with the cursors, because past pulls cannot be repeated.
    """
    prepare(warehouse, table)
    with warehouse.transaction():
        _forget_files(warehouse, table)


def _forget_files(warehouse: Ledger, table: InputTable) -> None:
    files = f"select landing_id from {LANDINGS} where source_table = $table and kind = 'file'"
    if not warehouse.rows(f"{files} limit 1", {"table": table.name}):
        return
    for rows in (QUARANTINE, UNREAD_VALUES, REPEATED_ROWS, TOTALS, raw_table(table), LANDINGS):
        warehouse.execute(f"delete from {rows} where landing_id in ({files})", {"table": table.name})


def _is_landed(warehouse: Ledger, table: InputTable, file: InboxFile, fingerprint: str) -> bool:
    return bool(
        warehouse.rows(
            f"""
            select 1 from {LANDINGS}
            where source_table = $table and file = $file and fingerprint = $fingerprint
            """,
            {"table": table.name, "file": file.name, "fingerprint": fingerprint},
        )
    )


def _land(
    warehouse: Ledger,
    table: InputTable,
    file: InboxFile,
    copy: Snapshot,
    sheets: JudgedSheets,
    protector: ContactProtector,
    zone: str,
) -> Landed:
    fingerprint = file.fingerprint(copy.fingerprint)
    try:
        text = open_file(file, copy, sheets)
        landing_id = _next_landing(warehouse)
        with warehouse.transaction():
            _arrive(warehouse, table, text, protector, zone)
            if file.kind is None and _is_written_otherwise(warehouse):
                text = rewritten(open_file(file, copy, sheets), open_file(file, copy, sheets), table)
                _arrive(warehouse, table, text, protector, zone)
            rows, quarantined = _keep(warehouse, table, text, landing_id, is_file=True)
            landed = Landed(
                landing_id,
                file.name,
                rows,
                quarantined,
                None,
                text.ignored,
                _preset(file),
                text.passed_over,
                tuple(text.notes),
            )
            _record(warehouse, table, landed, kind="file", place=f"0 {file.name}", fingerprint=fingerprint)
    except FileSetAsideError as problem:
        return _set_aside(warehouse, table, file, fingerprint, str(problem), rows=_rows_of_unreadable(copy.path))
    return landed


def _set_aside(
    warehouse: Ledger, table: InputTable, file: InboxFile, fingerprint: str, reason: str, *, rows: int
) -> Landed:
    landed = Landed(_next_landing(warehouse), file.name, rows, 0, reason, (), _preset(file))
    _record(warehouse, table, landed, kind="file", place=f"0 {file.name}", fingerprint=fingerprint)
    return landed


def _next_landing(warehouse: Ledger) -> int:
    return int(warehouse.rows("select nextval('raw.landing_ids')")[0][0])


def _preset(file: InboxFile) -> str | None:
    return file.kind.preset.name if file.kind else None


def _record(warehouse: Ledger, table: InputTable, landed: Landed, *, kind: str, place: str, fingerprint: str) -> None:
    """Record a delivery; of versions with the same time, the one with the later `place` is current."""
    warehouse.execute(
        f"""
        insert into {LANDINGS} (landing_id, source_table, kind, file, place, fingerprint, present, rows, quarantined,
                                set_aside_reason, ignored_columns, preset, passed_over, notes)
        values ($id, $table, $kind, $file, $place, $fingerprint, true, $rows, $quarantined, $reason, $ignored, $preset,
                $passed_over, $notes)
        """,
        {
            "id": landed.landing_id,
            "table": table.name,
            "kind": kind,
            "file": landed.file,
            "place": place,
            "fingerprint": fingerprint,
            "rows": landed.rows,
            "quarantined": landed.quarantined,
            "reason": landed.set_aside_reason,
            "ignored": ", ".join(landed.ignored_columns) or None,
            "preset": landed.preset,
            "passed_over": "; ".join(f"{reason}: {rows}" for reason, rows in landed.passed_over.items()) or None,
            "notes": "; ".join(landed.notes) or None,
        },
    )


def _arrive(warehouse: Ledger, table: InputTable, text: TextRows, protector: ContactProtector, zone: str) -> None:
    """Read rows into the table `arrived`: typed, contacts as keys, each row with its first fault."""
    is_mapped = text.headings is not None
    typed = typed_select(table, text.columns, "arriving", is_mapped=is_mapped, has_digest=text.has_digest)
    names = [*(UNREAD if is_mapped else ()), *text.columns, *((ROW_DIGEST,) if text.has_digest else ())]
    schema = pa.schema([("row_number", pa.int64()), *((name, pa.string()) for name in names)])
    damage: list[FileSetAsideError] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for batch in text.batches():
                yield from batch.select(schema.names).cast(schema).to_batches()
        except FileSetAsideError as problem:
            # Raised through the engine, it would become an error of the engine.
            damage.append(problem)

    with (
        protector.protected(table, pa.RecordBatchReader.from_batches(schema, batches())) as protected,
        warehouse.reading("arriving", protected),
    ):
        warehouse.execute(f"create or replace temp table arrived as {typed}", {"zone": zone})
    if damage:
        raise damage[0]


def _is_written_otherwise(warehouse: Ledger) -> bool:
    """Whether any date or amount is not in the contract's format; then the format is inferred from the whole column."""
    reasons = ", ".join(f"'{reason}'" for reason in (NOT_A_DATE, NOT_AN_ISO_DATE, NOT_A_DECIMAL))
    unread_side = f"len(list_filter(unread_sides, lambda side: side.reason in ({reasons}))) > 0"
    return bool(warehouse.rows(f"select 1 from arrived where fault in ({reasons}) or {unread_side} limit 1"))


def _rounded_ids(
    warehouse: Ledger, table: InputTable, columns: Sequence[str], headings: Mapping[str, str]
) -> list[str]:
    """Handle IDs that a spreadsheet rounded to fifteen digits, such as 120214520000000000; returns notes for people.

    One such ID may be right, but not a column whose long IDs all end in zeros. If the table has names, the name is appended to
    the rounded ID and the row keeps its figures. Other rows go to quarantine, or one would count as a version of another.
    """
    notes = []
    for name in (column.name for column in table if column.kind is Kind.ID and column.name in columns):
        ((zeros,),) = warehouse.rows(
            f"""
            select case when bool_and(regexp_full_match(id, '{_ROUNDED_ID}')) then sum(length(id) - length(rtrim(id, '0'))) end
            from (select distinct {name} as id from arrived where length({name}) > 15 and fault is null)
            where regexp_full_match(id, '[0-9]{{16,}}')
            """
        )
        if zeros is None or zeros < _ZEROS_THAT_PROVE:
            continue
        heading, label = headings.get(name, name), f"{name.removesuffix('_id')}_name"
        is_rounded = f"fault is null and regexp_full_match({name}, '{_ROUNDED_ID}')"
        if label in columns:
            notes.append(
                f"a spreadsheet has rounded the IDs of column {heading}: all of more than 15 digits end in zeros. Their rows are told "
                "apart by name and match no other record by ID; format the column as text and export it again"
            )
            warehouse.execute(
                f"update arrived set {name} = {name} || ' (' || {label} || ')' where {is_rounded} and {label} is not null"
            )
        else:
            warehouse.execute(
                f"""
                update arrived set faulty_column = '{name}',
                  fault = 'a spreadsheet rounded the ID and wrote it out in full; format the column as text and export it again'
                where {is_rounded}
                """
            )
    return notes


def _keep(warehouse: Ledger, table: InputTable, text: TextRows, landing_id: int, *, is_file: bool) -> tuple[int, int]:
    """Store the arrived rows, bad rows in quarantine; returns the number of rows and of bad rows."""
    if is_file:
        text.notes.extend(_rounded_ids(warehouse, table, text.columns, text.headings or {}))
    rejects = pa.table(
        {
            "row_number": pa.array([reject.row_number for reject in text.rejects], pa.int64()),
            "reason": pa.array([reject.reason for reject in text.rejects], pa.string()),
        }
    )
    stored = ", ".join(name for name, _ in table.stored)
    headings = pa.table(
        {
            "column_name": pa.array(list(text.headings or {}), pa.string()),
            "heading": pa.array(list((text.headings or {}).values()), pa.string()),
        }
    )
    with warehouse.reading("rejected", rejects), warehouse.reading("headings", headings):
        warehouse.execute(_SHIFT_PAST_REJECTS if rejects.num_rows else "select 1")
        warehouse.execute(
            f"""
            insert into {QUARANTINE}
              (landing_id, row_number, column_name, reason, amount, currency, happened_at, record_id)
            select $id, a.row_number, coalesce(h.heading, a.faulty_column), a.fault, {_money(table)},
              cast(a.{table.key[0]} as varchar)
            from arrived a left join headings h on h.column_name = a.faulty_column
            where a.fault is not null
            union all select $id, row_number, null, reason, null, null, null, null from rejected
            """,
            {"id": landing_id},
        )
        warehouse.execute(
            f"""
            insert into {UNREAD_VALUES}
            select $id, u.row_number, coalesce(h.heading, u.side.column_name), u.side.reason
            from (select row_number, unnest(unread_sides) as side from arrived where fault is null) u
            left join headings h on h.column_name = u.side.column_name
            """,
            {"id": landing_id},
        )
    if is_file:
        note_duplicates(warehouse, table, "arrived", landing_id, has_digest=text.has_digest)
    warehouse.execute(
        f"""
        insert into {raw_table(table)} (landing_id, row_number, {stored})
        select $id, row_number, {stored} from arrived where fault is null
        """,
        {"id": landing_id},
    )
    for measure, currency in table.measures:
        warehouse.execute(
            f"""
            insert into {TOTALS}
            select $id, '{measure}', {_label(currency)}, sum({measure}), coalesce(sum({measure}) filter (fault is not null), 0)
            from arrived where {currency} is not null and {measure} is not null group by {_label(currency)}
            """,
            {"id": landing_id},
        )
    arrived, bad = warehouse.rows("select count(*), count(fault) from arrived")[0]
    warehouse.execute("drop table arrived")
    return int(arrived) + rejects.num_rows, int(bad) + rejects.num_rows


# Rows were numbered without the rejected ones; shift each row number by the rejects above it.
_SHIFT_PAST_REJECTS = """
update arrived set row_number = arrived.row_number + shift.rejects
from (
  select a.row_number, count(*) as rejects
  from arrived a
  join (select row_number - row_number() over (order by row_number) as follows from rejected) r
    on r.follows < a.row_number
  group by a.row_number
) shift
where arrived.row_number = shift.row_number
"""


def _label(currency: str) -> str:
    """SQL for the currency of a total: the currency code, or `NO_CURRENCY` where the cell holds anything else."""
    return f"case when {is_currency(currency)} then {currency} else '{NO_CURRENCY}' end"


def _money(table: InputTable) -> str:
    """SQL for amount, currency and time of a row; nulls for tables whose rows are not single amounts of money."""
    if table.adds_up or not table.measures:
        return "null, null, null"
    ((amount, currency),) = table.measures
    # The cell may hold anything, also a contact, and this column is shown to people.
    return f"a.{amount}, case when {is_currency(f'a.{currency}')} then a.{currency} end, a.{table.created}"


def _rows_of_unreadable(path: Path) -> int:
    """Number of rows of a set-aside file: lines below the header of a text file; 0 for other formats."""
    if path.suffix not in (".csv", ".tsv", ".txt", ".jsonl"):
        return 0
    with path.open("rb") as content:
        # A line may be as long as the file.
        pieces = iter(lambda: content.readline(_LONGEST_PIECE), b"")
        lines = sum(
            1 for piece in pieces if piece.strip(_BLANK) and (piece.endswith(b"\n") or len(piece) < _LONGEST_PIECE)
        )
    return max(lines - (path.suffix != ".jsonl"), 0)


def _mark_present(warehouse: Ledger, table: InputTable, fingerprints: Mapping[InboxFile, str]) -> None:
    here = pa.table(
        {
            "file": pa.array([file.name for file in fingerprints], pa.string()),
            "fingerprint": pa.array(list(fingerprints.values()), pa.string()),
        }
    )
    with warehouse.reading("here", here):
        warehouse.execute(
            f"""
            update {LANDINGS} set present = (file, fingerprint) in (select file, fingerprint from here)
            where source_table = $table and kind = 'file' and present <> ((file, fingerprint) in (select file, fingerprint from here))
            """,
            {"table": table.name},
        )
