"""Attempts: an action on an installation, carried out by a process of its own, which may be killed.

What an action prints goes into a file, as a person would read it. All that an action works on lies in one folder:
the installation in `data`, its backup beside it.
"""

import multiprocessing
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import closing
from ctypes import c_longlong
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import dagster as dg

from reconciliation_assets.chain.raw.landing import land_all
from reconciliation_assets.chain.raw.stocktaking import take_stock
from reconciliation_assets.chain.rebuild import rebuild
from reconciliation_assets.chain.run_context import RunContext
from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.cli import main
from reconciliation_assets.errors import sentence_of
from reconciliation_assets.files import atomic_file
from reconciliation_assets.operations.collectors import failed_checks
from reconciliation_assets.operations.instance import prepare_home, run_lock
from reconciliation_assets.operations.sensors import notify
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.restricted import publish_contact_keys
from reconciliation_assets.settings import load_settings
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.sources.protect import ContactProtector, load_contact_key
from reconciliation_assets.warehouse.duckdb import DuckDB, connect
from reconciliation_assets_tests.faults.kills import die_at

CHECKS = [dg.AssetCheckKey(dg.AssetKey(f"table_{number}"), "holds") for number in range(6)]
"""What is broken where alerts are tried."""

PUBLISHING = ("published_copy", "reports", "restricted_contacts")

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__, "reconciliation_assets.operations.run", "reconciliation_assets.build"])


def make_without_dagster() -> None:
    """Land, build, check and publish, as a run does, in a fifth of its time: without Dagster's records and the reports."""
    settings = load_settings()
    loaded = load_policy(settings.policy_path)
    with run_lock(settings), closing(connect(settings.warehouse_path)) as connection:
        warehouse = DuckDB(connection)
        known, unknown = discover(settings.inbox, load_presets(settings.presets_dir))
        _begin("raw_inbox")
        take_stock(warehouse, known, unknown)
        key = load_contact_key(settings.data_dir, settings.contact_key, is_new=True)
        protector = ContactProtector(key, loaded.policy.reporting_currency)
        land_all(warehouse, known, protector, loaded.policy.zone_of, settings.as_of)
        _begin("chain")
        stops = list(rebuild(RunContext(warehouse, loaded, settings.as_of), checks_by_table()))
        assert not stops, stops
        _begin("published_copy")
        publish(warehouse, published_tables(), settings.published_path)
        publish_contact_keys(warehouse, settings.restricted_path)


def _begin(step: str) -> None:
    """Say what Dagster says."""
    sys.stdout.write(f'Started execution of step "{step}"\n')
    sys.stdout.flush()


def break_checks() -> None:
    """Let a run find that every one of the checks does not hold."""
    settings = load_settings()
    prepare_home(settings)

    def table(check: dg.AssetCheckKey) -> dg.AssetsDefinition:
        @dg.asset(
            name=check.asset_key.to_user_string(), check_specs=[dg.AssetCheckSpec(check.name, asset=check.asset_key)]
        )
        def asset() -> dg.MaterializeResult:  # type: ignore[type-arg]
            return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name=check.name, passed=False)])

        return asset

    with dg.DagsterInstance.get() as instance:
        dg.materialize([table(check) for check in CHECKS], instance=instance)


def tick() -> None:
    """One tick of a sensor of alerts; as with Dagster's daemon its cursor is saved when it has ended."""
    settings = load_settings()
    cursor = settings.data_dir / "cursor.json"
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    with dg.DagsterInstance.get() as instance:
        context = dg.build_sensor_context(instance, cursor=cursor.read_text() if cursor.exists() else None)
        notify(context, failed_checks("check", CHECKS), datetime.now(UTC))
    with atomic_file(cursor) as file:
        file.write_text(context.cursor or "")


def command(*arguments: str) -> Callable[[], None]:
    """A command of the command line, as it is given in the folder of a trial."""

    def carry_out() -> None:
        sys.argv = ["reconcile", *arguments]
        main()

    return carry_out


ACTIONS: Mapping[str, Callable[[], None]] = {
    "run": command("run", "-v"),
    "make": make_without_dagster,
    "backup": command("backup", "../backup"),
    "restore": command("restore", "../backup"),
    "feedback": command("feedback", "send"),
    "break checks": break_checks,
    "tick": tick,
}


class Attempt:
    """An action that was begun in a folder.

    Attributes:
        process: carries it out.
        seconds: how long it took, once it has ended.
    """

    def __init__(self, process: ForkServerProcess, told: IO[bytes], changes: c_longlong) -> None:
        self.process = process
        self.seconds = 0.0
        self._told, self._changes, self._began = told, changes, time.monotonic()

    @classmethod
    def begin(cls, action: str, folder: Path, environment: Mapping[str, str], dies_at: int | None = None) -> "Attempt":
        """Begin an action; with `dies_at`, its process is killed just before that change to the disk, counted from 0."""
        told = NamedTemporaryFile(prefix="told-")  # noqa: SIM115 - deleted with the attempt
        changes = _processes.RawValue("q", 0)
        process = _processes.Process(
            target=_carry_out, args=(action, str(folder), dict(environment), told.name, changes, dies_at)
        )
        process.start()
        return cls(process, told, changes)

    def kill_after(self, seconds: float) -> None:
        """Kill its process, unless it has ended before."""
        self.process.join(seconds)
        self.process.kill()

    def end(self) -> int:
        """Wait for its end; the status, negative where a signal ended it."""
        self.process.join(900)
        assert self.process.exitcode is not None, f"it does not end: {self.text}"
        self.seconds = time.monotonic() - self._began
        return self.process.exitcode

    @property
    def was_killed(self) -> bool:
        """Whether it ended by being killed."""
        return self.process.exitcode == -signal.SIGKILL

    @property
    def changes(self) -> int:
        """How often it changed something on the disk, as far as Python is told."""
        return int(self._changes.value)

    @property
    def text(self) -> str:
        """What it printed."""
        return Path(self._told.name).read_text("utf-8", "replace")

    @property
    def reached(self) -> str:
        """How far it came, by the last step that it told of."""
        steps = re.findall(r'Started execution of step "(\w+)"', self.text)
        if not steps:
            return "before any step"
        return (
            "landing"
            if steps[-1].startswith(("raw_", "pull_"))
            else "publishing"
            if steps[-1] in PUBLISHING
            else "in the chain"
        )


def _carry_out(
    action: str,
    folder: str,
    environment: Mapping[str, str],
    told: str,
    changes: c_longlong,
    dies_at: int | None,
) -> None:
    for name in [name for name in os.environ if name.startswith(("RECON_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ.update(environment, RECON_DATA_DIR=f"{folder}/data", COLUMNS="200")
    os.chdir(f"{folder}/data")
    output = os.open(told, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    die_at(changes, dies_at)
    try:
        ACTIONS[action]()
        status = 0
    except Exception as error:
        sys.stderr.write(f"Stopped. {sentence_of(error) or traceback.format_exc()}\n")
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
