"""A wheel, installed where nothing else of the project is: it runs in an empty folder, shows how far it is, and serves its UI."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import sysconfig
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import yaml

from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.deploy.processes import answers, free_port, running, wait_until

pytestmark = pytest.mark.slow(seconds=90)

RUNS = """query { runsOrError { ... on Runs { results { runId status
  repositoryOrigin { repositoryName repositoryLocationName } } } } }"""


@dataclass(frozen=True)
class Installed:
    """The wheel's own command line.

    Attributes:
        folder: an empty folder in which it is used.
        environment: variables that name nothing of the project.
    """

    reconcile: Path
    folder: Path
    environment: Mapping[str, str]

    @property
    def sample(self) -> Path:
        """Where the sample company's installation is to be."""
        return self.folder / "reconciliation-data" / "sample"

    def on_a_screen(self, *arguments: str, columns: int) -> tuple[int, str]:
        """Run a command in a terminal; its exit status and every character that reached the screen, one drawing after another."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        command = [str(self.reconcile), *arguments]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            seen = bytearray()
            try:
                while part := os.read(ours, 65536):
                    seen += part
            except OSError:  # how Linux tells that nobody holds the other end any more
                pass
        os.close(ours)
        return process.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", seen.decode())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own, which sees what the wheel depends on and not the project's folder."""
    made = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(build, check=True, cwd=PROJECT_ROOT, capture_output=True)
    (wheel,) = made.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made / "env")], check=True)
    python = made / "env/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    (packages,) = (made / "env/lib").glob("python*/site-packages")
    # Named in a .pth file, a folder's own .pth files are not read: the editable project stays out.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    folder = tmp_path_factory.mktemp("empty")
    kept = ("PATH", "LANG", "LC_ALL", "TZ")
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment |= {"HOME": str(made), "TERM": "xterm", "COLUMNS": ""}
    where = [str(python), "-c", "import reconciliation_assets; print(reconciliation_assets.__file__)"]
    found = subprocess.run(where, check=True, cwd=folder, env=environment, capture_output=True, text=True).stdout
    assert found.startswith(str(packages))
    return Installed(made / "env/bin/reconcile", folder, environment)


@pytest.fixture(scope="module")
def screen(installed: Installed) -> str:
    """What a terminal of 80 columns shows of the first run."""
    status, seen = installed.on_a_screen("run", columns=80)
    assert status == 0, seen
    return seen


def test_a_run_in_an_empty_folder_reconciles_the_sample_and_says_so(installed: Installed, screen: str) -> None:
    said = screen.replace("\n", "")
    inbox = installed.folder / "reconciliation-data" / "inbox"
    assert f"{inbox} is empty: using the sample company in {installed.sample}." in said
    with duckdb.connect(str(installed.sample / "published/reconciliation.duckdb"), read_only=True) as copy:
        (collected,) = copy.execute("select sum(collected_value) from reporting.two_numbers").fetchone() or (None,)
    assert f"{collected:.2f}" == "180628.52"
    assert [path.name for path in installed.folder.iterdir()] == ["reconciliation-data"]


def test_the_progress_moves_on_the_screen_and_names_the_step(screen: str) -> None:
    counted = [(int(done), int(steps)) for done, steps in re.findall(r"(\d+)/(\d+)", screen)]
    done = [count for count, steps in counted if steps > 100]
    assert len(set(done)) > 20, "it is drawn ten times a second, and a run takes longer"
    assert done == sorted(done)
    assert done[-1] > 100
    assert {"match_links", "bridge"} & set(re.findall(r"[a-z_]+", screen))


def test_the_instance_is_the_projects_own(installed: Installed, screen: str) -> None:
    instance = yaml.safe_load((installed.sample / ".dagster/dagster.yaml").read_text("utf-8"))
    assert instance["telemetry"] == {"enabled": False}
    assert instance["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert instance["run_monitoring"]["enabled"]
    assert instance["freshness"]["enabled"]
    phoned = [path for top in (installed.folder, installed.reconcile.parents[2]) for path in top.rglob("*telemetry*")]
    assert [path for path in phoned if "site-packages" not in path.parts] == []


def test_the_doctor_sees_what_the_run_made_of_the_sample(installed: Installed, screen: str) -> None:
    status, seen = installed.on_a_screen("doctor", columns=200)
    assert status == 0
    assert f"Audit of tracking, matching and definitions: {installed.sample}/reports/audit.html" in seen.replace(
        "\n", ""
    )


def test_options_name_the_installation_from_anywhere(installed: Installed, screen: str, tmp_path: Path) -> None:
    elsewhere = Installed(installed.reconcile, tmp_path, installed.environment)
    status, seen = elsewhere.on_a_screen("show", "--data-dir", str(installed.sample), columns=120)
    assert status == 0
    assert "What did the ads bring in?" in seen
    status, seen = elsewhere.on_a_screen(
        "--data-dir", str(tmp_path / "own"), "run", "--as-of", "yesterday", columns=120
    )
    assert status == 1
    assert "RECON_AS_OF is to be an ISO 8601 instant" in seen
    assert elsewhere.on_a_screen("--version", columns=120) == (0, "reconciliation-assets 0.1.0\n")
    assert list(tmp_path.iterdir()) == []


def test_who_names_systems_and_drops_no_file_does_not_work_on_the_sample(installed: Installed, tmp_path: Path) -> None:
    own = tmp_path / "reconciliation-data"
    own.mkdir()
    (own / "sources.yaml").write_text("sources: none\n")
    status, seen = Installed(installed.reconcile, tmp_path, installed.environment).on_a_screen("doctor", columns=200)
    assert status == 1
    assert "sources.yaml: there is no list named" in seen
    assert "sample" not in seen


def test_the_ui_prints_its_address_once_it_answers_and_shows_the_run_of_the_command_line(
    installed: Installed, screen: str, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "ui.log"
    command = ["env", "-C", str(installed.folder), str(installed.reconcile), "ui", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with running(command, log, installed.environment):
        wait_until(lambda: answers(port) or f"UI on {address}" in log.read_text("utf-8"), 180, "the UI listens")
        assert answers(port), "what is told is true"
        wait_until(lambda: f"UI on {address}" in log.read_text("utf-8"), 20, "its address is told")
        found: dict[str, Any] = httpx.post(f"{address}/graphql", json={"query": RUNS}, timeout=60).json()["data"]
        (run,) = found["runsOrError"]["results"]
        assert run["status"] == "SUCCESS"
        location = {"repositoryName": "__repository__", "repositoryLocationName": "reconciliation"}
        assert run["repositoryOrigin"] == location, "the timeline shows only runs of its code location"
        taken = subprocess.run(
            command, env=installed.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert taken.returncode == 1
        assert f"port {port} (Address already in use)" in taken.stderr
