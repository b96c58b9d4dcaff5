"""Backup and restore of an installation: what a run cannot make again, taken while no run works on it."""

import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from reconciliation_assets.operations.instance import only_run
from reconciliation_assets.settings import Settings
from reconciliation_assets.warehouse.duckdb import connect

# The inbox is not among them: it is the sources' to keep, and dropping it again lands nothing twice.
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


class BackupError(RuntimeError):
    """A backup cannot be made or put back; the message says why."""


def back_up(settings: Settings, to: Path) -> list[str]:
    """Copy the installation's state into a new folder that only its owner can read; returns what was copied.

    It is made beside and renamed at the end, so that a folder of that name is a whole backup.

    Raises:
        BackupError: the folder is there already, or there is nothing to back up.
        AlreadyRunningError: a run works on the data directory.
        WarehouseBusyError: a run started from the Dagster UI has the warehouse open.
    """
    if to.exists():
        raise BackupError(f"{to} is there already. Name a folder that is not, so that no backup is overwritten.")
    if not settings.warehouse_path.is_file():
        raise BackupError(f"There is no warehouse in {settings.data_dir}: nothing to back up. Is RECON_DATA_DIR right?")
    unfinished = to.with_name(f".{to.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    with only_run(settings), closing(connect(settings.warehouse_path)) as warehouse:
        warehouse.execute("checkpoint")
        # By another process: this one would let go of the warehouse's lock by closing the file it read.
        subprocess.run(["cp", "--", str(settings.warehouse_path), str(unfinished)], check=True)  # noqa: S603, S607
        copied = [_WAREHOUSE, *_copy(_STATE, settings.data_dir, unfinished)]
    unfinished.rename(to)
    return copied


def put_back(source: Path, settings: Settings) -> list[str]:
    """Put a backup into the data directory; returns what was put back.

    Raises:
        BackupError: the folder is no backup, or the data directory holds an installation already.
        AlreadyRunningError: a run works on the data directory.
    """
    if not (source / _WAREHOUSE).is_file():
        raise BackupError(f"{source} is no backup: there is no {_WAREHOUSE} in it.")
    with only_run(settings):
        there = [name for name in (_WAREHOUSE, *_STATE) if (settings.data_dir / name).exists()]
        if there:
            raise BackupError(
                f"{settings.data_dir} holds an installation already ({', '.join(there)}). Move it away first; a restore "
                "never overwrites."
            )
        return _copy((_WAREHOUSE, *_STATE), source, settings.data_dir)


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
    """Copy a file; a SQLite database by its own means, since sensors may write to run storage meanwhile."""
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
