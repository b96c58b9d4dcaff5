"""Dropped extracts: which file holds which table, and its rows as text with the row number a spreadsheet shows.

A file is known by its name, `<table>.csv` or `<table>-anything.csv`, or else by its headings, through a preset. CSV,
Parquet, JSON Lines and Excel all become the same thing: batches of text, one column per contract column. Reading
happens in a private in-memory engine that may not spill to disk, since rows still hold contacts here.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from python_calamine import CalamineError, CalamineWorkbook

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.sources.presets.load import fingerprint
from reconciliation_assets.sources.presets.mapping import JudgedSheets, mapped_rows
from reconciliation_assets.sources.presets.model import Preset
from reconciliation_assets.sources.presets.recognition import Recognised, Unrecognised, recognise
from reconciliation_assets.sources.text_rows import (
    JSON_LINES,
    ROW_DIGEST,
    ROWS_PER_BATCH,
    FileSetAsideError,
    Reject,
    TextRows,
    cell_text,
    private_engine,
    quoted,
)

SUFFIXES = (".csv", ".parquet", ".jsonl", ".xlsx")
_NO_TEXT = "\0"
_UNREADABLE = (duckdb.Error, CalamineError, pa.ArrowInvalid, csv.Error, OSError)
_DAMAGED_INSIDE = {
    "csv": "its lines end in different ways, or it is damaged inside; open it, save it as CSV UTF-8 and drop it again"
}
_REJECTIONS = {
    "MISSING COLUMNS": "the row has fewer cells than the header",
    "TOO MANY COLUMNS": "the row has more cells than the header",
    "UNQUOTED VALUE": "a quotation mark is opened and not closed properly",
    "INVALID ENCODING": "the row is not UTF-8 text; save the file as UTF-8",
    "LINE SIZE OVER MAXIMUM": "the row is longer than 2 MB; a quotation mark is probably not closed",
}


@dataclass(frozen=True)
class InboxFile:
    """A dropped file and the input table it holds, or one of those it holds.

    Attributes:
        kind: what a file is that its headings told; None for one that its name told.
        part: which of the preset's tables this is.
    """

    table: str
    path: Path
    kind: Recognised | None = field(default=None, hash=False)
    part: int = 0

    @property
    def name(self) -> str:
        """The file's name, as messages show it."""
        return self.path.name

    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes; under a preset, also which one and which part: changed, it is another reading."""
        with self.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return f"{content} {fingerprint(self.kind.preset)} {self.part}" if self.kind else content


def discover(inbox: Path, presets: Sequence[Preset]) -> tuple[list[InboxFile], list[Unrecognised]]:
    """The inbox's files with their tables, and those that neither their name nor their headings tell.

    Hidden files are not looked at.
    """
    known: list[InboxFile] = []
    unknown: list[Unrecognised] = []
    for path in sorted(inbox.iterdir()) if inbox.is_dir() else []:
        if path.name.startswith((".", "~$")) or not path.is_file():
            continue
        taken = take_for(path, presets)
        if isinstance(taken, Unrecognised):
            unknown.append(taken)
        else:
            known += taken
    return known, unknown


def inbox_state(files: Sequence[InboxFile]) -> str:
    """A fingerprint of what lies in the inbox, without reading it: names, sizes and times of change."""
    stats = [(file.name, file.path.stat()) for file in files]
    seen = sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def take_for(path: Path, presets: Sequence[Preset]) -> list[InboxFile] | Unrecognised:
    """What a file is taken for: the table its name begins with, else the tables that its headings tell.

    `orders.csv` and `orders-anything.csv` hold the table `orders`.
    """
    table = path.stem.partition("-")[0]
    if table in INPUT_TABLE and path.suffix.lower() in SUFFIXES:
        return [InboxFile(table, path)]
    found = recognise(path, presets)
    if isinstance(found, Unrecognised):
        return found
    return [InboxFile(part.table, path, found, number) for number, part in enumerate(found.preset.tables)]


def open_file(file: InboxFile, sheets: JudgedSheets | None = None) -> TextRows:
    """The file's rows.

    Args:
        file: the file.
        sheets: where files under a preset are judged; given, what was judged is kept for the file's next part.

    Raises:
        FileSetAsideError: the file cannot be read, or lacks a required column.
    """
    if file.kind is not None:
        return mapped_rows(file.path, file.kind, file.kind.preset.tables[file.part], sheets or JudgedSheets())
    table = INPUT_TABLE[file.table]
    opener = {".csv": _csv, ".parquet": _parquet, ".jsonl": _jsonl, ".xlsx": _xlsx}[file.path.suffix.lower()]
    form = file.path.suffix.lower().lstrip(".")
    try:
        rows = opener(file.path, table)
    except _UNREADABLE:
        raise FileSetAsideError(f"it is damaged or not really a {form} file; export it again") from None
    return replace(rows, read=_told_plainly(rows.read, form))


def _told_plainly(
    read: Callable[[TextRows], Iterator[pa.Table]], form: str
) -> Callable[[TextRows], Iterator[pa.Table]]:
    """Damage that shows only while the rows are read is told as such: what the engine says of it may hold a row."""

    def told(rows: TextRows) -> Iterator[pa.Table]:
        try:
            yield from read(rows)
        except _UNREADABLE:
            raise FileSetAsideError(_DAMAGED_INSIDE.get(form, "it is damaged inside; export it again")) from None

    return told


def _chosen(
    header: list[str], table: InputTable, names_stand: str = "let its first row name them"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The contract's columns that a header has, and the rest."""
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise FileSetAsideError(f"the column {', '.join(repeated)} stands in it more than once; keep one")
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
    return (
        tuple(name for name in known if name in header),
        tuple(name for name in header if name not in known),
    )


