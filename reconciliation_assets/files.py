"""Atomic and durable writes of files: replaced completely or not at all, and flushed to disk together with their folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: Path, mode: int | None = None) -> Iterator[Path]:
    """A temporary path whose content replaces a file at the end; after a failure or kill the old file is unchanged.

    Args:
        path: the file to replace; its folder is created if missing.
        mode: permissions from the first byte on, such as 0o600; None for those of the user's umask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    if mode is not None:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield unfinished
        flush(unfinished)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    rename(unfinished, path)


def rename(old: Path, new: Path) -> None:
    """Rename a file or folder durably; an existing file is replaced."""
    old.replace(new)
    flush(new.parent)


def flush(path: Path) -> None:
    """Flush a file's content, or a folder's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
