"""Rows of a delivery as text: the common result of all file readers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from reconciliation_assets.warehouse.duckdb import Connection, in_memory

ROWS_PER_BATCH = 100_000
LONGEST_LINE = 20_000_000
# Extra column of tables with summed rows: distinguishes rows that are equal in all columns that are read.
ROW_DIGEST = "row_digest"

LINES = f"""
read_csv($path, columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, delim = e'\\x01', quote = '',
         escape = '', max_line_size = {LONGEST_LINE}, store_rejects = true, rejects_limit = 0)
"""
"""SQL for a file's unparsed lines, with the parameter `$path`; unreadable lines are in `reject_errors`."""


class FileSetAsideError(ValueError):
    """A file cannot be read as its table; the message says why and what to do, never a value of the file."""


@dataclass(frozen=True)
class Reject:
    """A row that could not be split into cells. `row_number` is counted as in a spreadsheet: the header is row 1."""

    row_number: int
    reason: str


@dataclass
class TextRows:
    """The rows of one file as text.

    Attributes:
        columns: the contract's columns that the file has.
        ignored: the file's columns that are not in the contract; they are not read.
        rejects: rows that could not be split into cells; complete after all batches are read.
        headings: the file's heading by contract column, if it differs; None if the file has no preset. Batches of mapped rows
            also have `unread_column` and `unread`: the column that could not be read, and why.
        has_digest: whether batches also have `ROW_DIGEST`, a digest of the columns that are not read.
        passed_over: counts of ignored rows that are not data, such as totals, by reason; complete after all batches are read.
        notes: warnings about a file that is read; complete after all batches are read.
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
        """Tables of up to 100,000 rows: `row_number` and the text of every contract column in the file."""
        yield from self.read(self)


def private_engine() -> Connection:
    """An in-memory engine that can never read or write a file, because rows still contain contacts here."""
    connection = _unlocked_engine()
    _lock(connection)
    return connection


@contextmanager
def engine_on(path: Path) -> Iterator[tuple[Connection, str]]:
    """A private engine that can read only one file, and the path under which it reads it.

    The path is the process's own file descriptor, so that a pattern in the file's name is never expanded.
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
    """A column's name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'
