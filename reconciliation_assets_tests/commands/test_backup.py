"""Backup and restore: an installation that was lost goes on where it was, and nothing is overwritten."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from reconciliation_assets_tests.installation import Installation

pytestmark = pytest.mark.slow(seconds=60)


def test_a_lost_installation_is_restored_and_goes_on(finished: Installation, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    told = finished.reconcile("backup", str(backup))
    assert told.status == 0, told.text
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert stat.S_IMODE((backup / "contact.key").stat().st_mode) == 0o600
    again = Installation(tmp_path / "again")
    told = again.reconcile("restore", str(backup))
    assert told.status == 0, told.text
    assert again.published() == finished.published()
    shutil.copytree(finished.inbox, again.inbox, dirs_exist_ok=True)
    assert again.reconcile().status == 0
    assert again.published() == finished.published(), "the same secret, the same history: nothing landed twice"


def test_nothing_is_ever_overwritten(finished: Installation, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    told = finished.reconcile("backup", str(there))
    assert told.status == 1
    assert "is there already" in told.text
    backup = tmp_path / "backup"
    assert finished.reconcile("backup", str(backup)).status == 0
    before = (finished.home / "contact.key").read_bytes()
    told = finished.reconcile("restore", str(backup))
    assert told.status == 1
    assert "holds an installation already (warehouse.duckdb, contact.key" in told.text
    assert (finished.home / "contact.key").read_bytes() == before


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    told = Installation(tmp_path / "data").reconcile("restore", str(tmp_path))
    assert told.status == 1
    assert "is no backup" in told.text


def kills(home: str, action: str, argument: str, step: int = 1) -> range:
    """The changes to the disk at which the action was killed, each in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciliation_assets_tests.faults.kills", action, argument, str(step)],
        env={**os.environ, "RECON_DATA_DIR": home},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return range(0, int(done.stdout) * step, step)


def contents(home: Path) -> dict[str, bytes]:
    """Every file of an installation; SQLite's are copied page by page, so they are compared by name alone."""
    return {
        str(path.relative_to(home)): b"" if ".dagster" in path.parts else path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.name not in {".lock", "backup.json"} and not path.name.endswith(("-wal", "-shm"))
    }


@pytest.fixture(scope="module")
def backup(finished: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backups") / "whole"
    assert finished.reconcile("backup", str(folder)).status == 0
    return folder


def test_a_restore_killed_anywhere_is_finished_by_another_and_nothing_uses_it_before(
    backup: Path, tmp_path: Path
) -> None:
    points = kills(f"{tmp_path}/again-{{point}}", "restore", str(backup), step=2)
    assert len(points) > 10
    for point in points:
        again = Installation(tmp_path / f"again-{point}")
        if any(again.home.glob(".restore*")):
            told = again.reconcile("run")
            assert (told.status, "did not finish" in told.text) == (1, True), told.text
        else:
            assert {path.name for path in again.home.iterdir()} <= {"inbox", ".lock"}, "nothing was restored"
        assert again.reconcile("restore", str(backup)).status == 0
        assert contents(again.home) == contents(backup)
        assert not any(again.home.glob(".restore*"))


def test_a_backup_killed_anywhere_is_no_backup_and_the_next_one_clears_it(
    finished: Installation, tmp_path: Path
) -> None:
    points = kills(str(finished.home), "backup", f"{tmp_path}/to-{{point}}", step=3)
    assert len(points) > 10
    for point in points:
        assert not (tmp_path / f"to-{point}").exists()
        assert len(list(tmp_path.glob(".to-*"))) <= 1, "each cleared what the one before it left"
    left = tmp_path / ".to-left.unfinished"
    shutil.copytree(tmp_path / f"to-{points.stop}", left)
    (left / "backup.json").unlink()
    told = Installation(tmp_path / "elsewhere").reconcile("restore", str(left))
    assert (told.status, "is no whole backup" in told.text) == (1, True)
    assert contents(tmp_path / f"to-{points.stop}").items() <= contents(finished.home).items()


def test_a_backup_killed_again_and_again_under_one_name_is_made_in_the_end(tmp_path: Path) -> None:
    """Each try meets what the one before it left, also where that was killed while clearing."""
    home = Installation(tmp_path / "data").home
    duckdb.connect(str(home / "warehouse.duckdb")).close()
    (home / "reports").mkdir()
    for name in ("policy.yaml", "contact.key", "reports/reconciliation.html"):
        (home / name).write_text("what cannot be made again")
    assert len(kills(str(home), "backup", f"{tmp_path}/one")) > 10
    assert contents(tmp_path / "one") == contents(home)
    assert list(tmp_path.glob(".*")) == []


def test_a_backup_that_lost_a_file_is_not_restored(backup: Path, tmp_path: Path) -> None:
    part = shutil.copytree(backup, tmp_path / "part")
    (part / "contact.key").unlink()
    told = Installation(tmp_path / "data").reconcile("restore", str(part))
    assert told.status == 1
    assert "contact.key is missing or has another size" in told.text
