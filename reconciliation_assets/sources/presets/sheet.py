"""A file as a sheet of text: its encoding and separator found out, its rows numbered as a spreadsheet numbers them."""

import codecs
import csv
import io
import warnings
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from reconciliation_assets.sources.text_rows import FileSetAsideError, cell_text

SHEET_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
HEAD_ROWS = 40
_HEAD_BYTES = 262_144
_SEPARATORS = ",;\t|"
# Columns beyond the widest row of the head: a row that runs over its header is told apart, not lost.
_SPARE_COLUMNS = 8
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OLD_ARABIC = "cp1256"


@dataclass(frozen=True)
class Head:
    """The first rows of a sheet, cell by cell, and how the file is written."""

    rows: tuple[tuple[str, ...], ...]
    written: str


def read_head(path: Path) -> Head:
    """The first rows of a file.

    Raises:
        FileSetAsideError: it cannot be read as a sheet at all.
    """
    if path.suffix.lower() == ".xlsx":
        rows = _workbook(path)[:HEAD_ROWS]
        return Head(tuple(tuple(cell or "" for cell in row) for row in rows), "Excel workbook")
    with path.open("rb") as file:
        content = file.read(_HEAD_BYTES)
    encoding = _encoding(content)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(content)
    separator = _separator(text)
    return Head(_cells(text, separator), f"{encoding.removesuffix('-sig')}, separated by {_spelled(separator)}")


def read_sheet(path: Path) -> pa.Table:
    """All rows of a file as text: `row_number`, and `c0`, `c1` and so on.

    Raises:
        FileSetAsideError: its rows cannot be split into cells.
    """
    if path.suffix.lower() == ".xlsx":
        return _numbered(_table_of(_workbook(path)))
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
    lines = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        return tuple(map(tuple, islice(lines, HEAD_ROWS)))
    except csv.Error:
        return ()


def _spelled(separator: str) -> str:
    return {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}[separator]


def _workbook(path: Path) -> list[list[str | None]]:
    try:
        # Rows above the first filled one are rows too: people count them.
        rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError):
        raise FileSetAsideError("it is damaged or not really an Excel workbook; export it again") from None
    return [[cell_text(cell) for cell in row] for row in rows]


def _table_of(rows: list[list[str | None]]) -> pa.Table:
    width = max(map(len, rows), default=0)
    columns = [[row[position] if position < len(row) else None for row in rows] for position in range(width)]
    return pa.table({f"c{position}": pa.array(column, pa.string()) for position, column in enumerate(columns)})


def _numbered(cells: pa.Table) -> pa.Table:
    return cells.add_column(0, "row_number", pa.array(range(1, cells.num_rows + 1), pa.int64()))
