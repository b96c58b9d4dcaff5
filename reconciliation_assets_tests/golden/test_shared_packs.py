"""Input whose answers are known, or that is real, through the whole command: held by somebody else's check."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciliation_assets_tests.installation import CommandResult, Installation

pytestmark = pytest.mark.slow(seconds=180)


def held(shared: Path, installation: Installation, *expected: Path) -> CommandResult:
    """What the independent check of a finished run says."""
    done = subprocess.run(
        [sys.executable, str(shared / "check_pack.py"), str(installation.home), *map(str, expected)],
        capture_output=True,
        text=True,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout + done.stderr)


def reconciled(pack: Path, home: Path, as_of: str) -> Installation:
    installation = Installation(home, as_of)
    shutil.copytree(pack / "inbox", installation.inbox, dirs_exist_ok=True)
    told = installation.reconcile()
    assert told.status == 0, told.text
    return installation


def test_known_truth_comes_out_in_every_cell_of_the_bridge(shared: Path, shared_data: Path, tmp_path: Path) -> None:
    pack = shared_data / "known_truth"
    installation = reconciled(pack, tmp_path, "2026-07-15T00:00:00+04:00")
    told = held(shared, installation, pack / "expected.json")
    assert told.status == 0, told.text


def test_a_real_marketplace_keeps_the_contract(shared: Path, shared_data: Path, tmp_path: Path) -> None:
    installation = reconciled(shared_data / "olist_kag", tmp_path, "2018-12-31T00:00:00Z")
    told = held(shared, installation)
    assert told.status == 0, told.text
    (kept,) = installation.rows(
        "select count(*) from reporting.exceptions where kind = 'money_kept_on_cancelled_order'"
    )[0]
    assert kept > 0
