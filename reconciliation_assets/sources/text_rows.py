"""Rows of a delivery as text: what every way of reading a file ends in."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from reconciliation_assets.warehouse.duckdb import Connection, in_memory

ROWS_PER_BATCH = 100_000
LONGEST_LINE = 20_000_000
# Beside rows of a table whose parts are added up: what tells two rows apart that are alike in all that is read.
ROW_DIGEST = "row_digest"

LINES = f"""
read_csv($path, columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, delim = e'\\x01', quote = '',
         escape = '', max_line_size = {LONGEST_LINE}, store_rejects = true, rejects_limit = 0)
"""
"""A file's lines as they are, for SQL with the parameter `$path`; those that cannot be read are in `reject_errors`."""


class FileSetAsideError(ValueError):
    """A file cannot be read as its table; the message says why and what to do, never a value of the file."""


@dataclass(frozen=True)
class Reject:
    """A row that could not even be split into cells. `row_number` counts as a spreadsheet does, the header being 1."""

    row_number: int
    reason: str


@dataclass
class TextRows:
    """The rows of one file as text.

    Attributes:
        columns: the contract's columns that the file has.
        ignored: the file's columns that the contract does not know; they are not read.
        rejects: rows that could not be split into cells; complete once all batches are read.
        headings: by contract column, what the file calls it, where that differs; None where a preset maps nothing.
            Batches of mapped rows also hold `unread_column` and `unread`: what no reading of a cell could make sense of.
        has_digest: whether batches also hold `ROW_DIGEST`, of the columns that are not read.
        passed_over: rows that are no data, such as totals, counted by reason; complete once all batches are read.
        notes: what people should know of the file, though it is taken in; complete once all batches are read.
    """

    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    read: Callable[["TextRows"], Iterator[pa.Table]]
    rejects: list[Reject] = field(default_factory=list)
    headings: Mapping[str, str] | None = None
    has_digest: bool = False
    passed_over: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def batches(self) -> Iterator[pa.Table]:
        """Tables of up to 100,000 rows: `row_number` and the text of every column the file has."""
        yield from self.read(self)


def private_engine() -> Connection:
    """An in-memory engine that reads and writes no file and lets nobody change that: rows still hold contacts here."""
    connection = _unlocked_engine()
    _lock(connection)
    return connection


@contextmanager
def engine_on(path: Path) -> Iterator[tuple[Connection, str]]:
    """A private engine that may read one file, and the name it knows the file by.

    That name is the process's own handle on the opened file: no pattern in the file's name is ever followed.
    """
    with path.open("rb") as file, _unlocked_engine() as connection:
        name = f"/dev/fd/{file.fileno()}"
        connection.execute(f"set allowed_paths = ['{name}']")
        _lock(connection)
        yield connection, name


def _unlocked_engine() -> Connection:
    connection = in_memory({"temp_directory": ""})
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _lock(connection: Connection) -> None:
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def quoted(name: str) -> str:
    """A column's name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
