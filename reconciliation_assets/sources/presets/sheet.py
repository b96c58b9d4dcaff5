"""A file as a sheet of text: its encoding and separator found out, its rows numbered as a spreadsheet numbers them."""

import codecs
import csv
import io
import warnings
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from reconciliation_assets.sources.presets.statements import statement_form, statement_sheet
from reconciliation_assets.sources.text_rows import JSON_LINES, FileSetAsideError, cell_text, private_engine, quoted

_TEXTS = (".csv", ".tsv", ".txt")
_WORKBOOKS = (".xlsx", ".xlsm", ".xls")
_STATEMENTS = (".xml", ".sta", ".940", ".mt940", ".swi", ".fin", ".053", ".camt")
SHEET_SUFFIXES = (*_TEXTS, *_WORKBOOKS, ".parquet", ".jsonl", *_STATEMENTS)
HEAD_ROWS = 40
_HEAD_BYTES = 262_144
_SEPARATORS = ",;\t|"
# Columns beyond the widest row of the head: a row that runs over its header is told apart, not lost.
_SPARE_COLUMNS = 8
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OLD_ARABIC = "cp1256"
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_NO_WORKBOOK = "it is damaged, protected by a password or not really an Excel workbook; export it again"


@dataclass(frozen=True)
class Head:
    """The first rows of a sheet, cell by cell, and how the file is written.

    Attributes:
        sheet: which of a workbook's sheets, from 0.
        first_row: the number of the first row; names that stand above the rows, as in JSON, have none and count as 0.
        is_text: whether numbers are text that somebody wrote, and not numbers of a program.
    """

    rows: tuple[tuple[str, ...], ...]
    written: str
    sheet: int = 0
    first_row: int = 1
    is_text: bool = True


def read_heads(path: Path) -> list[Head]:
    """The first rows of every sheet of a file; only a workbook has several.

    Raises:
        FileSetAsideError: it cannot be read as a sheet at all.
    """
    match _form(path):
        case "workbook":
            book = _workbook(path)
            return [
                Head(
                    tuple(tuple(cell or "" for cell in row) for row in _rows_of(book, sheet)[:HEAD_ROWS]),
                    "Excel workbook" + (f", sheet {sheet + 1}" if sheet else ""),
                    sheet,
                    is_text=False,
                )
                for sheet in range(len(book.sheet_names))
            ]
        case "parquet":
            return [Head((tuple(_parquet(path).column_names),), "Parquet", is_text=False)]
        case "json":
            return [Head((tuple(_json_lines(path).column_names),), "JSON Lines", first_row=0, is_text=False)]
        case "mt940" | "camt" as form:
            sheet = statement_sheet(path, form).slice(0, HEAD_ROWS).to_pylist()
            rows = tuple(tuple(cell or "" for cell in row.values()) for row in sheet)
            return [Head(rows, {"mt940": "MT940", "camt": "CAMT.053"}[form], is_text=False)]
    with path.open("rb") as file:
        content = file.read(_HEAD_BYTES)
    encoding = _encoding(content)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(content)
    if text.lstrip().startswith("<"):
        raise FileSetAsideError("it is a web page under another name; open it in Excel and save it as .xlsx")
    separator = _separator(text)
    return [Head(_cells(text, separator), f"{encoding.removesuffix('-sig')}, separated by {_spelled(separator)}")]


def read_sheet(path: Path, sheet: int = 0) -> pa.Table:
    """All rows of a sheet as text: `row_number`, and `c0`, `c1` and so on.

    Args:
        path: the file.
        sheet: which of a workbook's sheets, from 0.

    Raises:
        FileSetAsideError: its rows cannot be split into cells.
    """
    match _form(path):
        case "workbook":
            return _numbered(_table_of(_rows_of(_workbook(path), sheet)))
        case "parquet":
            return _numbered(_under_its_names(_parquet(path)))
        case "json":
            return _numbered(_under_its_names(_json_lines(path)), first=0)
        case "mt940" | "camt" as form:
            return _numbered(statement_sheet(path, form))
    content = path.read_bytes()
    text = content.decode(_encoding(content), errors="replace")
    separator = _separator(text[:_HEAD_BYTES])
    width = max(map(len, _cells(text[:_HEAD_BYTES], separator)), default=0) + _SPARE_COLUMNS
    try:
        with warnings.catch_warnings():
            # A row that is too long for the spare columns would only be warned of and cut.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                header=None,
                names=[f"c{position}" for position in range(width)],
                index_col=False,
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning):
        raise FileSetAsideError(
            "its rows cannot be split into cells: a quotation mark is probably not closed; export it again"
        ) from None
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame({"c0": pd.Series([], dtype=str)})
    return _numbered(pa.Table.from_pandas(frame, preserve_index=False))


