"""The definitions as a code location loads them, for an installation in an empty folder."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty installation that the environment names."""
    for name in ("RECON_POLICY", "RECON_CONTACT_KEY", "RECON_ALERT_CHANNELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RECON_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RECON_AS_OF", "2026-07-01T00:30:00+04:00")
    (tmp_path / "inbox").mkdir()
    return tmp_path


@pytest.fixture(scope="session")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    from reconciliation_assets.build import build_defs

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECON_DATA_DIR", str(tmp_path_factory.mktemp("home")))
        return build_defs()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A real instance on SQLite; an ephemeral one hides how it behaves."""
    with dg.instance_for_test() as made:
        yield made
