"""A campaign against installations: whatever is done is killed, runs out of disk or meets a rival at some instant, round after round, by seed.

Afterwards it is done again, and everything is as if nothing had happened: every table of warehouse and published copy, every
backup, what Meta counts, what on-call was told. In the suite a few rounds, without whole runs; `make campaign MINUTES=60` goes on.
Of a seed follows what is done and how it is disturbed; the instant of a kill follows from it only roughly where it is a time.
"""

import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from reconciliation_assets_tests.faults.campaign import SECONDS, seeds
from reconciliation_assets_tests.faults.small_company import STAYS_EMPTY, on_its_first_day, on_its_second_day
from reconciliation_assets_tests.faults.trials import CHECKS, Attempt
from reconciliation_assets_tests.harness import PUBLISHED
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.operations.receiver import Receiver
from reconciliation_assets_tests.operations.test_feedback import WINS, log, with_wins
from reconciliation_assets_tests.standin.meta import DATASET
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.system import TOKEN

pytestmark = pytest.mark.slow(seconds=60)

VOLATILE = {"landing_id", "landed_at", "first_used_at", "attempts", "attempted_at"}
"""Columns that say when something was done, and in which try."""

Tables = dict[str, list[tuple[Any, ...]]]


def tables_of(database: Path) -> Tables:
    """Every table of a database, row for row, without what differs from try to try."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables where table_type = 'BASE TABLE' order by 1"
        ).fetchall()
        return {name: _rows(connection, name) for (name,) in names}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"select columns(lambda name: name not in {tuple(VOLATILE)}) from {table} order by all"
    ).fetchall()


def state_of(home: Path) -> Tables:
    """All that an installation holds in tables."""
    return {
        f"{path.name} {table}": rows
        for path in (home / "warehouse.duckdb", home / "published/reconciliation.duckdb", home / "restricted/contacts.duckdb")
        for table, rows in tables_of(path).items()
    }


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file of an installation or a backup; SQLite's are copied page by page, so they are compared by name alone."""
    return {
        str(path.relative_to(folder)): b"" if ".dagster" in path.parts else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {".lock", "backup.json"} and not path.name.endswith(("-wal", "-shm"))
    }


def assert_same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differing = [name for name in wanted.keys() | found.keys() if found.get(name) != wanted.get(name)]
    assert differing == []


