"""A file as a sheet of text: encoding and separator are detected, rows are numbered as in a spreadsheet."""

import codecs
import csv
import io
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa

from reconciliation_assets.sources.presets.statements import statement_form, statement_sheet
from reconciliation_assets.sources.text_rows import (
    LINES,
    LONGEST_LINE,
    ROWS_PER_BATCH,
    FileSetAsideError,
    engine_on,
)
from reconciliation_assets.sources.workbooks import NO_WORKBOOK, heads_of_workbook, rows_of_workbook

_TEXTS = (".csv", ".tsv", ".txt")
_WORKBOOKS = (".xlsx", ".xlsm", ".xls")
STATEMENT_SUFFIXES = (".xml", ".sta", ".940", ".mt940", ".swi", ".fin", ".053", ".camt")
SHEET_SUFFIXES = (*_TEXTS, *_WORKBOOKS, ".parquet", ".jsonl", *STATEMENT_SUFFIXES)
HEAD_ROWS = 40
_HEAD_BYTES = 262_144
_SEPARATORS = ",;\t|"
# Columns beyond the widest of the first rows, so that a row longer than its header is detected, not cut.
_SPARE_COLUMNS = 8
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OLD_ARABIC = "cp1256"
_CHUNK = 1 << 20
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# The maximum of an Excel sheet. JSON lines with more names than this use values as names.
_MOST_COLUMNS = 16_384
NOT_TEXT = "\ufdd0"
"""What stands in a cell for bytes that are no text in the file's encoding; a letter that no text has."""

codecs.register_error("reading.marked", lambda error: (NOT_TEXT, error.end))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Head:
    """The first rows of a sheet, cell by cell, and how the file is written.

    Attributes:
        sheet: index of the workbook's sheet, from 0.
        first_row: number of the first row; 0 for field names, as in JSON.
        is_text: whether numbers are text, and not numbers of a program.
    """

    rows: tuple[tuple[str, ...], ...]
    written: str
    sheet: int = 0
    first_row: int = 1
    is_text: bool = True


def read_heads(path: Path) -> list[Head]:
    """The first rows of every sheet of a file; only a workbook has several.

    Raises:
        FileSetAsideError: it cannot be read as a sheet.
    """
    match _form(path):
        case "workbook":
            return [
                Head(
                    tuple(tuple(cell or "" for cell in row) for row in rows),
                    "Excel workbook" + (f", sheet {sheet + 1}" if sheet else ""),
                    sheet,
                    is_text=False,
                )
                for sheet, rows in enumerate(heads_of_workbook(path, HEAD_ROWS))
            ]
        case "parquet":
            return [Head((tuple(_parquet(path).column_names),), "Parquet", is_text=False)]
        case "json":
            return [Head((tuple(_json_lines(path).column_names),), "JSON Lines", first_row=0, is_text=False)]
        case "mt940" | "camt" as form:
            sheet = statement_sheet(path, form).slice(0, HEAD_ROWS).to_pylist()
            rows = tuple(tuple(cell or "" for cell in row.values()) for row in sheet)
            return [Head(rows, {"mt940": "MT940", "camt": "CAMT.053"}[form], is_text=False)]
    encoding = _encoding(path)
    text = _head(path, encoding)
    if text.lstrip().startswith("<"):
        raise FileSetAsideError("it is a web page under another name; open it in Excel and save it as .xlsx")
    separator = _separator(text)
    return [Head(_cells(text, separator), f"{encoding.removesuffix('-sig')}, separated by {_spelled(separator)}")]


def read_sheet(path: Path, sheet: int = 0) -> pa.Table:
    """All rows of a sheet as text: `row_number`, and `c0`, `c1` and so on.

    Args:
        path: the file.
        sheet: index of the workbook's sheet, from 0.

    Raises:
        FileSetAsideError: its rows cannot be split into cells.
    """
    match _form(path):
        case "workbook":
            return _numbered(rows_of_workbook(path, sheet))
        case "parquet":
            return _numbered(_under_its_names(_parquet(path)))
        case "json":
            return _numbered(_under_its_names(_json_lines(path)), first=0)
        case "mt940" | "camt" as form:
            return _numbered(statement_sheet(path, form))
    encoding = _encoding(path)
    head = _head(path, encoding)
    separator = _separator(head)
    width = max(map(len, _cells(head, separator)), default=0) + _SPARE_COLUMNS
    names = [f"c{position}" for position in range(width)]
    schema = pa.schema([(name, pa.string()) for name in names])
    try:
        return _numbered(pa.Table.from_batches(_split(path, encoding, separator, schema), schema))
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeError):
        raise FileSetAsideError(
            "its rows cannot be split into cells: a quotation mark is probably not closed; export it again"
        ) from None


def _split(path: Path, encoding: str, separator: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    with path.open(encoding=encoding, errors="reading.marked", newline="") as text, warnings.catch_warnings():
        # pandas would only warn about a row that is too long for the spare columns, and cut it.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frames = pd.read_csv(
                text,
                sep=separator,
                header=None,
                names=schema.names,
                index_col=False,
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
                chunksize=ROWS_PER_BATCH,
            )
        except pd.errors.EmptyDataError:
            return
        with frames:
            for frame in frames:
                # pandas may build a wide or long frame from several chunks.
                yield from pa.Table.from_pandas(frame, schema, preserve_index=False).to_batches()


