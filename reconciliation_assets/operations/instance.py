"""The Dagster instance of an installation: its home inside the data directory, and only one run at a time."""

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
"""The tag of runs that a process of the command line executes, which holds the installation meanwhile."""

START_TIMEOUT = timedelta(seconds=180)
_BEGUN = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_NOT_ENDED = (*_BEGUN, dg.DagsterRunStatus.NOT_STARTED)


class AlreadyRunningError(PlainError):
    """Another run works on the same data directory."""


def prepare_home(settings: Settings) -> None:
    """Make the installation's Dagster home and point this process, wherever it goes, at the installation.

    Raises:
        OSError: the data directory is a file, or this user may not write it.
    """
    keep_to_owner(settings)
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


def keep_to_owner(settings: Settings) -> None:
    """Let nobody but the owner of this process, and its group where the settings say so, into what an installation keeps.

    Rights that whoever administers it took away stay away.
    """
    withheld = 0o027 if settings.group_reads else 0o077
    os.umask(withheld)
    for path in (settings.data_dir, settings.dagster_home, settings.warehouse_path):
        if path.exists() and path.stat().st_uid == os.geteuid():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~withheld)


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

    The caller holds the installation, so a run of the command line that has not ended is dead, whatever its status. A
    run started from the UI takes a moment until it opens the warehouse: it counts as dead only when it has had the time
    that `start_timeout_seconds` of dagster.yaml gives it and nobody has the warehouse open.

    Raises:
        WarehouseBusyError: a run that is alive has the warehouse open.
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
