"""A real installation in a folder of its own: runs of the command line, in this process or in one of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets_tests.harness import PUBLISHED, Company, drop

RECONCILE = Path(sys.executable).with_name("reconcile")


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: its exit status and all it printed, line ends of a narrow terminal taken out."""

    status: int
    text: str


class Installation:
    """One data directory.

    Args:
        home: the data directory; made where it is missing.
        as_of: the instant its runs speak for.
    """

    def __init__(self, home: Path, as_of: str = "2026-07-01T00:00:00+04:00", **environment: str) -> None:
        self.home = home
        self.as_of = as_of
        self.inbox = home / "inbox"
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.published_path = home / "published" / "reconciliation.duckdb"
        self._own = environment

    def drop(self, company: Company) -> "Installation":
        """Put a company's rows into the inbox."""
        drop(self.inbox, company)
        return self

    def copy_to(self, home: Path) -> "Installation":
        """The same installation, state and all, in another folder."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return Installation(home, self.as_of, **self._own)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that name it."""
        return {"RECON_DATA_DIR": str(self.home), "RECON_AS_OF": self.as_of, **self._own}

    def reconcile(self, *arguments: str) -> CommandResult:
        """Run the command line in this process, which saves its start."""
        from reconciliation_assets.cli import app

        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("RECON_", "DAGSTER_"))]:
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setenv("COLUMNS", "200")
            # run_daily sets it for the processes it may start; the patch puts it back
            patch.setenv("DAGSTER_HOME", str(self.home / ".dagster"))
            result = CliRunner().invoke(app, list(arguments) or ["run"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return CommandResult(result.exit_code, result.output)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command line in a process of its own."""
        return subprocess.Popen(
            [str(RECONCILE), *(arguments or ("run",))],
            env={**_without_settings(), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def reconcile_alone(self, *arguments: str) -> CommandResult:
        """Run the command line in a process of its own, to its end."""
        process = self.start(*arguments)
        text, _ = process.communicate(timeout=300)
        return CommandResult(process.returncode, text)

    def start_step(self, asset: str) -> subprocess.Popen[str]:
        """Start one step of the graph in a process of its own, on what an earlier run made."""
        dagster = RECONCILE.with_name("dagster")
        module = "reconciliation_assets.definitions"
        return subprocess.Popen(
            [str(dagster), "asset", "materialize", "--select", asset, "--module-name", module],
            env={**_without_settings(), **self.environment, "DAGSTER_HOME": str(self.home / ".dagster")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def published(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every published table, row for row as it lies there, without the copies of columns under their old names."""
        with duckdb.connect(str(self.published_path), read_only=True) as connection:
            return {
                table: connection.execute(f"select {_columns(table)} from reporting.{table}").fetchall()
                for table in PUBLISHED
            }

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a reader of the published copy sees."""
        with duckdb.connect(str(self.published_path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def _columns(table: str) -> str:
    old = ", ".join(output_tables()[table].old_names.values())
    return f"* exclude ({old})" if old else "*"


def _without_settings() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("RECON_", "DAGSTER_"))}