def _form(path: Path) -> Literal["workbook", "parquet", "json", "mt940", "camt", "text"]:
    """The format of a file by its first bytes, because text files are often named `.xls`, and Excel workbooks `.csv`."""
    with path.open("rb") as file:
        beginning = file.read(_HEAD_BYTES)
    start = beginning[:4]
    suffix = path.suffix.lower()
    if start in _WORKBOOK_MARKS:
        return "workbook"
    if suffix in (".xlsx", ".xlsm"):
        raise FileSetAsideError(NO_WORKBOOK)
    if start == b"PAR1" or suffix == ".parquet":
        return "parquet"
    if suffix == ".jsonl":
        return "json"
    if suffix in (*STATEMENT_SUFFIXES, ".txt") and (statement := statement_form(beginning)):
        return statement
    if suffix in STATEMENT_SUFFIXES:
        raise FileSetAsideError(
            "it is neither an MT940 nor a CAMT.053 statement; export it as one of these, as CSV or as a workbook"
        )
    return "text"


def _encoding(path: Path) -> str:
    """Encoding by byte order mark; else UTF-8 if most non-ASCII lines are valid UTF-8; else the code page of Arabic Excel.

    Raises:
        FileSetAsideError: a line is too long to be a line of text.
    """
    with path.open("rb") as file:
        start = file.read(1000)
        for mark, encoding in _BYTE_ORDER_MARKS:
            if start.startswith(mark):
                return encoding
        if start and start[1::2].count(0) > len(start) // 4:
            return "utf-16-le"
        if start and start[0::2].count(0) > len(start) // 4:
            return "utf-16-be"
        file.seek(0)
        is_text, decoder, since_line_end = True, codecs.getincrementaldecoder("utf-8")(), 0
        while chunk := file.read(_CHUNK):
            line_end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            since_line_end = since_line_end + len(chunk) if line_end < 0 else len(chunk) - line_end
            if since_line_end > LONGEST_LINE:
                raise FileSetAsideError(f"a line of it is longer than {LONGEST_LINE // 1_000_000} MB; export it again")
            try:
                is_text and decoder.decode(chunk)
            except UnicodeDecodeError:
                is_text = False
        if is_text:
            return "utf-8"
        file.seek(0)
        return "utf-8" if _most_lines_are_utf_8(file) else _OLD_ARABIC


def _most_lines_are_utf_8(lines: Iterable[bytes]) -> bool:
    """Whether most non-ASCII lines are valid UTF-8; text in an old code page is hardly ever valid by chance."""
    balance = 0
    for line in lines:
        if not line.isascii():
            try:
                line.decode("utf-8")
                balance += 1
            except UnicodeDecodeError:
                balance -= 1
    return balance > 0


def _head(path: Path, encoding: str) -> str:
    with path.open("rb") as file:
        content = file.read(_HEAD_BYTES)
    return codecs.getincrementaldecoder(encoding)(errors="reading.marked").decode(content)


def _separator(text: str) -> str:
    """The separator that splits any of the first rows into the most cells."""
    return max(_SEPARATORS, key=lambda separator: max(map(len, _cells(text, separator)), default=0))


def _cells(text: str, separator: str) -> tuple[tuple[str, ...], ...]:
    # Lines may end in a lone carriage return, as old programs write them.
    lines = csv.reader(io.StringIO(text, newline=None), delimiter=separator)
    try:
        return tuple(map(tuple, islice(lines, HEAD_ROWS)))
    except csv.Error:
        return ()


def _spelled(separator: str) -> str:
    return {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}[separator]


def _parquet(path: Path) -> pa.Table:
    try:
        with engine_on(path) as (engine, name):
            return engine.sql(
                "select cast(columns(*) as varchar) from read_parquet($path)", params={"path": name}
            ).to_arrow_table()
    except Exception:
        # The engine raises many types of error, and its messages may quote the file.
        raise FileSetAsideError("it is damaged or not really a parquet file; export it again") from None


def _json_lines(path: Path) -> pa.Table:
    """One column per name that occurs in any line, and one row per line, blank lines included."""
    with engine_on(path) as (engine, own_name):
        engine.execute(
            f"create table lines as select row_number() over () as number, line from {LINES}", {"path": own_name}
        )
        (unreadable,) = engine.execute(
            """
            select min(number) from (
              select number from lines
              where trim(line) <> '' and not case when json_valid(line) then json_type(line) = 'OBJECT' else false end
              union all select line from reject_errors
            )
            """
        ).fetchall()[0]
        if unreadable is not None:
            raise FileSetAsideError(f"line {unreadable} is not a JSON object; export it again")
        names = [
            name
            for (name,) in engine.execute(
                f"""
                select name from (select number, unnest(json_keys(line)) as name from lines where trim(line) <> '')
                group by 1 order by min(number), 1 limit {_MOST_COLUMNS + 1}
                """
            ).fetchall()
        ]
        if len(names) > _MOST_COLUMNS:
            raise FileSetAsideError(
                f"its lines name more than {_MOST_COLUMNS:,} columns; export it with one name for each kind of value"
            )
        cells = ", ".join(f"json_extract_string(line, $name{place}) as c{place}" for place in range(len(names)))
        rows = engine.sql(
            f"select {cells or 'line'} from lines order by number",
            params={f"name{place}": _pointer(name) for place, name in enumerate(names)},
        ).to_arrow_table()
        return rows.rename_columns(names) if names else rows


def _pointer(name: str) -> str:
    """A name as a JSON Pointer (RFC 6901), with its special characters escaped."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _under_its_names(table: pa.Table) -> pa.Table:
    """The rows with their column names as the first row, as in a sheet."""
    width = range(table.num_columns)
    names = pa.table({f"c{n}": pa.array([table.column_names[n]], pa.string()) for n in width})
    rows = pa.table({f"c{n}": table.column(n).cast(pa.string()) for n in width})
    return pa.concat_tables([names, rows])


def _numbered(cells: pa.Table, first: int = 1) -> pa.Table:
    return cells.add_column(0, "row_number", pa.array(range(first, first + cells.num_rows), pa.int64()))
