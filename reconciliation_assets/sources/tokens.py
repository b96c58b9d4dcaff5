"""Keeping tokens that a system replaces with every use, so that the replacement is never lost.

A single-use refresh token is worth a whole installation: used twice, some systems revoke everything and the merchant
has to install the app again. So one process at a time may hold a token, and a new one is on disk before it is used.
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
        """Keep every other process from using the source's token for as long as the context lasts."""

    def load(self, source: str) -> str | None:
        """The last token saved; None before the first."""

    def save(self, source: str, token: str) -> None:
        """Replace the token, durably, before returning."""


class FileTokenStore:
    """One file per source, readable by its owner only.

    Args:
        folder: where the files are; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, source: str) -> Iterator[None]:
        """Hold an advisory lock beside the token file; the system frees it when a process dies."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / f"{source}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def load(self, source: str) -> str | None:
        """Read the token file."""
        file = self._folder / f"{source}.token"
        return file.read_text(encoding="utf-8") if file.exists() else None

    def save(self, source: str, token: str) -> None:
        """Replace the file; the disk has it before this returns."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_file(self._folder / f"{source}.token", mode=0o600) as file:
            file.write_text(token, encoding="utf-8")
