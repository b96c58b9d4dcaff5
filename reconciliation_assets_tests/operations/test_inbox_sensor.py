"""New files start a run once they lie still; nothing else does."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from reconciliation_assets.operations.sensors import new_files_in_inbox
from reconciliation_assets_tests.installation import Installation


class Ticks:
    """The sensor, tick after tick."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._cursor: str | None = None

    def tick(self) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(self._instance, cursor=self._cursor)
        results = list(cast(Iterator[dg.RunRequest | dg.SkipReason], new_files_in_inbox(context)))
        self._cursor = context.cursor
        return [result for result in results if isinstance(result, dg.RunRequest)]


@pytest.fixture
def ticks(instance: dg.DagsterInstance, home: Path) -> Ticks:
    return Ticks(instance)


def test_an_empty_inbox_starts_nothing(ticks: Ticks) -> None:
    assert ticks.tick() == []
    assert ticks.tick() == []


def test_a_file_starts_one_run_once_it_lies_still(ticks: Ticks, home: Path) -> None:
    (home / "inbox" / "orders.csv").write_text("order_id")
    assert ticks.tick() == [], "it may still be written"
    (request,) = ticks.tick()
    assert request.partition_key is None, "days are marked by the rows that arrive"
    assert ticks.tick() == []


def test_a_file_that_grows_waits(ticks: Ticks, home: Path) -> None:
    path = home / "inbox" / "orders.csv"
    for text in ("order_id", "order_id\nSO1", "order_id\nSO1\nSO2"):
        path.write_text(text)
        assert ticks.tick() == []
    assert len(ticks.tick()) == 1


def test_a_file_that_changes_or_leaves_starts_another_run(ticks: Ticks, home: Path) -> None:
    orders, leads = home / "inbox" / "orders.csv", home / "inbox" / "leads.csv"
    orders.write_text("order_id")
    leads.write_text("lead_id")
    keys = [request.run_key for request in (*ticks.tick(), *ticks.tick())]
    orders.write_text("order_id\nSO1")
    keys += [request.run_key for request in (*ticks.tick(), *ticks.tick())]
    leads.unlink()
    keys += [request.run_key for request in (*ticks.tick(), *ticks.tick())]
    assert len(keys) == len(set(keys)) == 3


@pytest.mark.parametrize("name", ["notes.txt", ".orders.csv.part", "~$orders.xlsx", "invoice_list.csv"])
def test_files_of_no_table_start_nothing(ticks: Ticks, home: Path, name: str) -> None:
    (home / "inbox" / name).write_text("x")
    assert ticks.tick() == []
    assert ticks.tick() == []


@pytest.mark.slow
def test_what_a_run_of_the_command_line_has_read_starts_no_other(
    copied: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in copied.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_HOME", str(copied.home / ".dagster"))
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(copied.home / ".dagster"))) as instance:
        ticks = Ticks(instance)
        assert ticks.tick() == ticks.tick() == []
        (copied.inbox / "orders-late.csv").write_text("order_id")
        assert len([*ticks.tick(), *ticks.tick()]) == 1


def test_it_runs_by_default(home: Path) -> None:
    assert new_files_in_inbox.default_status is dg.DefaultSensorStatus.RUNNING
