"""What all tests share: the chain without Dagster, real installations, and the data beside the project."""

import fcntl
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.faults.baits import drop_baits
from reconciliation_assets_tests.harness import AS_OF, Bench, Built, Company, drop, policy_file
from reconciliation_assets_tests.installation import CommandResult, Installation

Build = Callable[..., Built]

_EXIT_STATUS = pytest.StashKey[int]()
_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps files in memory; pytest makes a folder of its own in it
_ROOM = 4 * 2**30


def pytest_configure(config: pytest.Config) -> None:
    """Keep installations of tests in memory where there is room: a run's storage waits for the disk at every event."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One process runs fast files first; several begin with the slow ones, the longest first, to end at about the same time."""
    is_worker = hasattr(config, "workerinput")
    seconds: dict[Path, int] = defaultdict(int)
    for item in items:
        for mark in item.iter_markers("slow"):
            seconds[item.path] = max(seconds[item.path], mark.kwargs.get("seconds", 1))
    items.sort(key=lambda item: ((item.path in seconds) != is_worker, -seconds.get(item.path, 0)))


@pytest.fixture
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Build the chain of a company's rows: `build(company, policy={...}, as_of=..., files={name: bytes})`."""
    with _benches(tmp_path_factory) as built:
        yield built


@pytest.fixture(scope="module")
def build_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """The same for a company that all tests of a file look at."""
    with _benches(tmp_path_factory) as built:
        yield built


@contextmanager
def _benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    benches: list[Bench] = []

    def built(
        company: Company,
        policy: Mapping[str, Any] | None = None,
        as_of: datetime = AS_OF,
        files: Mapping[str, bytes] | None = None,
    ) -> Built:
        bench = Bench(tmp_path_factory.mktemp("company"), policy, as_of)
        benches.append(bench)
        drop(bench.inbox, company)
        for name, content in (files or {}).items():
            (bench.inbox / name).write_bytes(content)
        return bench.build()

    yield built
    for bench in benches:
        bench.close()


@pytest.fixture(scope="session")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with the sample company in its inbox, among it rows that cannot be used, and no run yet."""
    home = tmp_path_factory.mktemp("dropped")
    shutil.copytree(PROJECT_ROOT / "data/sample/inbox", home / "inbox")
    drop_baits(home / "inbox")
    policy_file(home, {"version": "own 1"})
    return Installation(home)


@pytest.fixture(scope="session")
def finished(dropped: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The same after its first run; shared, since a run takes long: tests that change anything take `copied`."""

    def run(home: Path) -> None:
        installation = dropped.copy_to(home)
        told = installation.reconcile("run", "-v")
        assert told.status == 0, told.text
        (home / "first-run.log").write_text(told.text, encoding="utf-8")

    return Installation(_made_by_one_process(tmp_path_factory, "finished", run))


def _made_by_one_process(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of several test processes makes; each has a copy of its own, which keeps tests apart."""
    own, base = tmp_path_factory.mktemp(name), tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        make(own)
        return own
    shared = base.parent / name
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            make(own)
            shutil.copytree(own, base / f"{name}.unfinished")
            (base / f"{name}.unfinished").rename(shared)
            return own
    shutil.copytree(shared, own, dirs_exist_ok=True)
    return own


@pytest.fixture
def copied(finished: Installation, tmp_path: Path) -> Installation:
    """A copy of the finished installation, to be broken."""
    return finished.copy_to(tmp_path / "copy")


@pytest.fixture(scope="session")
def below_its_floor(
    finished: Installation, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Installation, CommandResult]:
    """The finished installation after a second run, which a floor above the match rate stopped, and what that run said."""
    installation = finished.copy_to(tmp_path_factory.mktemp("floor"))
    floors = {"match_rate_floors": {"order_payment": {"value": 0.999}}}
    policy_file(installation.home, {"version": "own 2", "thresholds": floors})
    return installation, installation.reconcile()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the project, which is not shipped with it."""
    folder = PROJECT_ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the data in {folder.name}/ beside the project, which is not part of it")
    return folder


@pytest.fixture(scope="session")
def shared_data(shared: Path) -> Path:
    """Real and known input in the contract's tables."""
    return shared / "data"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep how the tests ended for the end of the process."""
    session.config.stash[_EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once, as the command line does, so that DuckDB's binding does not list what Dagster still holds of it."""
    sys.stdout.flush()
    sys.stderr.flush()
    if _EXIT_STATUS in config.stash:
        os._exit(config.stash[_EXIT_STATUS])
