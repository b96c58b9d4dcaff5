"""What a campaign tries: things that are done with an installation, and what holds once they were done, however they were disturbed."""

import json
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import yaml

from reconciliation_assets_tests.commands.wins import WINS, log, with_wins
from reconciliation_assets_tests.faults.attempts import CHECKS, Attempt
from reconciliation_assets_tests.faults.small_company import on_its_first_day, on_its_second_day
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.operations.receiver import Receiver
from reconciliation_assets_tests.standin.meta import DATASET
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.system import TOKEN

Tables = Mapping[str, list[tuple[Any, ...]]]

_VOLATILE = ("landing_id", "landed_at", "first_used_at")
_COPY = "published/reconciliation.duckdb"

_INVARIANTS = {
    "every group of the bridge closes": """
        select 1 from reporting.bridge group by period_start, campaign_id
        having sum(amount) filter (line = 'collected') <> sum(amount) filter (line <> 'collected')
    """,
    "no payment, order or CRM record is linked twice": """
        select 1 from reporting.match_links where link <> 'record_ad'
        group by case when link like '%payment' then 'payment' else link end, right_id having count(*) > 1
    """,
    "every amount of the sources is accounted for": "select 1 from reporting.source_totals where difference <> 0",
}


class Trial:
    """Something that is done with an installation, to be disturbed.

    Args:
        place: a folder for what is prepared.

    Attributes:
        action: what is done, by its name among `ACTIONS`.
        disturbances: how it can be disturbed.
        seconds, changes, growth: what it took when it was last done undisturbed, and by how many bytes its folder grew.
    """

    action: str
    disturbances: tuple[str, ...] = ("kill", "full disk", "rival")
    seconds = 0.0
    changes = 0
    growth = 0

    def __init__(self, place: Path) -> None:
        self.place = place

    @cached_property
    def prepared(self) -> Installation:
        """An installation in which it was not done yet, as `data` of a folder that is copied for each round."""
        raise NotImplementedError

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the action is given."""
        return self.prepared.environment

    def prepare(self, folder: Path) -> None:
        """Make a folder in which it was not done yet."""
        shutil.copytree(self.prepared.home.parent, folder, dirs_exist_ok=True)

    def begin(self, folder: Path, dies_at: int | None = None) -> Attempt:
        """Begin to do it, in a process that may be killed."""
        return Attempt.begin(self.action, folder, self.environment, dies_at)

    def do(self, folder: Path) -> None:
        """Do it undisturbed."""
        before = _size(folder)
        attempt = self.begin(folder)
        assert attempt.end() == 0, attempt.text
        self.seconds, self.changes = attempt.seconds, attempt.changes
        self.growth = max(self.growth, _size(folder) - before)

    def learn(self, folder: Path) -> None:
        """Do it once undisturbed, to know what it takes; what holds after a disturbance holds without one."""
        self.prepare(folder)
        self.do(folder)
        self.hold(folder, kills=0)
        shutil.rmtree(folder)

    def hold_meanwhile(self, folder: Path) -> None:
        """What holds just after it was disturbed."""

    def hold(self, folder: Path, kills: int) -> None:
        """What holds once it was done, however often it was killed before."""
        raise NotImplementedError


class FirstDay(Trial):
    """The first landing, chain and published copy of a company, without Dagster."""

    action = "make"

    @cached_property
    def prepared(self) -> Installation:
        return on_its_first_day(self.place / "before/data")

    @cached_property
    def done(self) -> Installation:
        """The same installation when it was done undisturbed."""
        installation = self.prepared.copy_to(self.place / "done/data")
        self.do(installation.home.parent)
        return installation

    @cached_property
    def state(self) -> Tables:
        """All tables of warehouse, published copy and restricted copy when it was done undisturbed."""
        return _state_of(self.done.home)

    def learn(self, folder: Path) -> None:
        assert self.done.published_path.exists(), "it was done undisturbed"

    @property
    def published_before(self) -> Tables | None:
        """The published copy that there was before."""
        return None

    def hold_meanwhile(self, folder: Path) -> None:
        """People read the old or the new copy, whole."""
        copy = folder / "data" / _COPY
        if copy.exists() or self.published_before is not None:
            assert _tables_of(copy) in (self.published_before, _tables_of(self.done.home / _COPY))

    def hold(self, folder: Path, kills: int) -> None:
        _assert_same(_state_of(folder / "data"), self.state)
        with duckdb.connect(str(folder / "data" / _COPY), read_only=True) as connection:
            for told, sql in _INVARIANTS.items():
                assert connection.execute(sql).fetchall() == [], told


class SecondDay(FirstDay):
    """The same on the day after, with files that are new, changed, gone and bad."""

    def __init__(self, place: Path, first: FirstDay) -> None:
        super().__init__(place)
        self._first = first

    @cached_property
    def prepared(self) -> Installation:
        return on_its_second_day(self._first.done, self.place / "before/data")

    @property
    def published_before(self) -> Tables | None:
        return _tables_of(self._first.done.home / _COPY)


class Run(Trial):
    """One of these days by the command line, whose tables are those of the same day without Dagster."""

    action = "run"

    def __init__(self, place: Path, day: FirstDay) -> None:
        super().__init__(place)
        self._day = day

    @cached_property
    def prepared(self) -> Installation:
        return self._day.prepared

    def hold_meanwhile(self, folder: Path) -> None:
        self._day.hold_meanwhile(folder)

    def hold(self, folder: Path, kills: int) -> None:
        self._day.hold(folder, kills)


class Backup(Trial):
    """Backing up an installation."""

    action = "backup"

    def __init__(self, place: Path, first: FirstDay) -> None:
        super().__init__(place)
        self._first = first

    @cached_property
    def prepared(self) -> Installation:
        return self._first.done

    @cached_property
    def wanted(self) -> Mapping[str, bytes]:
        """What a backup of it holds: all but its lock and its inbox."""
        files = _contents_of(self.prepared.home)
        return {name: content for name, content in files.items() if not name.startswith("inbox/")}

    def hold_meanwhile(self, folder: Path) -> None:
        """There is no backup of that name, or a whole one."""
        if (folder / "backup").exists():
            self.hold(folder, 0)

    def hold(self, folder: Path, kills: int) -> None:
        _assert_same(_contents_of(folder / "backup"), self.wanted)
        _assert_same(_contents_of(folder / "data"), _contents_of(self.prepared.home))


class Restore(Trial):
    """Restoring a backup into a folder that holds nothing yet."""

    action = "restore"

    def __init__(self, place: Path, backup: Backup) -> None:
        super().__init__(place)
        self._backup = backup

    @cached_property
    def prepared(self) -> Installation:
        folder = self.place / "before"
        self._backup.prepare(folder)
        self._backup.do(folder)
        shutil.rmtree(folder / "data")
        return Installation(folder / "data")

    def hold_meanwhile(self, folder: Path) -> None:
        """It is refused until it is whole (`test_backup.py`); without the mark of that it is whole, or there is nothing."""
        if not any((folder / "data").glob(".restore*")):
            assert _contents_of(folder / "data") in ({}, self._backup.wanted)

    def hold(self, folder: Path, kills: int) -> None:
        _assert_same(_contents_of(folder / "data"), self._backup.wanted)


class Feedback(Trial):
    """Telling Meta, which counts every event once."""

    action = "feedback"

    def __init__(self, place: Path, standin: Standin) -> None:
        super().__init__(place)
        self._standin = standin

    @cached_property
    def prepared(self) -> Installation:
        installation = with_wins(self.place / "before/data")
        told = {
            "dataset_id": DATASET,
            "base_url": self._standin.url("meta"),
            "timeout_seconds": 2,
            "events_per_call": 1,
        }
        (installation.home / "sources.yaml").write_text(yaml.safe_dump({"sources": [], "feedback": told}), "utf-8")
        return installation

    @property
    def environment(self) -> dict[str, str]:
        return {**self.prepared.environment, "META_CONVERSIONS_TOKEN": TOKEN}

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        self._standin.systems["meta"].events.clear()
        self._standin.systems["meta"].batches.clear()

    def hold(self, folder: Path, kills: int) -> None:
        meta = self._standin.systems["meta"]
        assert len(meta.events) == WINS, "none is lost"
        assert sum(meta.batches) <= WINS + kills, (
            "only a kill between answer and note sends one again, which Meta does not count"
        )
        assert {answer for answer, *_ in log(Installation(folder / "data")).values()} == {"taken"}


class Alerts(Trial):
    """Telling on-call what broke. Dagster begins no tick of a sensor while one goes on, so it has no rival."""

    action = "tick"
    disturbances = ("kill", "full disk")

    def __init__(self, place: Path, receiver: Receiver) -> None:
        super().__init__(place)
        self._receiver = receiver

    @cached_property
    def prepared(self) -> Installation:
        channels = json.dumps({"default": self._receiver.url})
        installation = Installation(self.place / "before/data", RECON_ALERT_CHANNELS=channels)
        attempt = Attempt.begin("break checks", self.place / "before", installation.environment)
        assert attempt.end() == 0, attempt.text
        return installation

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        self._receiver.took.clear()

    def hold(self, folder: Path, kills: int) -> None:
        titles = self._receiver.titles
        assert set(titles) == {f"Failing: check holds of {check.asset_key.to_user_string()}" for check in CHECKS}
        assert len(titles) <= len(CHECKS) + kills, "only a kill between answer and log tells one more"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _tables_of(database: Path) -> Tables:
    """Every table of a database, row for row, without what differs from one undisturbed run to the next."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables where table_type = 'BASE TABLE'"
        ).fetchall()
        return {
            name: connection.execute(
                f"select columns(lambda name: name not in {_VOLATILE}) from {name} order by all"
            ).fetchall()
            for (name,) in names
        }


def _state_of(home: Path) -> Tables:
    return {
        f"{path} {table}": rows
        for path in ("warehouse.duckdb", _COPY, "restricted/contacts.duckdb")
        for table, rows in _tables_of(home / path).items()
    }


def _contents_of(folder: Path) -> Mapping[str, bytes]:
    """Every file of an installation or a backup but for its lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {".lock", "backup.json"}
    }


def _assert_same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differing = sorted(name for name in wanted.keys() | found.keys() if found.get(name) != wanted.get(name))
    assert differing == []