@dataclass
class Trial:
    """Something that is done with an installation, to be disturbed.

    Attributes:
        action: what is done.
        disturbances: how it can be disturbed.
        prepared: a folder in which it was not done yet.
        environment: the variables of the installation.
        hold_meanwhile: what holds however it was disturbed.
        hold: what holds once it was done.
        seconds, changes, bytes: what it last took, undisturbed.
    """

    action: str
    disturbances: tuple[str, ...]
    prepared: Path
    environment: Mapping[str, str]
    hold_meanwhile: Callable[[Path], None]
    hold: Callable[[Path, int], None]
    seconds: float = 0
    changes: int = 0
    bytes: int = 0
    renew: Callable[[Path], None] = field(default=lambda _: None)

    def begin(self, folder: Path, told: Path, dies_at: int | None = None) -> Attempt:
        return Attempt.begin(self.action, folder, self.environment, told, dies_at)

    def do(self, folder: Path, told: Path) -> None:
        """Do it undisturbed."""
        before = _size(folder)
        attempt = self.begin(folder, told)
        assert attempt.ended() == 0, attempt.text
        self.seconds, self.changes = attempt.seconds, attempt.changes
        self.bytes = max(self.bytes, _size(folder) - before)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def kill(trial: Trial, folder: Path, told: Path, chance: random.Random, done: Counter[str]) -> bool:
    """Kill it, up to three times; returns whether it came to its end all the same."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if chance.random() < 0.5:
            attempt = trial.begin(folder, told, dies_at=chance.randrange(max(trial.changes, 1)))
        else:
            attempt = trial.begin(folder, told)
            attempt.kill_after(chance.uniform(0, trial.seconds))
        status = attempt.ended()
        assert status in (0, -9), attempt.text
        trial.hold_meanwhile(folder)
        if status == 0:
            return True
        done[f"{trial.action}: kills"] += 1
    return False


def fill_disk(trial: Trial, folder: Path, told: Path, chance: random.Random, done: Counter[str]) -> bool:
    """Let it run on a disk with less room than it needs, or hardly more; returns whether it came to its end all the same."""
    ballast = folder / "ballast"
    room = shutil.disk_usage(folder).free - round(chance.uniform(0, 1.5 * trial.bytes))
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room)
    attempt = trial.begin(folder, told)
    status = attempt.ended()
    assert "Traceback" not in attempt.text, attempt.text
    assert status in (0, 1), attempt.text
    ballast.unlink()
    trial.hold_meanwhile(folder)
    done[f"{trial.action}: full disks"] += status
    return status == 0


def rival(trial: Trial, folder: Path, told: Path, chance: random.Random, done: Counter[str]) -> bool:
    """Let it begin a second time while it goes on; returns whether one of the two came to its end."""
    first = trial.begin(folder, told)
    first.process.join(chance.uniform(0, trial.seconds))
    second = trial.begin(folder, told.with_suffix(".rival"))
    statuses = [attempt.ended() for attempt in (first, second)]
    for attempt in (first, second):
        assert "Traceback" not in attempt.text, attempt.text
    assert set(statuses) <= {0, 1}, first.text + second.text
    trial.hold_meanwhile(folder)
    done[f"{trial.action}: rivals"] += 1
    return 0 in statuses


DISTURB = {"kill": kill, "full disk": fill_disk, "rival": rival}


@contextmanager
def place_for(disturbance: str, folder: Path) -> Iterator[Path]:
    """A folder for a round; a disk of its own where it is to be filled."""
    folder.mkdir()
    if disturbance == "full disk":
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        if disturbance == "full disk":
            subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(folder)


def play_round(trial: Trial, disturbance: str, folder: Path, chance: random.Random, done: Counter[str]) -> None:
    told = folder.with_suffix(".log")
    with place_for(disturbance, folder):
        shutil.copytree(trial.prepared, folder, dirs_exist_ok=True)
        trial.renew(folder)
        kills = done[f"{trial.action}: kills"]
        is_done = DISTURB[disturbance](trial, folder, told, chance, done)
        if not is_done:
            trial.do(folder, told)
        trial.hold(folder, done[f"{trial.action}: kills"] - kills)
        left = [path.name for path in folder.rglob("*") if path.name.endswith(".unfinished") or path.name == ".restore"]
        assert left == []
    told.unlink(missing_ok=True)


def can_mount(folder: Path) -> bool:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=False, capture_output=True)
    return mounted.returncode == 0 and subprocess.run(["umount", str(folder)], check=True).returncode == 0


@pytest.fixture
def trials(tmp_path: Path) -> Iterator[list[Trial]]:
    prepared = tmp_path / "prepared"
    with Standin() as standin:
        receiver = Receiver()
        yield [
            *daily(prepared),
            *backups(prepared),
            feedback(prepared / "feedback", standin),
            alerts(prepared / "alerts", receiver),
        ]
        receiver.close()


def _do(action: str, folder: Path, environment: Mapping[str, str]) -> None:
    attempt = Attempt.begin(action, folder, environment, folder / "told")
    assert attempt.ended() == 0, attempt.text


def daily(prepared: Path) -> list[Trial]:
    """The first and the second day, without Dagster and, where there is time for it, as whole runs."""
    first = on_its_first_day(prepared / "first/data")
    made = Installation(shutil.copytree(prepared / "first", prepared / "made") / "data", first.as_of)
    _do("make", made.home.parent, first.environment)
    (made.home.parent / "told").unlink()
    second = on_its_second_day(made, prepared / "second/data")
    undisturbed = shutil.copytree(prepared / "second", prepared / "undisturbed")
    _do("make", undisturbed, second.environment)
    days = {"first": state_of(made.home), "second": state_of(undisturbed / "data")}
    empty = {name.rpartition(".")[2] for name, rows in days["second"].items() if ".reporting." in name.replace(" ", ".") and not rows}
    assert empty & set(PUBLISHED) == STAYS_EMPTY, "the company fills every table that it can"

    def trial(action: str, installation: Installation, day: str) -> Trial:
        before = None if day == "first" else days["first"]

        def hold_meanwhile(folder: Path) -> None:
            """What people read is the old or the new copy, whole."""
            copy = folder / "data/published/reconciliation.duckdb"
            if copy.exists() or before:
                found = {f"{copy.name} {table}": rows for table, rows in tables_of(copy).items()}
                assert any(found.items() <= state.items() for state in (before, days[day]) if state)

        def hold(folder: Path, _: int) -> None:
            assert_same(state_of(folder / "data"), days[day])
            hold_contract(folder / "data")

        return Trial(
            action, ("kill", "full disk", "rival"), installation.home.parent, installation.environment, hold_meanwhile, hold
        )

    actions = ("make", "run") if SECONDS else ("make",)
    return [trial(action, *day) for action in actions for day in ((second, "second"), (first, "first"))]


def hold_contract(home: Path) -> None:
    """What always holds, asked of the published copy itself."""
    with duckdb.connect(str(home / "published/reconciliation.duckdb"), read_only=True) as connection:
        for told, sql in INVARIANTS.items():
            assert connection.execute(f"select count(*) from ({sql})").fetchall() == [(0,)], told


INVARIANTS = {
    "every group of the bridge closes": """
        select period_start, campaign_id from reporting.bridge group by all
        having sum(amount) filter (line = 'collected') <> sum(amount) filter (line <> 'collected')
    """,
    "no payment, order or CRM record is linked twice": """
        select link, right_id from reporting.match_links group by all having count(*) > 1
    """,
    "every amount of the sources is accounted for": """
        select * from reporting.source_totals where difference <> 0
    """,
}


def backups(prepared: Path) -> list[Trial]:
    """Backing up an installation, and restoring it to an empty place."""
    here = prepared / "made"
    whole = shutil.copytree(here, prepared / "whole")
    environment = Installation(here / "data").environment
    _do("backup", whole, environment)
    (whole / "told").unlink()
    wanted = contents_of(whole / "backup")
    shutil.rmtree(whole / "data")
    (whole / "data").mkdir()

    def hold_whole_or_none(folder: Path) -> None:
        if (folder / "backup").exists():
            assert_same(contents_of(folder / "backup"), wanted)

    def hold_backup(folder: Path, _: int) -> None:
        assert_same(contents_of(folder / "backup"), wanted)
        assert_same(contents_of(folder / "data"), contents_of(here / "data"))

    def hold_refused_or_nothing(folder: Path) -> None:
        if not any((folder / "data").glob(".restore*")):
            found = contents_of(folder / "data")
            assert found in ({}, wanted)

    def hold_restored(folder: Path, _: int) -> None:
        assert_same(contents_of(folder / "data"), wanted)

    three = ("kill", "full disk", "rival")
    return [
        Trial("backup", three, here, environment, hold_whole_or_none, hold_backup),
        Trial("restore", three, whole, environment, hold_refused_or_nothing, hold_restored),
    ]


def feedback(prepared: Path, standin: Standin) -> Trial:
    """Telling Meta, which counts every event once."""
    installation = with_wins(prepared / "data")
    sources = {"dataset_id": DATASET, "base_url": standin.url("meta"), "timeout_seconds": 2, "events_per_call": 2}
    (installation.home / "sources.yaml").write_text(yaml.safe_dump({"sources": [], "feedback": sources}), "utf-8")
    meta = standin.systems["meta"]

    def renew(_: Path) -> None:
        meta.events.clear()

    def hold(folder: Path, _: int) -> None:
        assert len(meta.events) == WINS, "each counted once"
        assert {answer for answer, *_ in log(Installation(folder / "data")).values()} == {"taken"}

    environment = {**installation.environment, "META_CONVERSIONS_TOKEN": TOKEN}
    return Trial("feedback", ("kill", "full disk", "rival"), prepared, environment, lambda _: None, hold, renew=renew)


def alerts(prepared: Path, receiver: Receiver) -> Trial:
    """Telling on-call what broke."""
    installation = Installation(prepared / "data", RECON_ALERT_CHANNELS=f'{{"default": "{receiver.url}"}}')
    _do("break checks", prepared, installation.environment)
    wanted = {f"Broken: check holds of {check.asset_key.to_user_string()}" for check in CHECKS}

    def hold(_: Path, kills: int) -> None:
        assert set(receiver.titles) == wanted, "none is lost"
        assert len(receiver.titles) <= len(wanted) + kills, "only a kill between answer and log tells one more"

    return Trial(
        "tick", ("kill", "full disk"), prepared, installation.environment, lambda _: None, hold, renew=lambda _: receiver.took.clear()
    )


def test_whatever_is_disturbed_can_be_done_again_and_is_as_if_nothing_had_happened(tmp_path: Path, trials: list[Trial]) -> None:
    rounds = [(trial, disturbance) for trial in trials for disturbance in trial.disturbances]
    if not can_mount(tmp_path):
        rounds = [each for each in rounds if each[1] != "full disk"]
    done: Counter[str] = Counter()
    failed: list[str] = []
    for seed in seeds(fewest=len(rounds)):
        trial, disturbance = rounds[seed % len(rounds)]
        try:
            if not trial.seconds:
                learn(trial, tmp_path / "learn")
            play_round(trial, disturbance, tmp_path / f"round-{seed}", random.Random(seed), done)
        except AssertionError as problem:
            failed.append(f"seed {seed}, {trial.action}, {disturbance}: {problem}")
    # Shown by `pytest -rP`, and by whoever lets it run for hours.
    print(dict(sorted(done.items())))  # noqa: T201
    assert failed == []


def learn(trial: Trial, folder: Path) -> None:
    """Do it once undisturbed, to know how long it takes; what holds after a disturbance holds without one."""
    shutil.copytree(trial.prepared, folder)
    trial.renew(folder)
    trial.do(folder, folder.with_suffix(".log"))
    trial.hold(folder, 0)
    shutil.rmtree(folder)
