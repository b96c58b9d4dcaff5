"""The process that reads one workbook, with limited memory: a harmful file can only crash this process.

The workbook is read from standard input. `heads` returns the first rows of every sheet as JSON, `rows N` all rows of sheet N
as an Arrow stream of text. Nothing is written to standard error; the exit status says what is wrong.
"""

import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any

import pyarrow as pa
from python_calamine import CalamineSheet, CalamineWorkbook

NO_WORKBOOK, UNPACKS_TOO_FAR, REACHES_TOO_FAR = 10, 11, 12

MOST_CELLS = 50_000_000
MOST_UNPACKED = 2 << 30
_MEMORY = 4 << 30
_SECONDS = 600
_ROWS_AT_ONCE = 20_000
_CHUNK = 1 << 20
_EXCEL_EXACT_DIGITS = 10**15
_EXTENT = re.compile(rb'<(?:\w+:)?dimension\b[^>]{0,80}?\bref="(?:[A-Z]{1,3}\d{1,7}:)?([A-Z]{1,3})(\d{1,7})"')
_PLACE = re.compile(rb'<(?:\w+:)?c [^>]{0,80}?\br="([A-Z]{1,3})(\d{1,7})"')


class _RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def main() -> None:
    """Run one command on the workbook from standard input."""
    limits = {resource.RLIMIT_AS: _MEMORY, resource.RLIMIT_CPU: _SECONDS, resource.RLIMIT_CORE: 0}
    for what, most in limits.items():
        # Not every system supports each limit; without it a harmful file still crashes only this process.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    command, *of = sys.argv[1:]
    try:
        _refuse_oversized(sys.stdin.buffer)
        book = CalamineWorkbook.from_filelike(sys.stdin.buffer)
        if command == "heads":
            (rows,) = map(int, of)
            heads = [list(islice(_rows(_sheet(book, number)), rows)) for number in range(len(book.sheet_names))]
            sys.stdout.write(json.dumps(heads))
        else:
            (number,) = map(int, of)
            _send(_sheet(book, number), sys.stdout.buffer)
        sys.stdout.flush()
    except _RefusedError as refused:
        sys.exit(refused.status)
    except Exception:
        # A library's message may quote the file.
        sys.exit(NO_WORKBOOK)


def cell_text(cell: Any) -> str | None:
    """A spreadsheet cell as in a CSV; a number too long for Excel keeps the exponent that shows the loss of digits."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXCEL_EXACT_DIGITS else f"{cell:.15g}"
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)


def _refuse_oversized(file: IO[bytes]) -> None:
    """Refuse a workbook that unpacks or extends too far: the reader allocates every cell up to the last one."""
    if not zipfile.is_zipfile(file):
        file.seek(0)
        return
    with zipfile.ZipFile(file) as parts:
        if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
            raise _RefusedError(UNPACKS_TOO_FAR)
        for part in parts.infolist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part.filename):
                with parts.open(part) as sheet:
                    if _cells_up_to_the_last(sheet) > MOST_CELLS:
                        raise _RefusedError(REACHES_TOO_FAR)
    file.seek(0)


def _cells_up_to_the_last(sheet: IO[bytes]) -> int:
    """Number of cells up to the last one: the extent stated by the sheet, or if missing or too large (often wrong), that of its cells."""
    chunk = sheet.read(_CHUNK)
    if (extent := _EXTENT.search(chunk)) and (cells := _column_number(extent[1]) * int(extent[2])) <= MOST_CELLS:
        return cells
    columns = rows = unpacked = 0
    rest = b""
    while chunk:
        unpacked += len(chunk)
        if unpacked > MOST_UNPACKED:
            raise _RefusedError(UNPACKS_TOO_FAR)
        text = rest + chunk
        places = _PLACE.findall(text)
        if places:
            columns = max(columns, *map(_column_number, {letters for letters, _ in places}))
            rows = max(rows, int(places[-1][1]))
        rest = text[-128:]
        chunk = sheet.read(_CHUNK)
    return columns * rows


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sheet(book: CalamineWorkbook, number: int) -> CalamineSheet:
    sheet = book.get_sheet_by_index(number)
    rows, columns = sheet.end or (0, 0)
    if (rows + 1) * (columns + 1) > MOST_CELLS:
        raise _RefusedError(REACHES_TOO_FAR)
    return sheet


def _rows(sheet: CalamineSheet) -> Iterator[list[str | None]]:
    """All rows and columns from A1, including empty ones before the first filled cell, as people count them."""
    before: list[str | None] = [None] * (sheet.start[1] if sheet.start else 0)
    return ([*before, *map(cell_text, row)] for row in sheet.iter_rows())


def _send(sheet: CalamineSheet, to: IO[bytes]) -> None:
    width = sheet.end[1] + 1 if sheet.end else 0
    schema = pa.schema([(f"c{position}", pa.string()) for position in range(width)])
    rows = _rows(sheet)
    with pa.ipc.new_stream(to, schema) as stream:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            columns = [[row[place] if place < len(row) else None for row in some] for place in range(width)]
            stream.write_batch(pa.record_batch([pa.array(column, pa.string()) for column in columns], schema))


if __name__ == "__main__":
    main()
