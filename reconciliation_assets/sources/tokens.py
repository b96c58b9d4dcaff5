"""Store of tokens that a system replaces with every use, so that the replacement is never lost.

If a single-use refresh token is used twice, some systems revoke all tokens and the merchant must install the app again. So
only one process at a time may use a token, and a new one is on disk before it is used.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from reconciliation_assets.files import atomic_file


class TokenStore(Protocol):
    """Tokens by the name of their source."""

    def hold(self, source: str) -> AbstractContextManager[None]:
        """Prevent other processes from using the source's token within the context."""

    def load(self, source: str) -> str | None:
        """The last saved token; None before the first."""

    def save(self, source: str, token: str) -> None:
        """Replace the token durably before returning."""


class FileTokenStore:
    """One file per source, readable by its owner only.

    Args:
        folder: folder of the files; created when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, source: str) -> Iterator[None]:
        """Hold an advisory lock next to the token file; the system releases it when a process dies."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / f"{source}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def load(self, source: str) -> str | None:
        """Read the token file."""
        file = self._folder / f"{source}.token"
        return file.read_text(encoding="utf-8") if file.exists() else None

    def save(self, source: str, token: str) -> None:
        """Replace the file; it is on disk before this returns."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_file(self._folder / f"{source}.token", mode=0o600) as file:
            file.write_text(token, encoding="utf-8")
