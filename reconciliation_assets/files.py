"""Files on disk that survive a kill or a power cut: replaced whole, and flushed with the folder that names them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: Path, mode: int | None = None) -> Iterator[Path]:
    """Where to write what replaces a file; a failure or kill in here leaves the old one, and the next try begins anew.

    Args:
        path: the file to replace; its folder is made where it is missing.
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
    """Rename a file or folder, over a file where one is there; done when the disk has it."""
    old.replace(new)
    flush(new.parent)


def flush(path: Path) -> None:
    """Wait until the disk has a file's content, or a folder's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
