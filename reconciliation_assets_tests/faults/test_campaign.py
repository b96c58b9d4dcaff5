"""A campaign against installations: whatever is done is killed, runs out of disk or meets a rival at some instant, by seed.

Then it is done again, and all is as if nothing had happened: every table of the warehouse and of the published copy, every
backup, what Meta counts, what on-call was told (`trials.py`). In the suite it does not start whole runs; `make campaign` does.
A seed decides what is done, how it is disturbed and at which change to the disk; where that is a time, only about when.
"""

import os
import random
import shutil
import subprocess
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciliation_assets_tests.faults.attempts import Attempt
from reconciliation_assets_tests.faults.campaign import seeds
from reconciliation_assets_tests.faults.trials import (
    Alerts,
    Backup,
    Feedback,
    FirstDay,
    Restore,
    Run,
    SecondDay,
    Trial,
)
from reconciliation_assets_tests.operations.receiver import Receiver
from reconciliation_assets_tests.standin.server import Standin

pytestmark = pytest.mark.slow(seconds=60)
Done = Counter[str]
IN_THE_SUITE = 13
"""Rounds up to a killed day and one whose disk is full; all others are dearer and like them."""


def kill(trial: Trial, folder: Path, chance: random.Random, done: Done) -> list[Attempt]:
    """Kill it up to three times, before some change to the disk or at some instant."""
    attempts = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.5:
            attempt = trial.begin(folder, dies_at=chance.randrange(trial.changes))
        else:
            attempt = trial.begin(folder)
            attempt.kill_after(chance.uniform(0, trial.seconds))
        attempts.append(attempt)
        if attempt.end() == 0:
            break
        assert attempt.was_killed, attempt.text
        done[f"{trial.action}, killed {attempt.reached}"] += 1
        trial.hold_meanwhile(folder)
    return attempts


def fill_the_disk(trial: Trial, folder: Path, chance: random.Random, done: Done) -> list[Attempt]:
    """Leave it less room on the disk than it needs, or hardly more."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        room = round(chance.uniform(0, 1.5 * trial.growth))
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - room)
    attempt = trial.begin(folder)
    done[f"{trial.action}, disk full"] += attempt.end()
    assert_told(attempt)
    ballast.unlink()
    return [attempt]


def rival(trial: Trial, folder: Path, chance: random.Random, done: Done) -> list[Attempt]:
    """Let it begin a second time while it goes on."""
    first = trial.begin(folder)
    first.process.join(chance.uniform(0, trial.seconds))
    second = trial.begin(folder)
    statuses = [each.end() for each in (first, second)]
    for each in (first, second):
        assert_told(each)
    done[f"{trial.action}, rivals, {statuses.count(0)} succeeded"] += 1
    return [first, second]


def assert_told(attempt: Attempt) -> None:
    """It succeeded, or failed with a sentence."""
    assert attempt.process.exitcode in (0, 1), attempt.text
    assert attempt.process.exitcode == 0 or "Stopped." in attempt.text or "Broke" in attempt.text, attempt.text
    assert "Traceback" not in attempt.text, attempt.text


DISTURB: dict[str, Callable[[Trial, Path, random.Random, Done], list[Attempt]]] = {
    "kill": kill,
    "full disk": fill_the_disk,
    "rival": rival,
}
"""Each returns its attempts, of which one may have succeeded."""


def play_round(trial: Trial, disturbance: str, folder: Path, chance: random.Random, done: Done) -> None:
    with place_for(disturbance, folder):
        trial.prepare(folder)
        attempts = DISTURB[disturbance](trial, folder, chance, done)
        trial.hold_meanwhile(folder)
        if all(attempt.process.exitcode for attempt in attempts):
            trial.do(folder)
        trial.hold(folder, kills=sum(attempt.was_killed for attempt in attempts))
        left = [path for path in folder.rglob(".*") if path.name.endswith(".unfinished") or path.name == ".restore"]
        assert left == []


@contextmanager
def place_for(disturbance: str, folder: Path) -> Iterator[None]:
    """A folder for a round, on a disk of its own where that is to be filled."""
    folder.mkdir()
    is_disk = disturbance == "full disk"
    if is_disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        if is_disk:
            subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(folder)


def may_mount(folder: Path) -> bool:
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=False, capture_output=True)
    return mounted.returncode == 0 and subprocess.run(["umount", str(folder)], check=True).returncode == 0


@pytest.fixture
def trials(tmp_path: Path) -> Iterator[list[Trial]]:
    first = FirstDay(tmp_path / "first")
    backup = Backup(tmp_path / "backup", first)
    second = SecondDay(tmp_path / "second", first)
    receiver = Receiver()
    with Standin() as standin:
        yield [
            backup,
            Restore(tmp_path / "restore", backup),
            Feedback(tmp_path / "feedback", standin),
            Alerts(tmp_path / "alerts", receiver),
            second,
            first,
            Run(tmp_path / "first-run", first),
            Run(tmp_path / "second-run", second),
        ]
    receiver.close()


def test_whatever_is_disturbed_can_be_done_again_and_all_is_as_if_nothing_had_happened(
    tmp_path: Path, trials: list[Trial]
) -> None:
    rounds = [(trial, disturbance) for trial in trials for disturbance in trial.disturbances]
    has_disk = may_mount(tmp_path / "disk")
    done: Done = Counter()
    failed: list[str] = []
    for seed in seeds(fewest=IN_THE_SUITE):
        trial, disturbance = rounds[seed % len(rounds)]
        if disturbance == "full disk" and not has_disk:
            done["not played, since no disk can be mounted"] += 1
            continue
        try:
            if not trial.seconds:
                trial.learn(tmp_path / f"{seed}-undisturbed")
            play_round(trial, disturbance, tmp_path / f"{seed}", random.Random(seed), done)
        except AssertionError:
            failed.append(f"seed {seed}, {trial.action}, {disturbance}")
            print(f"{failed[-1]}\n{traceback.format_exc()}", flush=True)  # noqa: T201
        done["rounds"] += 1
    # Shown by `pytest -rP`, and by whoever lets it run for hours.
    print("\n".join(f"{count:6,} {what}" for what, count in sorted(done.items())))  # noqa: T201
    assert failed == []
