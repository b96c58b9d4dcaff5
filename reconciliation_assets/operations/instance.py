"""The Dagster instance of an installation: its home inside the data directory, and only one run at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from reconciliation_assets.settings import Settings
from reconciliation_assets.warehouse.duckdb import connect

_INSTANCE = Path(__file__).with_name("dagster.yaml")
_UNFINISHED = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


class AlreadyRunningError(RuntimeError):
    """Another run works on the same data directory."""


class UnusableHomeError(RuntimeError):
    """The data directory cannot be written; the message says what to do."""


def prepare_home(settings: Settings) -> None:
    """Make the installation's Dagster home and point this process, wherever it goes, at the installation.

    Raises:
        UnusableHomeError: the data directory is a file, or this user may not write it.
    """
    try:
        settings.dagster_home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_INSTANCE, settings.dagster_home / "dagster.yaml")
        _require_folders(settings)
    except OSError as error:
        raise unusable(settings.data_dir, error) from None
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    for variable, path in (
        ("RECON_DATA_DIR", settings.data_dir),
        ("RECON_POLICY", settings.policy),
        ("RECON_SOURCES", settings.sources),
    ):
        if path:
            os.environ[variable] = str(path)


def unusable(data_dir: Path, error: OSError) -> UnusableHomeError:
    """What to tell of a data directory that cannot be written."""
    return UnusableHomeError(
        f"The data directory {data_dir} cannot be used ({error.strerror}: {error.filename}). "
        "Set RECON_DATA_DIR, or --data-dir, to a folder that this user may write."
    )


def _require_folders(settings: Settings) -> None:
    """Find out before an hour's work that what it makes cannot be written."""
    for folder in (settings.published_path.parent, settings.reports_dir):
        folder.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / ".lock").touch()


@contextmanager
def only_run(settings: Settings) -> Iterator[None]:
    """Hold the installation for one run.

    Raises:
        AlreadyRunningError: another `reconcile run` holds it.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                f"Another run is working on {settings.data_dir}. Wait for it to end, then run again."
            ) from None
        yield


def close_dead_runs(instance: dg.DagsterInstance, settings: Settings) -> int:
    """Mark runs whose process died as failed, so that they hold up nobody; returns how many there were.

    Raises:
        WarehouseBusyError: a run that is alive has the warehouse open.
    """
    connect(settings.warehouse_path).close()
    dead = instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED)))
    for run in dead:
        instance.report_run_failed(run, "Its process ended before the run did. The next run finishes the job.")
    return len(dead)
