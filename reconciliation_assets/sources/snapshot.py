"""A private copy of a file for reading, and the fingerprint of exactly the bytes that are read.

A dropped file may be rewritten, replaced or removed at any time. The copy is one consistent state of it.
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
        path: the copy's path, with the file's suffix.
        fingerprint: SHA-256 of its bytes.
        has_open_end: whether the last line has no line ending; a text file may have been cut off there.
    """

    path: Path
    fingerprint: str
    has_open_end: bool


def fingerprint_of(path: Path) -> str:
    """SHA-256 of a dropped file's bytes.

    Raises:
        FileSetAsideError: it is gone, not a regular file, or not readable.
    """
    with _open_regular(path) as file, _plain_errors():
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def snapshot(path: Path, folder: Path | None = None) -> Iterator[Snapshot]:
    """A private copy of a dropped file, deleted at the end of the block and, if the system supports it, when the process dies.

    Args:
        path: the dropped file; only the suffix of its name matters here.
        folder: a folder with room for the copy; None for the system's temporary folder.

    Raises:
        FileSetAsideError: it is gone, not a regular file, or not readable.
        OSError: there is no room for the copy.
    """
    with (
        _open_regular(path) as file,
        tempfile.TemporaryDirectory(prefix="reading-") as private,
        tempfile.TemporaryFile(dir=folder) as copy,
    ):
        digest, last = hashlib.sha256(), b""
        while chunk := _read(file):
            digest.update(chunk)
            copy.write(chunk)
            last = chunk[-1:]
        copy.flush()
        copy_path = Path(private) / f"content{path.suffix.lower()}"
        if _OWN_DESCRIPTORS.is_dir():
            # The copy has no name on disk, so that nothing is left behind even if this process is killed.
            copy_path.symlink_to(_OWN_DESCRIPTORS / str(copy.fileno()))
        else:
            copy.seek(0)
            copy_path.write_bytes(copy.read())
        yield Snapshot(copy_path, digest.hexdigest(), last not in (b"", b"\n", b"\r"))


@contextmanager
def _open_regular(path: Path) -> Iterator[BufferedReader]:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for its other end.
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
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise FileSetAsideError("the disk gave an error while it was read; drop it again") from None


def _read(file: BufferedReader) -> bytes:
    with _plain_errors():
        return file.read(_CHUNK)
