"""What is said to a person in place of a stack trace."""

import errno
import sqlite3

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_DISK_FULL = "The disk is full{where}. Free some space, then run again; what was done before is kept."
_NOT_ALLOWED = "This user may not write there{where}. Give it the permission, or set RECON_DATA_DIR to another folder."


class PlainError(Exception):
    """Something that a person has to mend; the message says what happened, where and what to do."""


def sentence_of(error: Exception) -> str | None:
    """What an error means for the person who runs the command; None where it is a fault of the program.

    Args:
        error: a `PlainError`, or one of the operating system, of the engine or of the run storage about a file.
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
    return f"{error.strerror or 'A file cannot be used'}{where}."
