from pathlib import Path

import pytest

from reconciliation_assets_tests.lab.sample import CompanySpec, write_company
from reconciliation_assets_tests.lab.sample.company import Company, plan_company
from reconciliation_assets_tests.lab.sample_tests.reading import Extract

SMALL = CompanySpec(orders=500, seed=1)
LARGER = CompanySpec(orders=12_000, seed=2)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    return written(SMALL, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    return written(LARGER, tmp_path_factory.mktemp("larger"))


@pytest.fixture(scope="session")
def larger_company() -> Company:
    return plan_company(LARGER)


def written(spec: CompanySpec, home: Path) -> Extract:
    write_company(spec, home)
    return Extract(home)
