"""Error messages for people in place of stack traces, without any value of the data.

The message of an engine or a library may quote a row: a name, a phone number, a line of a file. Maintainers need only the kind
of error and its place in the code, which contain no data.
"""

import errno
import re
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_IN_THE_WAY = frozenset({errno.ENOTDIR, errno.EEXIST, errno.EISDIR})

_DISK_FULL = "The disk is full{where}. Free some space, then run again; what was done before is kept."
_NOT_ALLOWED = "This user may not write there{where}. Give it the permission, or set RECON_DATA_DIR to another folder."
_NOT_A_FOLDER = (
    "{path} cannot be used: {why}. Move away what is there, or set RECON_DATA_DIR, or --data-dir, to another folder."
)

_PACKAGE = Path(__file__).parent
_OURS = (_PACKAGE.name, "dagster")
# Errors of the machine, whose engine messages are shown in part; messages of all other errors may quote data.
_OF_THE_MACHINE = ("OutOfMemoryException", "IOException")
_QUOTING = re.compile(r"[\"'`\n]")
_LONG_NUMBER = re.compile(r"\d{6,}")


class PlainError(Exception):
    """An error that a person can fix; the message says what happened, where and what to do."""


def sentence_of(error: Exception) -> str | None:
    """The message of an error for the person who runs the command; None if it is a bug of the program.

    Args:
        error: a `PlainError`, or a file error of the operating system, the engine or the run storage.
    """
    if isinstance(error, PlainError):
        return str(error)
    cause = getattr(error, "orig", None) or error  # SQLAlchemy keeps what its driver said
    if isinstance(cause, OSError):
        return _of_the_system(cause)
    if isinstance(cause, sqlite3.OperationalError):
        return (
            f"The run storage in .dagster of the data directory cannot be used: {cause}. Is the disk full or read-only?"
        )
    words = str(cause).lower() if type(cause).__module__ == "_duckdb" else ""
    if any(said in words for said in ("no space left", "file too large", "disk full")):
        return _DISK_FULL.format(where="")
    if any(said in words for said in ("permission denied", "read-only file system")):
        return _NOT_ALLOWED.format(where="")
    return None


def _of_the_system(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in _FULL:
        return _DISK_FULL.format(where=where)
    if error.errno in _FORBIDDEN:
        return _NOT_ALLOWED.format(where=where)
    if error.errno in _IN_THE_WAY and error.filename:
        return _NOT_A_FOLDER.format(path=error.filename, why=error.strerror)
    return f"{error.strerror or 'A file cannot be used'}{where}."


class UnforeseenError(PlainError):
    """An unexpected error; the message says its kind and place in the code, and quotes no data."""


@contextmanager
def without_values() -> Iterator[None]:
    """Replace errors of engines and libraries by their kind and place; our own errors pass through. Also a decorator.

    Raises:
        UnforeseenError: in place of an error of an engine or a library.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.split(".")[0] in _OURS:
            raise
        is_of_the_disk = isinstance(error, OSError) and error.errno in _FULL | _FORBIDDEN
        raise UnforeseenError((is_of_the_disk and sentence_of(error)) or describe(error)) from None


def describe(error: BaseException) -> str:
    """The kind of an error and its place in the product's code."""
    kind, words = type(error).__name__, ""
    if isinstance(error, OSError) and error.strerror:
        words = error.strerror
    elif kind in _OF_THE_MACHINE:
        words = _LONG_NUMBER.sub("…", ": ".join(_QUOTING.split(str(error))[0].split(": ")[:2])).strip()
    places = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    place = f" in {Path(places[-1].filename).relative_to(_PACKAGE)}, line {places[-1].lineno}" if places else ""
    return (
        f"{kind}{place}{f': {words}' if words else ''}. What the engine or library said beyond that is not told, since it may "
        "quote a row. Run again; if it stays, report this line."
    )
