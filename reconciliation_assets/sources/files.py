"""Dropped files: which file holds which table, and its rows as text with the row number a spreadsheet shows.

A file is recognised by its name, `<table>.csv` or `<table>-anything.csv`, or else by its headings, through a preset. CSV,
Parquet, JSON Lines and Excel are all read as batches of text, one column per contract column. Files are read from private
copies, in private in-memory engines that can open no other file and may not spill to disk, because rows still contain
contacts here.
"""

import csv
import hashlib
import json
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.sources.kept_text import shown_heading, shown_name
from reconciliation_assets.sources.presets.load import fingerprint
from reconciliation_assets.sources.presets.mapping import JudgedSheets, mapped_rows
from reconciliation_assets.sources.presets.model import Preset
from reconciliation_assets.sources.presets.recognition import Recognised, Unrecognised, recognise
from reconciliation_assets.sources.snapshot import Snapshot, snapshot
from reconciliation_assets.sources.text_rows import (
    LINES,
    ROW_DIGEST,
    ROWS_PER_BATCH,
    FileSetAsideError,
    Reject,
    TextRows,
    engine_on,
    quoted,
)
from reconciliation_assets.sources.workbooks import rows_of_workbook
from reconciliation_assets.warehouse.duckdb import Connection

SUFFIXES = (".csv", ".parquet", ".jsonl", ".xlsx")
_TEXTS = ("csv", "tsv", "txt", "jsonl")
_OPEN_END = "its last line has no end; if it was cut off while it was copied, drop it again"
_NO_TEXT = "\0"
_LONGEST_HEADER = 1 << 20
_DAMAGED_INSIDE = {
    "csv": "its lines end in different ways, or it is damaged inside; open it, save it as CSV UTF-8 and drop it again"
}
_REJECTIONS = {
    "MISSING COLUMNS": "the row has fewer cells than the header",
    "TOO MANY COLUMNS": "the row has more cells than the header",
    "UNQUOTED VALUE": "a quotation mark is opened and not closed properly",
    "INVALID ENCODING": "the row is not UTF-8 text; save the file as UTF-8",
    "LINE SIZE OVER MAXIMUM": "the row is longer than any row may be; a quotation mark is probably not closed",
}


@dataclass(frozen=True)
class InboxFile:
    """A dropped file and the input table, or one of the input tables, that it holds.

    Attributes:
        kind: the preset by which its headings were recognised; None if its name gives the table.
        part: index of the table among the preset's tables.
    """

    table: str
    path: Path
    kind: Recognised | None = field(default=None, hash=False)
    part: int = 0

    @property
    def name(self) -> str:
        """The file's name, without contacts, as it is stored and shown."""
        return shown_name(self.path)

    def fingerprint(self, content: str) -> str:
        """The fingerprint of its content, its preset and its part: if any of them changes, the file is read again."""
        return f"{content} {fingerprint(self.kind.preset)} {self.part}" if self.kind else content


def discover(inbox: Path, presets: Sequence[Preset]) -> tuple[list[InboxFile], list[Unrecognised]]:
    """The inbox's files with their tables, and the files that neither name nor headings identify.

    Hidden files are ignored.
    """
    known: list[InboxFile] = []
    unknown: list[Unrecognised] = []
    for path in sorted(inbox.iterdir()) if inbox.is_dir() else []:
        if path.name.startswith((".", "~$")):
            continue
        recognised = take_for(path, presets)
        if isinstance(recognised, Unrecognised):
            unknown.append(recognised)
        else:
            known += recognised
    return known, unknown


def inbox_state(files: Sequence[InboxFile]) -> str:
    """A fingerprint of the inbox without reading the files: names, sizes and modification times."""
    stats = [(file.name, file.path.stat()) for file in files]
    seen = sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def take_for(path: Path, presets: Sequence[Preset]) -> list[InboxFile] | Unrecognised:
    """The tables of a file: the table its name begins with, or else those identified by its headings.

    `orders.csv` and `orders-anything.csv` hold the table `orders`.
    """
    if (refusal := _why_no_file(path)) is not None:
        return Unrecognised(path, refusal)
    table = path.stem.partition("-")[0]
    if table in INPUT_TABLE and path.suffix.lower() in SUFFIXES:
        return [InboxFile(table, path)]
    found = recognise(path, presets)
    if isinstance(found, Unrecognised):
        return found
    return [InboxFile(part.table, path, found, number) for number, part in enumerate(found.preset.tables)]


