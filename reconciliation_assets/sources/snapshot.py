"""A file held still while it is read: a private copy, and the fingerprint of exactly the bytes that are read.

A dropped file may be rewritten, replaced or taken away at any moment. Whoever reads the copy reads one state of it.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from reconciliation_assets.sources.text_rows import FileSetAsideError

_CHUNK = 1 << 20
_OWN_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True)
class Snapshot:
    """A private copy of a dropped file.

    Attributes:
        path: where this process reads it: a name of our own with the file's ending.
        fingerprint: SHA-256 of its bytes.
        has_open_end: whether its last byte ends no line; a text file may have been cut off there.
    """

    path: Path
    fingerprint: str
    has_open_end: bool


def fingerprint_of(path: Path) -> str:
    """SHA-256 of a dropped file's bytes.

    Raises:
        FileSetAsideError: it is gone, no regular file, or may not be read.
    """
    with _opened(path) as file, _told_plainly():
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def snapshot(path: Path, folder: Path | None = None) -> Iterator[Snapshot]:
    """A private copy of a dropped file, gone at the end of the block, and where the system allows it at the end of the process.

    Args:
        path: the dropped file; its name means nothing here but for its ending.
        folder: where there is room for the copy; None for the system's folder for temporary files.

    Raises:
        FileSetAsideError: it is gone, no regular file, or may not be read.
        OSError: there is no room for the copy.
    """
    with (
        _opened(path) as file,
        tempfile.TemporaryDirectory(prefix="reading-") as private,
        tempfile.TemporaryFile(dir=folder) as copy,
    ):
        digest, last = hashlib.sha256(), b""
        while chunk := _read(file):
            digest.update(chunk)
            copy.write(chunk)
            last = chunk[-1:]
        copy.flush()
        held = Path(private) / f"content{path.suffix.lower()}"
        if _OWN_DESCRIPTORS.is_dir():
            # The copy has no name on the disk, so that nothing of it is left however this process ends.
            held.symlink_to(_OWN_DESCRIPTORS / str(copy.fileno()))
        else:
            copy.seek(0)
            held.write_bytes(copy.read())
        yield Snapshot(held, digest.hexdigest(), last not in (b"", b"\n", b"\r"))


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        # A pipe that somebody put there would otherwise wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise FileSetAsideError("it was taken away while the run began to read; drop it again if it counts") from None
    except OSError:
        raise FileSetAsideError(
            "it may not be read; give it to the user that runs this, or let that user read it"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileSetAsideError("it is no file that can be read, but a folder, a pipe or a device")
        yield file


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise FileSetAsideError("the disk gave an error while it was read; drop it again") from None


def _read(file: BufferedReader) -> bytes:
    with _told_plainly():
        return file.read(_CHUNK)
