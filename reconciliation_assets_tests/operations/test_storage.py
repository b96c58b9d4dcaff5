"""Run storage on open connections: nothing is lost, processes share it, and it is the files that Dagster's own reads."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from reconciliation_assets.operations.instance import prepare_home
from reconciliation_assets.operations.storage import EventLogStorage, RunStorage
from reconciliation_assets.settings import Settings

TELL = textwrap.dedent(
    """
    import sys
    import dagster as dg
    instance = dg.DagsterInstance.get()
    for number in range(int(sys.argv[2])):
        instance.report_runless_asset_event(dg.AssetMaterialization(sys.argv[1], metadata={"number": number}))
    print("told", flush=True)
    sys.stdin.read()
    """
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's Dagster home, as a run prepares it."""
    for name in ("DAGSTER_HOME", "RECON_DATA_DIR"):
        monkeypatch.setenv(name, "")  # which puts back afterwards what `prepare_home` sets
    settings = Settings(data_dir=tmp_path)
    prepare_home(settings)
    return settings.dagster_home


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as made:
        yield made


def teller(asset: str, times: int) -> subprocess.Popen[str]:
    """A process that stores so many materialisations and then waits."""
    return subprocess.Popen(
        [sys.executable, "-c", TELL, asset, str(times)],
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def numbers(instance: dg.DagsterInstance, asset: str) -> list[object]:
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=1000, ascending=True).records
    return [record.asset_materialization.metadata["number"].value for record in records if record.asset_materialization]


def test_an_installation_keeps_its_runs_on_open_connections(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.run_storage, RunStorage)
    assert isinstance(instance.event_log_storage, EventLogStorage)


def test_what_was_stored_outlives_a_killed_process(instance: dg.DagsterInstance) -> None:
    process = teller("orders", 40)
    assert process.stdout is not None
    assert process.stdout.readline() == "told\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert numbers(instance, "orders") == list(range(40))


def test_processes_that_store_at_the_same_time_lose_nothing(instance: dg.DagsterInstance) -> None:
    tellers = {asset: teller(asset, 30) for asset in ("orders", "payments")}
    for number in range(30):
        instance.report_runless_asset_event(dg.AssetMaterialization("own", metadata={"number": number}))
    for process in tellers.values():
        process.communicate()
        assert process.returncode == 0
    for asset in ("own", *tellers):
        assert numbers(instance, asset) == list(range(30)), asset


def test_what_one_process_stores_another_with_open_connections_sees_at_once(instance: dg.DagsterInstance) -> None:
    assert numbers(instance, "orders") == []
    process = teller("orders", 3)
    assert process.stdout is not None
    process.stdout.readline()
    assert numbers(instance, "orders") == [0, 1, 2]
    process.communicate()


def test_dagsters_own_storage_reads_the_same_files(home: Path, instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("orders", metadata={"number": 1}))
    own = DagsterSqliteStorage(str(home))
    own.event_log_storage.register_instance(instance)
    record = own.event_log_storage.get_latest_materialization_events([dg.AssetKey("orders")])[dg.AssetKey("orders")]
    assert record is not None
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["number"].value == 1


def test_a_run_reads_as_it_happened(instance: dg.DagsterInstance) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="orders"), dg.AssetCheckSpec("broken", asset="orders")])
    def orders() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(
            metadata={"number": 7},
            check_results=[
                dg.AssetCheckResult(passed=True, check_name="whole"),
                dg.AssetCheckResult(passed=False, check_name="broken"),
            ],
        )

    run = dg.materialize([orders], instance=instance)
    told = [record.event_log_entry.dagster_event_type for record in instance.get_records_for_run(run.run_id).records]
    assert told.count(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED) == 1
    assert told.count(dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED) == 2
    assert told.count(dg.DagsterEventType.ASSET_CHECK_EVALUATION) == 2
    assert told[-1] == dg.DagsterEventType.RUN_SUCCESS
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.SUCCESS
    keys = [dg.AssetCheckKey(dg.AssetKey("orders"), name) for name in ("whole", "broken")]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert [latest[key].status.value for key in keys] == ["SUCCEEDED", "FAILED"]