def _why_no_file(path: Path) -> str | None:
    """Why an entry of a folder is not a regular file; None if it is one."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return "it is a link to something that is not there, or that may not be looked at; put the file itself there"
    if stat.S_ISDIR(mode):
        return "it is a folder; move the files in it up into the inbox"
    return None if stat.S_ISREG(mode) else "it is no file but a pipe, a socket or a device; remove it"


@contextmanager
def reading(file: InboxFile) -> Iterator[TextRows]:
    """The rows of a dropped file, read from a private copy.

    Raises:
        FileSetAsideError: the file cannot be read, or lacks a required column.
    """
    with snapshot(file.path) as copy, JudgedSheets() as sheets:
        yield open_file(file, copy, sheets)


def open_file(file: InboxFile, copy: Snapshot, sheets: JudgedSheets) -> TextRows:
    """The file's rows.

    Args:
        file: the file.
        copy: the copy that is read; it may differ from the content that was recognised, so it is recognised again.
        sheets: interprets files with a preset, and keeps the result for the file's next part.

    Raises:
        FileSetAsideError: the file cannot be read, or lacks a required column.
    """
    form = copy.path.suffix.lstrip(".")
    with _plain_damage(form):
        if file.kind is None:
            opener = {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl, "xlsx": _xlsx}[form]
            rows = opener(copy.path, INPUT_TABLE[file.table])
        else:
            kind = sheets.kind_of(copy.path, file.kind.preset)
            rows = mapped_rows(copy.path, kind, kind.preset.tables[file.part], sheets)
    if copy.has_open_end and form in _TEXTS:
        rows.notes.append(_OPEN_END)
    return replace(rows, read=_with_plain_damage(rows.read, form))


def _with_plain_damage(
    read: Callable[[TextRows], Iterator[pa.Table]], form: str
) -> Callable[[TextRows], Iterator[pa.Table]]:
    """Report damage that is found only while the rows are read."""

    def read_plainly(rows: TextRows) -> Iterator[pa.Table]:
        batches = read(rows)
        while True:
            # Only errors from reading are damage of the file; errors of the consumer must pass through.
            with _plain_damage(form, "it is damaged inside; export it again"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    return read_plainly


@contextmanager
def _plain_damage(form: str, otherwise: str | None = None) -> Iterator[None]:
    """Replace any error of an engine or library by a plain one, because their messages may quote a row."""
    try:
        yield
    except FileSetAsideError:
        raise
    except Exception:
        damaged = f"it is damaged or not really a {form} file; export it again"
        message = _DAMAGED_INSIDE.get(form, otherwise) if otherwise else damaged
        raise FileSetAsideError(message) from None


def _split_header(
    header: list[str], table: InputTable, names_stand: str = "let its first row name them"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The contract's columns in a header, and the names of its other columns."""
    missing = [name for name in table.required if name not in header]
    if len(missing) == len(table.required):
        raise FileSetAsideError(
            f"it has none of the required columns {', '.join(missing)}; {names_stand} and drop the file again"
        )
    if len(missing) > 1:
        raise FileSetAsideError(
            f"the required columns {', '.join(missing)} are missing; add them and drop the file again"
        )
    if missing:
        raise FileSetAsideError(f"the required column {missing[0]} is missing; add it and drop the file again")
    known = [column.name for column in table]
    # Only names of the contract are shown: the first row of a file without headings holds a person's data.
    repeated = [name for name in known if header.count(name) > 1]
    if repeated:
        raise FileSetAsideError(f"the column {', '.join(repeated)} stands in it more than once; keep one")
    return (
        tuple(name for name in known if name in header),
        tuple(dict.fromkeys(shown_heading(name, place) for place, name in enumerate(header, 1) if name not in known)),
    )


def _as_header(cells: list[Any]) -> list[str]:
    return [str(cell if cell is not None else "").strip().lower() for cell in cells]


def _streamed(connection: Connection, sql: str, parameters: dict[str, Any]) -> Iterator[pa.Table]:
    for batch in connection.sql(sql, params=parameters).to_arrow_reader(ROWS_PER_BATCH):
        yield pa.Table.from_batches([batch])


def _first_line(path: Path) -> str:
    """A text file's first line, with any line ending."""
    if not path.stat().st_size:
        raise FileSetAsideError("it is empty; export it again")
    with path.open("rb") as file:
        line = file.readline(_LONGEST_HEADER)
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _NO_TEXT
    if _NO_TEXT in text:
        raise FileSetAsideError("it is not UTF-8 text; save it as CSV UTF-8 and drop it again")
    return re.split(r"[\r\n]", text, maxsplit=1)[0]


def _csv(path: Path, table: InputTable) -> TextRows:
    first = _first_line(path)
    delimiter = max(",;\t|", key=first.count)
    header = _as_header(next(csv.reader([first], delimiter=delimiter), []))
    columns, ignored = _split_header(header, table)
    names = {f"c{position}": "VARCHAR" for position in range(len(header))}
    cells = [f"c{header.index(name)} as {quoted(name)}" for name in columns]
    has_digest = _needs_digest(table, ignored)
    if has_digest:
        cells.append(_digest(_unread(header, columns)))

    def read(rows: TextRows) -> Iterator[pa.Table]:
        with engine_on(path) as (engine, own_name):
            yield from _streamed(
                engine,
                f"""
                select 1 + row_number() over () as row_number, {", ".join(cells)}
                from read_csv($path, columns = $names, auto_detect = false, header = true, delim = $delimiter,
                              quote = '"', escape = '"', store_rejects = true, rejects_limit = 0)
                """,
                {"path": own_name, "names": names, "delimiter": delimiter},
            )
            rows.rejects.extend(_rejected(engine))

    return TextRows(columns, ignored, read, has_digest=has_digest)


