"""Runs one pull into a warehouse and kills its own process, without any clean-up, at a point given by name."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciliation_assets.chain.raw.landing import PULLS, land_pull, last_pull
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.sources.connector import Connector, Window
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets.warehouse.duckdb import Warehouse, connect
from reconciliation_assets_tests.standin.company import AS_OF

POINTS = ("between_pages", "before_landing", "before_cursor", "before_commit", "after_commit")


def die() -> None:
    """End the process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


class MortalWarehouse(Warehouse):
    """A warehouse whose process is killed at a point of a landing."""

    def __init__(self, connection: Any, point: str) -> None:
        super().__init__(connection)
        self._point = point

    def execute(self, sql: str, parameters: Any = None) -> None:
        if self._point == "before_cursor" and f"insert into {PULLS}" in sql:
            die()
        super().execute(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            if self._point == "before_commit":
                die()
        if self._point == "after_commit":
            die()


def pull_once(connector: Connector, warehouse: Warehouse, point: str) -> None:
    """One pull as the graph makes it."""
    last = last_pull(warehouse, connector.name)
    batches = []
    for batch in connector.pull(Window(last[0] - connector.overlap if last else None, AS_OF)):
        batches.append(batch)
        if point == "between_pages":
            die()
    if point == "before_landing":
        die()
    tables = [INPUT_TABLE[table] for table in connector.tables]
    land_pull(warehouse, connector.name, batches, tables, AS_OF, ContactProtector(b"a key for tests"), lambda _: "UTC")


if __name__ == "__main__":
    home, at = Path(sys.argv[1]), sys.argv[2]
    (source,) = load_connectors(home / "sources.yaml", FileTokenStore(home / "tokens"))
    pull_once(source, MortalWarehouse(connect(home / "warehouse.duckdb"), at), at)
