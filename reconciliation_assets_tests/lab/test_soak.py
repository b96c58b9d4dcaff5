"""Days run one after another through schedule, run, sensors and delivery, killed now and then: the alerts told are the plan's."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.lab import soak
from reconciliation_assets_tests.operations.receiver import Receiver

pytestmark = pytest.mark.slow(seconds=150)

DAYS = int(os.environ.get("RECON_SOAK_DAYS", "7"))


def one_process(home: Path, channel: str) -> int:
    """Go on until the days are over or the process is killed; its exit status."""
    settings = {"RECON_DATA_DIR": str(home), "RECON_ALERT_CHANNELS": json.dumps({"default": channel})}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RECON_", "DAGSTER_"))}
    with (home / "soak.log").open("a") as log:
        return subprocess.run(
            [sys.executable, "-m", "reconciliation_assets_tests.lab.soak", str(home), str(DAYS)],
            env=inherited | settings,
            cwd=PROJECT_ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


def test_the_alerts_are_the_plans_nothing_twice_and_nothing_lost(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.refuse_every = 4
    began = time.monotonic()
    ends = [one_process(tmp_path, receiver.url)]
    while ends[-1] == -signal.SIGKILL:
        ends.append(one_process(tmp_path, receiver.url))
    receiver.close()
    sys.stdout.write(f"\n{DAYS} days, {len(ends)} processes, {time.monotonic() - began:.0f} s\n")
    assert ends[-1] == 0, (tmp_path / "soak.log").read_text("utf-8")[-4000:]
    assert len(ends) - 1 == len(list(soak.deaths(DAYS)))
    log = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text("utf-8").splitlines()]
    assert sorted((entry["at"][:10], entry["title"]) for entry in log) == soak.planned(DAYS)
    assert sorted(entry["title"] for entry in log) == sorted(receiver.titles), (
        "what the log says was taken, and only that"
    )
    assert receiver.asked > len(receiver.took), "some deliveries were refused and tried again"