def _needs_digest(table: InputTable, ignored: Sequence[str]) -> bool:
    return bool(table.adds_up and ignored)


def _unread(header: Sequence[str], columns: Sequence[str]) -> list[str]:
    return [f"c{place}" for place, name in enumerate(header) if name not in columns]


def _digest(columns: Sequence[str]) -> str:
    cells = ", ".join(f"coalesce(cast({quoted(name)} as varchar), '')" for name in columns)
    return f"md5(concat_ws(chr(31), {cells})) as {ROW_DIGEST}"


def _rejected(engine: Connection) -> list[Reject]:
    """The lines that the engine could not parse, in order."""
    found = engine.execute(
        "select line, min(cast(error_type as varchar)) from reject_errors group by line order by line"
    ).fetchall()
    return [Reject(line, _REJECTIONS.get(kind, "the row cannot be split into cells")) for line, kind in found]


def _parquet(path: Path, table: InputTable) -> TextRows:
    with engine_on(path) as (engine, own_name):
        described = engine.execute("describe select * from read_parquet($path)", {"path": own_name}).fetchall()
    header = _as_header([name for name, *_ in described])
    columns, ignored = _split_header(header, table)
    places = ", ".join(f"c{place}" for place in range(len(header)))
    cells = [f"cast(c{header.index(name)} as varchar) as {quoted(name)}" for name in columns]
    has_digest = _needs_digest(table, ignored)
    if has_digest:
        cells.append(_digest(_unread(header, columns)))

    def read(_: TextRows) -> Iterator[pa.Table]:
        with engine_on(path) as (engine, own_name):
            yield from _streamed(
                engine,
                f"select 1 + row_number() over () as row_number, {', '.join(cells)} from read_parquet($path) as whole({places})",
                {"path": own_name},
            )

    return TextRows(columns, ignored, read, has_digest=has_digest)


def _jsonl(path: Path, table: InputTable) -> TextRows:
    with engine_on(path) as (engine, own_name):
        found = engine.execute(
            f"""
            select distinct unnest(json_keys(line)) from {LINES}
            where case when json_valid(line) then json_type(line) = 'OBJECT' else false end
            """,
            {"path": own_name},
        ).fetchall()
    columns, ignored = _split_header(sorted(name for (name,) in found), table, "let every line name them")
    cells = [f"case when readable then line ->> '$.{name}' end as {quoted(name)}" for name in columns]
    has_digest = _needs_digest(table, ignored)
    if has_digest:
        cells.append(_digest(["line"]))

    def read(rows: TextRows) -> Iterator[pa.Table]:
        unreadable: list[int] = []
        with engine_on(path) as (engine, own_name):
            batches = _streamed(
                engine,
                f"""
                select count(*) filter (readable) over (order by line_number) as row_number, line_number, readable, {", ".join(cells)}
                from (
                    select row_number() over () as line_number, line,
                           case when json_valid(line) then json_type(line) = 'OBJECT' else false end as readable
                    from {LINES}
                )
                """,
                {"path": own_name},
            )
            for batch in batches:
                unreadable += batch.filter(pc.invert(batch["readable"]))["line_number"].to_pylist()
                yield batch.filter(batch["readable"]).drop_columns(["line_number", "readable"])
            rows.rejects.extend(_with_row_numbers(_rejected(engine), unreadable))

    return TextRows(columns, ignored, read, has_digest=has_digest)


def _with_row_numbers(rejected: list[Reject], unreadable: list[int]) -> list[Reject]:
    """All rejected lines with corrected row numbers: the engine's rejects, and the lines that are not JSON."""
    found, above = [], 0
    for number in unreadable:
        while above < len(rejected) and rejected[above].row_number <= number + above:
            above += 1
        found.append(Reject(number + above, "the line is not a JSON object"))
    return sorted([*rejected, *found], key=lambda reject: reject.row_number)


def _xlsx(path: Path, table: InputTable) -> TextRows:
    sheet = rows_of_workbook(path, 0)
    first = next((place for place in range(sheet.num_rows) if any(_row(sheet, place))), None)
    if first is None:
        raise FileSetAsideError("its first sheet is empty")
    header = _as_header(_row(sheet, first))
    columns, ignored = _split_header(header, table)
    has_digest = _needs_digest(table, ignored)
    below = sheet.slice(first + 1)
    cells = [below.column(header.index(name)) for name in columns]
    names = [*columns]
    if has_digest:
        rows = zip(*(below.column(place).to_pylist() for place in range(below.num_columns)), strict=True)
        cells.append(pa.array([hashlib.sha256(repr(row).encode()).hexdigest() for row in rows], pa.string()))
        names.append(ROW_DIGEST)
    numbers = pa.array(range(first + 2, sheet.num_rows + 1), pa.int64())

    def read(_: TextRows) -> Iterator[pa.Table]:
        yield pa.Table.from_arrays([numbers, *cells], ["row_number", *names])

    return TextRows(columns, ignored, read, has_digest=has_digest)


def _row(sheet: pa.Table, place: int) -> list[str | None]:
    return [column[place].as_py() for column in sheet.columns]