def _as_header(cells: list[Any]) -> list[str]:
    return [str(cell if cell is not None else "").strip().lower() for cell in cells]


def _streamed(connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]) -> Iterator[pa.Table]:
    for batch in connection.sql(sql, params=parameters).to_arrow_reader(ROWS_PER_BATCH):
        yield pa.Table.from_batches([batch])


def _first_line(path: Path) -> str:
    """A text file's first line, however its lines end."""
    if not path.stat().st_size:
        raise FileSetAsideError("it is empty; export it again")
    with path.open("rb") as file:
        line = file.readline()
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
    columns, ignored = _chosen(header, table)
    has_digest = _needs_digest(table, ignored)
    cells = [quoted(name) for name in columns]
    if has_digest:
        cells.append(_digest([_unnamed(name, place) for place, name in enumerate(header) if name in ignored]))
    names = {_unnamed(name, position): "VARCHAR" for position, name in enumerate(header)}

    def read(rows: TextRows) -> Iterator[pa.Table]:
        with private_engine() as connection:
            yield from _streamed(
                connection,
                f"""
                select 1 + row_number() over () as row_number, {", ".join(cells)}
                from read_csv($path, columns = $names, auto_detect = false, header = true, delim = $delimiter,
                              quote = '"', escape = '"', store_rejects = true, rejects_limit = 0)
                """,
                {"path": str(path), "names": names, "delimiter": delimiter},
            )
            rows.rejects.extend(
                Reject(line, _REJECTIONS.get(kind, "the row cannot be split into cells"))
                for line, kind in connection.execute(
                    "select line, min(cast(error_type as varchar)) from reject_errors group by line order by line"
                ).fetchall()
            )

    return TextRows(columns, ignored, read, has_digest=has_digest)


def _needs_digest(table: InputTable, ignored: Sequence[str]) -> bool:
    return bool(table.adds_up and ignored)


def _digest(columns: Sequence[str]) -> str:
    cells = ", ".join(f"coalesce(cast({quoted(name)} as varchar), '')" for name in columns)
    return f"md5(concat_ws(chr(31), {cells})) as {ROW_DIGEST}"


def _unnamed(name: str, position: int) -> str:
    return name or f"column {position + 1}"


def _parquet(path: Path, table: InputTable) -> TextRows:
    with private_engine() as connection:
        described = connection.execute("describe select * from read_parquet($path)", {"path": str(path)}).fetchall()
    original = {str(name).strip().lower(): str(name) for name, *_ in described}
    columns, ignored = _chosen(list(original), table)
    cells = [f"cast({quoted(original[name])} as varchar) as {quoted(name)}" for name in columns]
    has_digest = _needs_digest(table, ignored)
    if has_digest:
        cells.append(_digest([original[name] for name in ignored]))

    def read(_: TextRows) -> Iterator[pa.Table]:
        with private_engine() as connection:
            yield from _streamed(
                connection,
                f"select 1 + row_number() over () as row_number, {', '.join(cells)} from read_parquet($path)",
                {"path": str(path)},
            )

    return TextRows(columns, ignored, read, has_digest=has_digest)


def _jsonl(path: Path, table: InputTable) -> TextRows:
    with private_engine() as connection:
        found = connection.execute(
            f"""
            select distinct unnest(json_keys(line)) from {JSON_LINES}
            where case when json_valid(line) then json_type(line) = 'OBJECT' else false end
            """,
            {"path": str(path)},
        ).fetchall()
    columns, ignored = _chosen(sorted(name for (name,) in found), table, "let every line name them")
    cells = [f"case when readable then line ->> '$.{quoted(name)}' end as {quoted(name)}" for name in columns]
    has_digest = _needs_digest(table, ignored)
    if has_digest:
        cells.append(_digest(["line"]))

    def read(rows: TextRows) -> Iterator[pa.Table]:
        with private_engine() as connection:
            batches = _streamed(
                connection,
                f"""
                select count(*) filter (readable) over (order by line_number) as row_number, line_number, readable, {", ".join(cells)}
                from (
                    select row_number() over () as line_number, line,
                           case when json_valid(line) then json_type(line) = 'OBJECT' else false end as readable
                    from {JSON_LINES}
                )
                """,
                {"path": str(path)},
            )
            for batch in batches:
                unreadable = batch.filter(pc.invert(batch["readable"]))["line_number"].to_pylist()
                rows.rejects.extend(Reject(number, "the line is not a JSON object") for number in unreadable)
                yield batch.filter(batch["readable"]).drop_columns(["line_number", "readable"])

    return TextRows(columns, ignored, read, has_digest=has_digest)


def _xlsx(path: Path, table: InputTable) -> TextRows:
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    if not sheet:
        raise FileSetAsideError("its first sheet is empty")
    header = _as_header(sheet[0])
    columns, ignored = _chosen(header, table)
    positions = [header.index(name) for name in columns]
    has_digest = _needs_digest(table, ignored)

    def read(_: TextRows) -> Iterator[pa.Table]:
        cells = [pa.array([cell_text(row[position]) for row in sheet[1:]], pa.string()) for position in positions]
        numbers = pa.array(range(2, len(sheet) + 1), pa.int64())
        names = ["row_number", *columns]
        if has_digest:
            cells.append(pa.array([hashlib.sha256(repr(row).encode()).hexdigest() for row in sheet[1:]], pa.string()))
            names.append(ROW_DIGEST)
        yield pa.Table.from_arrays([numbers, *cells], names)

    return TextRows(columns, ignored, read, has_digest=has_digest)
