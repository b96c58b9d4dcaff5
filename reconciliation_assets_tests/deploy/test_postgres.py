"""The deployment's shape: run storage in a real Postgres, and the processes that the systemd units start, by their own lines."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.deploy.processes import answers, free_port, running, wait_until
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.rows import insight, order, payment

pytestmark = pytest.mark.slow(seconds=70)
DEPLOY = PROJECT_ROOT / "deploy"
BIN = Path(sys.executable).parent
LAUNCH = """
mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
RELOAD = "mutation { reloadWorkspace { __typename } }"
EVENTS = "select count(*) from event_logs where run_id = '{}' and dagster_event_type = 'ASSET_MATERIALIZATION'"


@dataclass(frozen=True)
class Postgres:
    """A cluster of a test's own."""

    binaries: Path
    port: int

    @property
    def url(self) -> str:
        """Its address; the driver is named, since SQLAlchemy's default is one that Dagster does not bring."""
        return f"postgresql+psycopg2://{self.address}"

    @property
    def address(self) -> str:
        return f"recon@127.0.0.1:{self.port}/postgres"

    def value(self, sql: str) -> str:
        psql = [str(self.binaries / "psql"), f"postgresql://{self.address}", "-Atc", sql]
        return subprocess.run(psql, check=True, capture_output=True, text=True).stdout.strip()


def postgres_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    binaries = postgres_binaries()
    if not binaries:
        pytest.skip("needs Postgres (apt-get install postgresql)")
    # Postgres refuses to run as root, and its own user cannot enter a test's folder.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    made = subprocess.run([*as_user, "mktemp", "-d"], check=True, capture_output=True, text=True)
    cluster = Path(made.stdout.strip())
    try:
        subprocess.run(
            [*as_user, str(binaries / "initdb"), "-D", str(cluster), "-U", "recon", "--auth", "trust", "--no-sync"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        port = free_port()
        options = f"-p {port} -k {cluster} -h 127.0.0.1 -F"
        server = [*as_user, str(binaries / "postgres"), "-D", str(cluster), *options.split()]
        with running(server, tmp_path_factory.mktemp("postgres") / "log"):
            found = Postgres(binaries, port)
            ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, 20, "Postgres is ready")
            yield found
    finally:
        shutil.rmtree(cluster, ignore_errors=True)


def ask(port: int, query: str, **variables: Any) -> dict[str, Any]:
    answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": query, "variables": variables}, timeout=60)
    found: dict[str, Any] = answer.json()["data"]
    return found


def units() -> list[Path]:
    return sorted((DEPLOY / "systemd").glob("*.service"))


def command_of(unit: str, here: Mapping[str, str]) -> list[str]:
    """The command line of a shipped unit, but for where things are and which ports are free."""
    text = (DEPLOY / "systemd" / f"reconciliation-{unit}.service").read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, flags=re.MULTILINE)
    for shipped, value in here.items():
        line = re.sub(rf"(?<=[ =]){shipped}\b", value, f" {line}").strip()
    return shlex.split(line)


def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("needs systemd-analyze (apt-get install systemd)")
    for unit in units():
        # Its programs are not where they will be installed, of which alone the check would complain.
        text = unit.read_text("utf-8").replace("/opt/reconciliation/.venv/bin", str(BIN))
        (tmp_path / unit.name).write_text(text, "utf-8")
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *(str(tmp_path / unit.name) for unit in units())],
        check=False,
        capture_output=True,
        text=True,
    )
    about_ours = [line for line in checked.stderr.splitlines() if "reconciliation" in line]
    assert about_ours == []
    assert [unit.stem for unit in units()] == [
        "reconciliation-code",
        "reconciliation-daemon",
        "reconciliation-viewer",
        "reconciliation-webserver",
    ]


def test_a_run_launched_in_the_ui_goes_through_daemon_and_code_location(postgres: Postgres, tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    installation.drop(
        {
            "meta_insights": [insight()],
            "orders": [order("O1")],
            "payments": [payment("P1", order_id="O1")],
        }
    )
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copyfile(DEPLOY / "dagster.yaml", home / "dagster.yaml")
    code, web, viewer = free_port(), free_port(), free_port()
    workspace = tmp_path / "workspace.yaml"
    shipped = (DEPLOY / "workspace.yaml").read_text("utf-8")
    assert "port: 4266" in shipped
    workspace.write_text(shipped.replace("port: 4266", f"port: {code}"))
    named = re.findall(r"^([A-Z_]+)=", (DEPLOY / "environment.example").read_text("utf-8"), flags=re.MULTILINE)
    values = {**installation.environment, "DAGSTER_HOME": str(home), "RECON_POSTGRES_URL": postgres.url}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("RECON_", "DAGSTER_"))},
        **{name: values[name] for name in named},
        "RECON_AS_OF": installation.as_of,
    }
    here = {
        "/opt/reconciliation/.venv/bin": str(BIN),
        "/opt/reconciliation/deploy/workspace.yaml": str(workspace),
        "4266": str(code),
        "3000": str(web),
        "3001": str(viewer),
    }
    viewers = re.findall(r"^([A-Z_]+)=", (DEPLOY / "viewer.environment.example").read_text("utf-8"), flags=re.MULTILINE)
    assert set(viewers) == {"DAGSTER_HOME", "RECON_UI_URL", "RECON_POSTGRES_URL"}, (
        "no secret of a source, no data directory"
    )
    looking = {
        **{name: value for name, value in environment.items() if name not in named and name != "RECON_AS_OF"},
        "DAGSTER_HOME": str(tmp_path / "viewer"),
        "RECON_UI_URL": f"http://127.0.0.1:{viewer}",
        "RECON_POSTGRES_URL": postgres.url.replace("recon@", "viewer@"),
    }
    shutil.copytree(home, tmp_path / "viewer")
    postgres.value("create role viewer login; grant pg_read_all_data to viewer")
    with ExitStack() as stack:
        for unit in ("code", "daemon", "webserver"):
            stack.enter_context(running(command_of(unit, here), tmp_path / f"{unit}.log", environment))
            if unit == "code":
                wait_until(lambda: answers(code), 60, "the code location listens")
        wait_until(lambda: answers(web), 60, "the webserver listens")
        stack.enter_context(running(command_of("viewer", here), tmp_path / "viewer.log", looking))
        launched = ask(
            web,
            LAUNCH,
            params={
                "selector": {
                    "repositoryLocationName": "reconciliation",
                    "repositoryName": "__repository__",
                    "pipelineName": "daily_reconciliation",
                },
            },
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id = launched["run"]["runId"]

        def ended() -> bool:
            return ask(web, STATUS, id=run_id)["runOrError"]["status"] in {"SUCCESS", "FAILURE", "CANCELED"}

        wait_until(ended, 240, "the run ends")
        assert postgres.value(f"select status from runs where run_id = '{run_id}'") == "SUCCESS"
        assert int(postgres.value(EVENTS.format(run_id))) > 40
        wait_until(lambda: answers(viewer), 60, "the viewer listens")
        assert ask(viewer, STATUS, id=run_id)["runOrError"]["status"] == "SUCCESS"
        assert ask(viewer, RELOAD)["reloadWorkspace"]["__typename"] == "UnauthorizedError"
    assert installation.rows("select collected_value from reporting.matched_chain where record_id = 'order:O1'")
    assert not list(home.rglob("*.db")), "nothing of the run storage is in SQLite"
