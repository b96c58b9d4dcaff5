"""Backup and restore: an installation that was lost goes on where it was, and nothing is overwritten."""

import shutil
import stat
from pathlib import Path

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
