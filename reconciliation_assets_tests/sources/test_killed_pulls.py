"""A pull whose process is killed loses nothing and repeats nothing, wherever it died."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from reconciliation_assets_tests.sources.pull_and_die import POINTS
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import sources_yaml

pytestmark = pytest.mark.slow


def pull(home: Path, point: str) -> int:
    command = [sys.executable, "-m", "reconciliation_assets_tests.sources.pull_and_die", str(home), point]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, check=False, timeout=60).returncode


def installation(home: Path, standin: Standin) -> Path:
    home.mkdir()
    (home / "sources.yaml").write_text(sources_yaml(standin, "hubspot"), "utf-8")
    return home


def current(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """What counts after a pull, without the landing that brought it."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return {
            table: connection.execute(
                f"select columns(lambda c: c not in ('landing_id', 'row_number', 'pulled_at')) from current.{table} order by all"
            ).fetchall()
            for table in ("crm_records", "crm_stage_changes")
        }


@pytest.fixture
def undisturbed(standin: Standin, tmp_path: Path) -> dict[str, list[tuple[object, ...]]]:
    home = installation(tmp_path / "undisturbed", standin)
    assert pull(home, "nowhere") == 0
    return current(home)


def test_a_killed_pull_loses_nothing_and_repeats_nothing(
    standin: Standin, tmp_path: Path, undisturbed: dict[str, list[tuple[object, ...]]]
) -> None:
    assert all(undisturbed.values())
    for point in POINTS:
        home = installation(tmp_path / point, standin)
        assert pull(home, point) == -signal.SIGKILL, point
        assert pull(home, "nowhere") == 0, point
        assert current(home) == undisturbed, point