def test_while_a_step_runs_others_see_that_it_began_and_all_that_went_before(
    home: Path, instance: dg.DagsterInstance
) -> None:
    seen: list[tuple[str | None, str]] = []

    @dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="orders")])
    def orders() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])

    @dg.asset(deps=[orders])
    def payments(context: dg.AssetExecutionContext) -> None:
        other = DagsterSqliteStorage(str(home)).event_log_storage
        other.register_instance(instance)
        told = [
            record.event_log_entry.dagster_event for record in other.get_records_for_run(context.run.run_id).records
        ]
        seen.extend((event.step_key, event.event_type_value) for event in told if event)

    dg.materialize([orders, payments], instance=instance)
    began = seen.index(("orders", "STEP_START"))
    assert [kind for step, kind in seen[began:] if step == "orders"] == [
        "STEP_START",
        "STEP_OUTPUT",
        "ASSET_MATERIALIZATION",
        "STEP_OUTPUT",
        "ASSET_CHECK_EVALUATION",
        "STEP_SUCCESS",
    ]
    assert seen[-1] == ("payments", "STEP_START")


def test_inside_a_step_what_it_told_can_be_asked(instance: dg.DagsterInstance) -> None:
    @dg.multi_asset(specs=[dg.AssetSpec("orders"), dg.AssetSpec("payments")])
    def both(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        yield dg.MaterializeResult("orders", metadata={"number": 1})
        event = context.instance.get_latest_materialization_event(dg.AssetKey("orders"))
        assert event is not None
        assert event.asset_materialization is not None
        yield dg.MaterializeResult("payments", metadata=event.asset_materialization.metadata)

    assert dg.materialize([both], instance=instance).success
    assert numbers(instance, "payments") == [1]


def test_another_process_replaces_what_is_remembered_of_an_asset(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def orders() -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata={"number": 7})

    def latest() -> object:
        (record,) = instance.get_asset_records([dg.AssetKey("orders")])
        event = record.asset_entry.last_materialization
        return event and event.asset_materialization and event.asset_materialization.metadata["number"].value

    dg.materialize([orders], instance=instance)
    assert latest() == 7
    process = teller("orders", 3)
    assert process.stdout is not None
    process.stdout.readline()
    assert latest() == 2
    process.communicate()
    instance.wipe_assets([dg.AssetKey("orders")])
    assert not instance.get_asset_records([dg.AssetKey("orders")])


def test_events_that_come_together_are_stored_all_or_none(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[EventLogEntry] = []
    storage = instance.event_log_storage
    monkeypatch.setattr(storage, "store_event", events.append)
    for number in range(3):
        instance.report_runless_asset_event(dg.AssetMaterialization("orders", metadata={"number": number}))
    monkeypatch.undo()
    assert len(events) == 3

    def breaks_at_the_last(storage: EventLogStorage, event: EventLogEntry) -> None:
        if event is events[-1]:
            raise OSError("no space left")
        SqliteEventLogStorage.store_event(storage, event)

    monkeypatch.setattr(EventLogStorage, "store_event", breaks_at_the_last)
    with pytest.raises(OSError, match="no space left"):
        storage.store_event_batch(events)
    monkeypatch.undo()
    assert numbers(instance, "orders") == []
    storage.store_event_batch(events)
    assert numbers(instance, "orders") == [0, 1, 2]


def open_files(folder: Path) -> Sequence[Path]:
    links = (path for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return [path.readlink() for path in links if path.exists() and path.readlink().is_relative_to(folder)]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_reading_through_the_history_keeps_few_files_open_and_closing_keeps_none(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        runs = [dg.materialize([_nothing], instance=instance).run_id for _ in range(12)]
        for run_id in runs:
            assert instance.get_records_for_run(run_id).records
        databases = {path.name for path in open_files(home) if path.suffix == ".db"}
        assert 1 < len(databases) <= 10, databases
    assert open_files(home) == []


@dg.asset
def _nothing() -> None:
    """An asset of no content."""
