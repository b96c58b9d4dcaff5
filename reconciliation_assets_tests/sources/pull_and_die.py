"""Pulls one source into a warehouse on disk, in a process that dies without any clean-up at a point given by name.

Processes are forked from a server that has everything loaded, so that one costs no start of Python.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciliation_assets.chain.raw.landing import PULLS, land_pull, raw_table
from reconciliation_assets.chain.raw.pulls import next_window
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.connector import Connector
from reconciliation_assets.sources.http import HttpClient
from reconciliation_assets.sources.meta_insights import MetaInsights
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets.warehouse.duckdb import DuckDB, connect
from reconciliation_assets_tests.standin.sources_file import ENVIRONMENT

WHILE_LANDING = ("before_landing", "between_tables", "before_cursor", "before_commit")
"""Points of a landing, before which nothing counts."""
LANDED = "after_commit"
"""The point at which everything counts, but nobody was told."""
AROUND_TOKEN = {
    "before_noting": (1, False),
    "noted": (1, True),
    "before_saving": (2, False),
    "saved": (2, True),
}
"""Points of a renewal of a token: which swap of its file, and whether it is done. The first notes that the renewal is asked for,
the second saves the new pair."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


def die() -> None:
    """End the process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


class MortalWarehouse(DuckDB):
    """A warehouse whose process is killed at a point of a landing."""

    def __init__(self, connection: Any, point: str | None) -> None:
        super().__init__(connection)
        self._point = point

    def execute(self, sql: str, parameters: Any = None) -> None:
        if self._point == "before_cursor" and f"insert into {PULLS}" in sql:
            die()
        super().execute(sql, parameters)
        if self._point == "between_tables" and any(f"insert into {raw_table(t)} " in sql for t in INPUT_TABLE.values()):
            die()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            if self._point == "before_commit":
                die()
        if self._point == LANDED:
            die()


def pull_once(connector: Connector, warehouse: DuckDB, until: datetime, point: str | None = None) -> None:
    """One pull as the graph makes it."""
    batches = list(connector.pull(next_window(warehouse, connector, until)))
    if point == "before_landing":
        die()
    tables = [INPUT_TABLE[table] for table in connector.tables]
    land_pull(warehouse, connector.name, batches, tables, until, ContactProtector(b"a key for tests"), lambda _: "UTC")


def pull_at(home: Path, source: str, until: datetime, point: str | int | None = None) -> None:
    """Pull a source of the installation at a folder into its warehouse.

    Args:
        home: the folder.
        source: the source's name.
        until: the instant of the pull.
        point: where to die; a number is the answer, counted from 1, on whose arrival.
    """
    os.environ.update(ENVIRONMENT)
    connectors = load_connectors(home / "sources.yaml", FileTokenStore(home / "tokens"), load_policy(None).policy)
    (connector,) = (each for each in connectors if each.name == source)
    if isinstance(connector, MetaInsights):
        # Figures are believed from their pull on; the company lives at another time than this machine.
        connector._now = lambda: until
    if isinstance(point, int):
        _die_on_arrival_of(point)
    if isinstance(point, str) and point in AROUND_TOKEN:
        _die_at_swap(*AROUND_TOKEN[point])
    at = point if isinstance(point, str) else None
    with closing(connect(home / "warehouse.duckdb")) as connection:
        pull_once(connector, MortalWarehouse(connection, at), until, at)


def in_own_process(home: Path, source: str, until: datetime, point: str | int) -> int | None:
    """The same in a process of its own; how that ended."""
    process = _FORKS.Process(target=pull_at, args=(home, source, until, point))
    process.start()
    process.join(timeout=60)
    return process.exitcode


def _die_on_arrival_of(answer: int) -> None:
    """Through the one place where all connectors' answers arrive."""
    arrived = HttpClient._send
    count = 0

    def send(client: HttpClient, question: Any) -> Any:
        nonlocal count
        outcome = arrived(client, question)
        count += 1
        if count == answer:
            die()
        return outcome

    HttpClient._send = send  # type: ignore[method-assign]


def _die_at_swap(number: int, done: bool) -> None:
    """At the given swap of a token's file by the new one, counted from 1: before it, or when it is done."""
    replace = Path.replace
    count = 0

    def swap(new: Path, old: Path) -> Path:
        nonlocal count
        count += new.name.endswith(".token.unfinished")
        if count == number and not done:
            die()
        swapped = replace(new, old)
        if count == number:
            die()
        return swapped

    Path.replace = swap  # type: ignore[method-assign,assignment]