def _form(path: Path) -> Literal["workbook", "parquet", "json", "mt940", "camt", "text"]:
    """What a file is by its first bytes: text is often named `.xls`, and an Excel workbook `.csv`."""
    with path.open("rb") as file:
        beginning = file.read(_HEAD_BYTES)
    start = beginning[:4]
    suffix = path.suffix.lower()
    if start in _WORKBOOK_MARKS:
        return "workbook"
    if suffix in (".xlsx", ".xlsm"):
        raise FileSetAsideError(_NO_WORKBOOK)
    if start == b"PAR1" or suffix == ".parquet":
        return "parquet"
    if suffix == ".jsonl":
        return "json"
    if suffix in (*_STATEMENTS, ".txt") and (statement := statement_form(beginning)):
        return statement
    if suffix in _STATEMENTS:
        raise FileSetAsideError(
            "it is neither an MT940 nor a CAMT.053 statement; export it as one of these, as CSV or as a workbook"
        )
    return "text"


def _encoding(content: bytes) -> str:
    """By its mark; else UTF-8 where it is that; else what Excel in Arabic writes."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    start = content[:1000]
    if start and start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if start and start[0::2].count(0) > len(start) // 4:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return _OLD_ARABIC
    return "utf-8"


def _separator(text: str) -> str:
    """The one that splits some row of the head into the most cells."""
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


def _workbook(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError):
        raise FileSetAsideError(_NO_WORKBOOK) from None


def _rows_of(book: CalamineWorkbook, sheet: int) -> list[list[str | None]]:
    try:
        # Rows above the first filled one are rows too: people count them.
        rows = book.get_sheet_by_index(sheet).to_python(skip_empty_area=False)
    except (CalamineError, OSError):
        raise FileSetAsideError(_NO_WORKBOOK) from None
    return [[cell_text(cell) for cell in row] for row in rows]


def _parquet(path: Path) -> pa.Table:
    with private_engine() as connection:
        try:
            return connection.sql(
                "select cast(columns(*) as varchar) from read_parquet($path)", params={"path": str(path)}
            ).to_arrow_table()
        except duckdb.Error:
            raise FileSetAsideError("it is damaged or not really a parquet file; export it again") from None


def _json_lines(path: Path) -> pa.Table:
    """One column per name that some line has, one row per line, blank ones included."""
    with private_engine() as connection:
        connection.execute(
            f"create table lines as select row_number() over () as number, line from {JSON_LINES}", {"path": str(path)}
        )
        (unreadable,) = connection.execute(
            """
            select min(number) from lines
            where trim(line) <> '' and not case when json_valid(line) then json_type(line) = 'OBJECT' else false end
            """
        ).fetchall()[0]
        if unreadable is not None:
            raise FileSetAsideError(f"line {unreadable} is not a JSON object; export it again")
        names = connection.execute(
            "select name from (select number, unnest(json_keys(line)) as name from lines where trim(line) <> '') group by 1 order by min(number), 1"
        ).fetchall()
        cells = [f"line ->> '$.{quoted(name)}' as {quoted(name)}" for (name,) in names]
        return connection.sql(f"select {', '.join(cells) or 'line'} from lines order by number").to_arrow_table()


def _under_its_names(table: pa.Table) -> pa.Table:
    """The rows with the names of their columns above them, as a sheet has them."""
    width = range(table.num_columns)
    names = pa.table({f"c{n}": pa.array([table.column_names[n]], pa.string()) for n in width})
    rows = pa.table({f"c{n}": table.column(n).cast(pa.string()) for n in width})
    return pa.concat_tables([names, rows])


def _table_of(rows: list[list[str | None]]) -> pa.Table:
    width = max(map(len, rows), default=0)
    columns = [[row[position] if position < len(row) else None for row in rows] for position in range(width)]
    return pa.table({f"c{position}": pa.array(column, pa.string()) for position, column in enumerate(columns)})


def _numbered(cells: pa.Table, first: int = 1) -> pa.Table:
    return cells.add_column(0, "row_number", pa.array(range(first, first + cells.num_rows), pa.int64()))
