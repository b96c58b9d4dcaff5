"""One finished run of a real installation, copied by every test that does something to it."""

from pathlib import Path

import pytest

from reconciliation_assets.sample import CompanySpec, write_company
from reconciliation_assets_tests.faults.baits import drop_baits
from reconciliation_assets_tests.harness import policy_file
from reconciliation_assets_tests.installation import Installation

SPEC = CompanySpec(orders=300, seed=3)


@pytest.fixture(scope="session")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with a company in its inbox, among it rows that cannot be used, and no run yet."""
    home = tmp_path_factory.mktemp("dropped")
    write_company(SPEC, home)
    (home / "truth.json").unlink()
    drop_baits(home / "inbox")
    policy_file(home, {"version": "own 1"})
    return Installation(home, SPEC.as_of.isoformat())


@pytest.fixture(scope="session")
def finished(dropped: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The same after its first run."""
    installation = dropped.copy_to(tmp_path_factory.mktemp("finished"))
    told = installation.reconcile_alone("run", "-v")
    assert told.status == 0, told.text
    (installation.home / "first-run.log").write_text(told.text, encoding="utf-8")
    return installation


@pytest.fixture
def copied(finished: Installation, tmp_path: Path) -> Installation:
    """A copy of the finished installation, to be broken."""
    return finished.copy_to(tmp_path / "copy")
