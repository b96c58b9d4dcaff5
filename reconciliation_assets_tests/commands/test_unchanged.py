"""A run on what was run already, for the same instant, is not made again and says so; whatever changes, it is made."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from reconciliation_assets.commands import unchanged
from reconciliation_assets.commands.unchanged import forget, reads, remember, same_as_last_run
from reconciliation_assets.settings import Settings
from reconciliation_assets_tests.harness import drop, policy_file
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.rows import lead, order, payment

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation as a successful run left it: everything that a run leaves lies there."""
    for name in [name for name in os.environ if name.startswith("RECON_")]:
        monkeypatch.delenv(name)
    made = Settings(data_dir=tmp_path, as_of=AS_OF)
    made.inbox.mkdir()
    drop(made.inbox, {"leads": [lead("L1")], "orders": [order("O1", lead_id="L1")], "payments": [payment("P1")]})
    with duckdb.connect(str(made.warehouse_path)) as warehouse:
        warehouse.execute("create table leads as select 1 as lead_id")
    for path in (made.published_path, made.restricted_path, made.reports_dir / "reconciliation.html"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("made")
    made.queues_dir.mkdir()
    (made.queues_dir / "finance.csv").write_text("made")
    (tmp_path / "contact.key").write_text("secret")
    remember(made, reads(made), "run-1", NOW, [["orders", "falls", "fewer than usual"]])
    return made


def with_(settings: Settings, **changed: object) -> Settings:
    return settings.model_copy(update=changed)


def test_nothing_changed(settings: Settings) -> None:
    last = same_as_last_run(settings)
    assert last is not None
    assert (last.run_id, last.ended_at) == ("run-1", "2026-07-02T08:30:00+00:00")
    assert last.warned == [["orders", "falls", "fewer than usual"]]


def test_a_file_that_was_only_touched_is_no_news(settings: Settings) -> None:
    os.utime(settings.inbox / "orders.csv", (1, 1))
    assert same_as_last_run(settings) is not None


def rewrite_one_cell(settings: Settings) -> None:
    """Another amount of the same length at the same time of change: only the bytes differ."""
    path = settings.inbox / "orders.csv"
    times, text = path.stat(), path.read_text("utf-8")
    other = text.replace("O1", "O2", 1)
    assert other != text
    path.write_text(other, "utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def write_into_the_warehouse(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("insert into leads values (2)")


def add_a_preset(settings: Settings) -> None:
    settings.presets_dir.mkdir()
    (settings.inbox / "remittance.csv").write_text("a,b\n1,2\n")


CHANGES: dict[str, Callable[[Settings], object]] = {
    "a cell of a file": rewrite_one_cell,
    "a new file": lambda settings: drop(settings.inbox, {"invoices": []}),
    "a file that left": lambda settings: (settings.inbox / "payments.csv").unlink(),
    "a file that is not known": add_a_preset,
    "the policy": lambda settings: policy_file(settings.data_dir, {"thresholds": {"quarantine_share": 0.06}}),
    "the sources": lambda settings: (settings.data_dir / "sources.yaml").write_text("sources: []\n"),
    "the warehouse, by another run": write_into_the_warehouse,
    "the published copy, deleted": lambda settings: settings.published_path.unlink(),
    "the report, deleted": lambda settings: (settings.reports_dir / "reconciliation.html").unlink(),
    "a queue, deleted": lambda settings: (settings.queues_dir / "finance.csv").unlink(),
    "the contact key": lambda settings: (settings.data_dir / "contact.key").write_text("another secret"),
    "the memory, damaged": lambda settings: (settings.dagster_home / "last_run.json").write_text('{"run_id": 1'),
    "a run that began": forget,
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_asks_for_a_run(settings: Settings, change: str) -> None:
    CHANGES[change](settings)
    assert same_as_last_run(settings) is None


@pytest.mark.parametrize(
    "changed", [{"as_of": datetime(2026, 7, 1, 0, 1, tzinfo=UTC)}, {"contact_key": SecretStr("another")}], ids=str
)
def test_another_setting_asks_for_a_run(settings: Settings, changed: dict[str, object]) -> None:
    assert same_as_last_run(with_(settings, **changed)) is None


def test_another_version_of_the_code_asks_for_a_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "_code", lambda: "another")
    assert same_as_last_run(settings) is None


def test_the_code_is_every_file_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chain").mkdir()
    query = tmp_path / "chain" / "orders.sql"
    query.write_text("select 1")
    monkeypatch.setattr(unchanged, "_PACKAGE", tmp_path)
    before = unchanged._code.__wrapped__()
    assert unchanged._code.__wrapped__() == before
    query.write_text("select 2")
    assert unchanged._code.__wrapped__() != before


def test_the_memory_holds_no_secret(settings: Settings) -> None:
    told = with_(settings, contact_key=SecretStr("a secret of the environment"))
    remember(told, reads(told), "run-2", NOW, [])
    memory = (settings.dagster_home / "last_run.json").read_text("utf-8")
    assert json.loads(memory)["run_id"] == "run-2"
    assert "a secret of the environment" not in memory


@pytest.mark.slow(seconds=20)
def test_running_again_on_the_same_changes_nothing_and_says_so(copied: Installation) -> None:
    files = [path for path in copied.home.rglob("*") if path.is_file() and path.name != ".lock"]
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
    shown = copied.reconcile("show").text
    told = copied.reconcile()
    assert told.status == 0
    assert "Nothing changed since the run of" in told.text
    assert shown.strip().split("\n", 1)[1] in told.text, "the page is printed as ever"
    changed = [path for path in files if (path.stat().st_ino, path.stat().st_mtime_ns) != before[path]]
    assert [path.name for path in changed if path.name != "dagster.yaml"] == []
    (copied.inbox / "transfers-more.csv").write_text("transfer_id\n")
    assert "Nothing changed" not in copied.reconcile().text
