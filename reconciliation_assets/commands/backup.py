"""Backup and restore of an installation: everything that a run cannot make again, copied while no run is active."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from reconciliation_assets.errors import PlainError, sentence_of
from reconciliation_assets.files import atomic_file, flush, rename
from reconciliation_assets.operations.instance import run_lock
from reconciliation_assets.settings import Settings
from reconciliation_assets.warehouse.duckdb import connect

# Without the inbox: the source systems keep those files, and dropping them again lands nothing twice.
_WAREHOUSE = "warehouse.duckdb"
_STATE = (
    "contact.key",
    "policy.yaml",
    "sources.yaml",
    "presets",
    "tokens",
    "alerts.jsonl",
    "published",
    "restricted",
    "reports",
    ".dagster",
)
_SQLITE_MAGIC = b"SQLite format 3\x00"
_MANIFEST = "backup.json"
"""Lists the files of the backup with their sizes. It is written last, so a folder without it is an unfinished backup."""


class BackupError(PlainError):
    """A backup cannot be made or restored; the message says why."""


def back_up(settings: Settings, to: Path) -> list[str]:
    """Copy the installation's state into a new folder that only its owner can read; returns the copied names.

    The folder is renamed at the end, so that a folder with the final name is always a complete backup. Unfinished backups of
    the same installation in the same place are removed.

    Raises:
        BackupError: the folder already exists, there is nothing to back up, or the disk is full.
        AlreadyRunningError: a run uses the data directory.
        WarehouseBusyError: a run started from the Dagster UI has the warehouse open.
    """
    if to.exists():
        raise BackupError(f"{to} is there already. Name a folder that is not, so that no backup is overwritten.")
    if not settings.warehouse_path.is_file():
        raise BackupError(f"There is no warehouse in {settings.data_dir}: nothing to back up. Is RECON_DATA_DIR right?")
    with run_lock(settings), closing(connect(settings.warehouse_path)) as warehouse:
        # The name identifies the installation, so that its next backup removes only its own unfinished folders.
        ending = f".{sha256(str(settings.data_dir).encode()).hexdigest()[:12]}.unfinished"
        unfinished = to.with_name(f".{to.name}{ending}")
        try:
            for left in to.parent.glob(f".*{ending}"):
                shutil.rmtree(left)
            unfinished.mkdir(parents=True, mode=0o700)
            warehouse.execute("checkpoint")
            _copy_by_another_process(settings.warehouse_path, unfinished)
            copied = [_WAREHOUSE, *_copy(_STATE, settings.data_dir, unfinished)]
            _write_manifest(unfinished)
            rename(unfinished, to)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise BackupError(f"The backup could not be written to {to.parent}. {sentence_of(error)}") from None
    return copied


def restore_backup(source: Path, settings: Settings) -> list[str]:
    """Restore a backup into the data directory, completely or not at all; returns the restored names.

    Everything is first copied into a separate folder. Once that folder is renamed, the restore has begun: if it is killed
    afterwards, the installation cannot be used until another restore completes it.

    Raises:
        BackupError: the folder is not a complete backup, or the data directory already has an installation.
        AlreadyRunningError: a run uses the data directory.
    """
    copying, whole = settings.restore_copy, settings.restore_whole
    with run_lock(settings):
        if not whole.is_dir():
            _require_whole(source)
            existing = [name for name in (_WAREHOUSE, *_STATE) if (settings.data_dir / name).exists()]
            if existing:
                raise BackupError(
                    f"{settings.data_dir} holds an installation already ({', '.join(existing)}). Move it away first; a "
                    "restore never overwrites."
                )
            shutil.rmtree(copying, ignore_errors=True)
            try:
                copying.mkdir(mode=0o700)
                _copy((_WAREHOUSE, *_STATE), source, copying)
                for path in (copying, *copying.rglob("*")):
                    flush(path)
            except OSError as error:
                shutil.rmtree(copying, ignore_errors=True)
                raise BackupError(
                    f"The backup could not be copied into {settings.data_dir}; nothing was restored. {sentence_of(error)}"
                ) from None
            rename(copying, whole)
        for path in sorted(whole.iterdir()):
            rename(path, settings.data_dir / path.name)
        whole.rmdir()
        flush(settings.data_dir)
    return [name for name in (_WAREHOUSE, *_STATE) if (settings.data_dir / name).exists()]


def _write_manifest(folder: Path) -> None:
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    for path in (folder, *folder.rglob("*")):
        flush(path)
    with atomic_file(folder / _MANIFEST) as file:
        file.write_text(json.dumps(sizes, indent=1, sort_keys=True), encoding="utf-8")


def _require_whole(folder: Path) -> None:
    """Refuse a folder that is not a backup, or an incomplete one."""
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        raise BackupError(f"{folder} is no whole backup: there is no {_MANIFEST} in it, which a backup writes last.")
    for name, size in json.loads(manifest.read_text("utf-8")).items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise BackupError(f"{folder} is no whole backup: {name} is missing or has another size. Copy it again.")


def _copy_by_another_process(source: Path, folder: Path) -> None:
    """Copy a file that this process has locked: it would let go of the lock by closing it after reading."""
    command = ["cp", "--", str(source), str(folder)]
    copied = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=False)  # noqa: S603
    if copied.returncode:
        why = next(
            (code for code in (errno.ENOSPC, errno.EDQUOT) if os.strerror(code).encode() in copied.stderr), errno.EIO
        )
        raise OSError(why, os.strerror(why), str(folder))


def _copy(names: Sequence[str], source: Path, target: Path) -> list[str]:
    copied = []
    for name in names:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, copy_function=_copy_file)
        elif (source / name).is_file():
            _copy_file(source / name, target / name)
        else:
            continue
        copied.append(name)
    return copied


def _copy_file(source: str | Path, target: str | Path) -> None:
    """Copy a file; a SQLite database with its backup API, because sensors may write to run storage meanwhile."""
    source, target = Path(source), Path(target)
    if source.name.endswith(("-wal", "-shm", "-journal")):
        return
    with source.open("rb") as file:
        is_sqlite = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    if not is_sqlite:
        shutil.copy2(source, target)
        return
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
