"""Runs whose process died are closed by the next run of the command line; one that is just starting is left alone."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from reconciliation_assets.operations.instance import COMMAND_LINE, START_TIMEOUT, close_dead_runs
from reconciliation_assets.settings import PROJECT_ROOT, Settings
from reconciliation_assets.warehouse.duckdb import WarehouseBusyError

STARTING, STARTED, NOT_STARTED, FAILURE = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.FAILURE,
)


@dg.job
def work() -> None:
    """Stands for the daily job."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, *, age: timedelta, own: bool = False) -> str:
    """A run in that status whose last event is that old."""
    made = instance.create_run_for_job(work, tags={COMMAND_LINE: "true"} if own else {})
    events = {STARTING: ["PIPELINE_STARTING"], STARTED: ["PIPELINE_STARTING", "PIPELINE_START"], NOT_STARTED: []}
    for event in events[status]:
        happened = dg.DagsterEvent(event_type_value=event, job_name="work")
        instance.run_storage.handle_run_event(made.run_id, happened, datetime.now(UTC) - age)
    return made.run_id


def status_after(instance: dg.DagsterInstance, settings: Settings, run_id: str) -> dg.DagsterRunStatus:
    close_dead_runs(instance, settings)
    found = instance.get_run_by_id(run_id)
    assert found is not None
    return found.status


LONG_AGO = START_TIMEOUT + timedelta(seconds=30)
JUST_NOW = timedelta(seconds=5)


@pytest.mark.parametrize("status", [STARTING, STARTED])
def test_a_run_of_the_ui_that_is_just_starting_is_left_alone(
    instance: dg.DagsterInstance, settings: Settings, status: dg.DagsterRunStatus
) -> None:
    assert status_after(instance, settings, run(instance, status, age=JUST_NOW)) == status


@pytest.mark.parametrize("status", [STARTING, STARTED])
def test_a_run_of_the_ui_that_died_is_closed(
    instance: dg.DagsterInstance, settings: Settings, status: dg.DagsterRunStatus
) -> None:
    assert status_after(instance, settings, run(instance, status, age=LONG_AGO)) == FAILURE


@pytest.mark.parametrize("status", [NOT_STARTED, STARTING, STARTED])
def test_a_run_of_the_command_line_that_was_killed_is_closed_at_once_even_before_it_started(
    instance: dg.DagsterInstance, settings: Settings, status: dg.DagsterRunStatus
) -> None:
    assert status_after(instance, settings, run(instance, status, age=JUST_NOW, own=True)) == FAILURE


def test_a_run_that_works_on_the_warehouse_is_no_dead_run(instance: dg.DagsterInstance, settings: Settings) -> None:
    alive = run(instance, STARTED, age=LONG_AGO)
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(settings.warehouse_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseBusyError):
            close_dead_runs(instance, settings)
        process.kill()
    found = instance.get_run_by_id(alive)
    assert found is not None
    assert found.status == STARTED


def test_the_time_to_start_is_the_one_that_dagster_is_given() -> None:
    given = yaml.safe_load((PROJECT_ROOT / "reconciliation_assets/operations/dagster.yaml").read_text("utf-8"))[
        "run_monitoring"
    ]
    assert given["start_timeout_seconds"] == START_TIMEOUT.total_seconds()
