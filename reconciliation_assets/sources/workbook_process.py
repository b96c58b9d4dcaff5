"""The process that reads one workbook: its memory is limited, and when it dies of a file, only it does.

A workbook comes as standard input. `heads` answers with the first rows of every sheet as JSON, `rows N` with all rows of sheet N
as an Arrow stream of text. Nothing is said on standard error; the exit status says what is wrong.
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
    """Answer one question about the workbook that comes as standard input."""
    limits = {resource.RLIMIT_AS: _MEMORY, resource.RLIMIT_CPU: _SECONDS, resource.RLIMIT_CORE: 0}
    for what, most in limits.items():
        # Not every system knows each; what dies of a file is then this process all the same.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    question, *of = sys.argv[1:]
    try:
        _look_before(sys.stdin.buffer)
        book = CalamineWorkbook.from_filelike(sys.stdin.buffer)
        if question == "heads":
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
        # What a library says of a file may quote it.
        sys.exit(NO_WORKBOOK)


def cell_text(cell: Any) -> str | None:
    """A spreadsheet cell as a CSV would hold it; a number too long for Excel keeps the form that shows its damage."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXCEL_EXACT_DIGITS else f"{cell:.15g}"
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)


def _look_before(file: IO[bytes]) -> None:
    """Ask how far a workbook unpacks and reaches: whoever reads it makes room for every cell up to its last one."""
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
    """The extent that the sheet says it has; where it says none or a very large one, that of its cells, since many writers say a wrong one."""
    chunk = sheet.read(_CHUNK)
    if (told := _EXTENT.search(chunk)) and (cells := _column_number(told[1]) * int(told[2])) <= MOST_CELLS:
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
    """All rows and columns from the first ones: people count those before the first filled cell too."""
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
