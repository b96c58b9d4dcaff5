"""Settings, folders and databases that cannot be used are told in a line that says what to do; nothing is run."""

import errno
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from reconciliation_assets.errors import sentence_of
from reconciliation_assets_tests.installation import CommandResult, Installation


def assert_told(told: CommandResult, *says: str) -> None:
    assert told.status == 1
    for words in (*says, "Stopped."):
        assert words in told.text
    assert "Traceback" not in told.text


@pytest.mark.parametrize(
    "as_of", ["yesterday", "12", "0001-01-01T00:00:00+04:00", "9999-12-31T23:59:59Z", "2026-02-30", "1970-01-01"]
)
def test_an_instant_that_is_none(tmp_path: Path, as_of: str) -> None:
    told = Installation(tmp_path, as_of).reconcile()
    assert_told(told, "RECON_AS_OF is to be an ISO 8601 instant of the years 2016 to 2100")


def test_a_day_that_has_not_begun(tmp_path: Path) -> None:
    told = Installation(tmp_path, "2099-01-01T00:00:00+04:00").reconcile()
    assert_told(told, "A run cannot speak for 2099-01-01, which has not begun")


@pytest.mark.parametrize("channels", ["slack://xoxb-secret", '["slack://xoxb-secret"]', '{"default": ["xoxb-secret"]}'])
def test_alert_channels_that_are_no_object(tmp_path: Path, channels: str) -> None:
    told = Installation(tmp_path, RECON_ALERT_CHANNELS=channels).reconcile()
    assert_told(told, "RECON_ALERT_CHANNELS is to be a JSON object of channels")
    assert "xoxb" not in told.text


@pytest.mark.parametrize("memory", ["8", "lots", "8GB'; drop table raw.raw_orders; --"])
def test_a_memory_limit_that_is_no_size(tmp_path: Path, memory: str) -> None:
    assert_told(Installation(tmp_path, RECON_MEMORY=memory).reconcile(), "RECON_MEMORY is to be a size such as 8GB")


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "home")
    shutil.rmtree(installation.home)
    installation.home.write_text("")
    assert_told(installation.reconcile(), str(installation.home), "cannot be used", "RECON_DATA_DIR")


@pytest.mark.parametrize("folder", ["published", "reports", ".dagster"])
def test_a_file_where_a_folder_is_to_be_is_found_before_the_work(tmp_path: Path, folder: str) -> None:
    installation = Installation(tmp_path)
    (tmp_path / folder).write_text("")
    assert_told(installation.reconcile(), "cannot be used", f"{tmp_path / folder}")


def test_a_damaged_warehouse(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    (tmp_path / "warehouse.duckdb").write_text("damaged " * 1000)
    assert_told(installation.reconcile(), "warehouse.duckdb is no database that can be opened", "backup")


@pytest.mark.parametrize("command", ["show", "audit", "feedback"])
def test_a_published_copy_that_cannot_be_read(tmp_path: Path, command: str) -> None:
    installation = Installation(tmp_path)
    duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    installation.published_path.parent.mkdir()
    installation.published_path.write_text("damaged " * 1000)
    assert_told(installation.reconcile(command), "is damaged, or", "run `reconcile run`, which makes it anew")
    installation.published_path.unlink()
    duckdb.connect(str(installation.published_path)).close()
    assert_told(installation.reconcile(command), "is no published copy")


def test_a_folder_in_place_of_the_sources_file(tmp_path: Path) -> None:
    told = Installation(tmp_path, RECON_SOURCES=str(tmp_path)).reconcile("doctor")
    assert_told(told, "the file cannot be read")


@pytest.mark.slow
def test_what_breaks_many_steps_is_told_once_and_without_the_name_of_its_class(tmp_path: Path) -> None:
    (tmp_path / "contact.key").write_text("")
    told = Installation(tmp_path).reconcile()
    assert told.status == 1
    assert told.text.count("is unreadable or has fewer than 16 bytes") == 1
    assert "ContactKeyError" not in told.text
    assert "Failed in raw_crm_leads, raw_crm_records, " in told.text


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 14 MB, which a run fills."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=14m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("needs to mount a file system of its own")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_and_a_read_only_disk_are_a_sentence(
    dropped: Installation, finished: Installation, small_disk: Path
) -> None:
    installation = dropped.copy_to(small_disk)
    told = installation.reconcile_alone()
    assert (told.status, "Is the disk full" in told.text) == (1, True), told.text
    assert len(told.text.splitlines()) < 8
    assert "Traceback" not in told.text
    shutil.rmtree(small_disk / ".dagster")
    shutil.copytree(finished.home / "published", small_disk / "published", dirs_exist_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for command in ("run", "audit", "doctor"):
        told = installation.reconcile(command)
        assert told.status == 1, command
        assert "may not write" in told.text or "Read-only" in told.text, command


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/warehouse.duckdb"), "The disk is full (/data/ware"),
        (OSError(errno.EROFS, "Read-only file system", "/data/reports"), "may not write there (/data/reports)"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not write there."),
        (duckdb.IOException("Could not write file: No space left on device"), "The disk is full."),
        (duckdb.IOException("Cannot open file: Permission denied"), "may not write there."),
        (sqlite3.OperationalError("database or disk is full"), "run storage in .dagster"),
    ],
)
def test_what_the_system_and_the_engine_say_of_files_is_a_sentence(error: Exception, says: str) -> None:
    assert says in str(sentence_of(error))


def test_a_fault_of_the_program_is_no_sentence() -> None:
    assert sentence_of(KeyError("line")) is None
    assert sentence_of(duckdb.BinderException("column amounts is not there")) is None
