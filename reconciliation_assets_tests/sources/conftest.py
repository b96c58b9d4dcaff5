"""A running stand-in, its credentials in the environment, and retries that do not wait."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stamina

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.config import SourceEntry, checked_settings
from reconciliation_assets.sources.connector import Connector, Row, Window
from reconciliation_assets.sources.registry import SOURCE_TYPES
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets_tests.harness import policy_file
from reconciliation_assets_tests.published import published_path  # noqa: F401 - a fixture
from reconciliation_assets_tests.standin.company import AS_OF
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import ENVIRONMENT, entry

EVERYTHING = Window(None, AS_OF)
NOW = datetime(2026, 7, 10, 12, 0, 5, tzinfo=UTC)

READ_BY = {"tamara": "salla"}
"""Sources that read by the records of another."""

Connect = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=8, cap=True):
        yield


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin() as running:
        yield running


@pytest.fixture
def connect(standin: Standin, tmp_path: Path) -> Connect:
    """Builds the connector of a source type against the stand-in, with settings changed as given.

    `policy` is what differs from the shipped one.
    """

    def build(source_type: str, policy: Mapping[str, Any] | None = None, **changed: Any) -> Connector:
        kind = SOURCE_TYPES[source_type]
        settings = checked_settings(kind.settings, SourceEntry.model_validate(entry(standin, source_type, **changed)))
        connector = kind.connector(settings, FileTokenStore(tmp_path / "tokens"), now=lambda: NOW)
        if source_type in READ_BY:
            connector.link_sources({READ_BY[source_type]: build(READ_BY[source_type])})
        connector.apply_policy(load_policy(policy_file(tmp_path, policy) if policy else None).policy)
        return connector

    return build


def rows_of(connector: Connector, window: Window = EVERYTHING) -> dict[str, list[Row]]:
    """What a pull delivers, by table, in an order of its own."""
    rows: dict[str, list[Row]] = {table: [] for table in connector.tables}
    for batch in connector.pull(window):
        rows[batch.table] += batch.rows
    return {
        table: sorted(found, key=lambda row: sorted((k, v or "") for k, v in row.items()))
        for table, found in rows.items()
    }
