"""The Dagster instance of an installation: its home in the data directory, and only one run at a time."""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from reconciliation_assets.errors import PlainError
from reconciliation_assets.settings import Settings
from reconciliation_assets.warehouse.duckdb import connect

_INSTANCE = Path(__file__).with_name("dagster.yaml")

COMMAND_LINE = "reconcile/command_line"
"""Tag of runs executed by the command line, whose process holds the lock of the installation."""

START_TIMEOUT = timedelta(seconds=180)
_BEGUN = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_NOT_ENDED = (*_BEGUN, dg.DagsterRunStatus.NOT_STARTED)


class AlreadyRunningError(PlainError):
    """Another run uses the same data directory."""


def prepare_home(settings: Settings) -> None:
    """Create the installation's Dagster home, and set the environment of this process to the installation.

    Raises:
        OSError: the data directory is a file, or this user may not write it.
    """
    restrict_to_owner(settings)
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_INSTANCE, settings.dagster_home / "dagster.yaml")
    _require_folders(settings)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    for variable, path in (
        ("RECON_DATA_DIR", settings.data_dir),
        ("RECON_POLICY", settings.policy),
        ("RECON_SOURCES", settings.sources),
    ):
        if path:
            os.environ[variable] = str(path)


def restrict_to_owner(settings: Settings) -> None:
    """Restrict the installation's files to the owner of this process, and to its group if the settings say so.

    Permissions are only removed, never added.
    """
    withheld = 0o027 if settings.group_reads else 0o077
    os.umask(withheld)
    for path in (settings.data_dir, settings.dagster_home, settings.warehouse_path):
        if path.exists() and path.stat().st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~withheld)


def _require_folders(settings: Settings) -> None:
    """Check before a long run that its results can be written."""
    for folder in (settings.published_path.parent, settings.reports_dir):
        folder.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / ".lock").touch()


@contextmanager
def run_lock(settings: Settings) -> Iterator[None]:
    """Lock the installation for one run.

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
    """Mark runs whose process died as failed, so that they block nothing; returns their number.

    The caller holds the lock, so an unfinished run of the command line is dead, whatever its status. A run started from the
    UI needs some time until it opens the warehouse: it counts as dead only after `start_timeout_seconds` of dagster.yaml, if
    no process has the warehouse open.

    Raises:
        WarehouseBusyError: a live run has the warehouse open.
    """
    connect(settings.warehouse_path).close()
    started_until = datetime.now(UTC) - START_TIMEOUT
    own = dg.RunsFilter(tags={COMMAND_LINE: "true"}, statuses=list(_NOT_ENDED))
    others = dg.RunsFilter(statuses=list(_BEGUN))
    dead = {record.dagster_run.run_id: record.dagster_run for record in instance.get_run_records(own)}
    for record in instance.get_run_records(others):
        if record.update_timestamp < started_until:
            dead[record.dagster_run.run_id] = record.dagster_run
    for run in dead.values():
        instance.report_run_failed(run, "Its process ended before the run did. The next run finishes the job.")
    return len(dead)
