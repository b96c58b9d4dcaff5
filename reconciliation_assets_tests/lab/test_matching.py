"""Links of a company with noise against its truth: typos, swapped digits, shared phones, a third of the payments without IDs."""

from pathlib import Path

import pytest

from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.lab.matching import Measured, hold_against_truth, lose_ids, money_found
from reconciliation_assets_tests.lab.sample import CompanySpec, Noise, write_company

pytestmark = pytest.mark.slow(seconds=120)


def links_against_truth(home: Path, spec: CompanySpec) -> list[Measured]:
    bench = Bench(home, as_of=spec.as_of)
    built = bench.build().make_all()
    assert built.blocked_by() == []
    measured = hold_against_truth(bench.connection, home)
    bench.close()
    return measured


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Measured]:
    home: Path = tmp_path_factory.mktemp("noisy")
    spec = CompanySpec(orders=3_000, seed=11, noise=Noise.benchmark())
    write_company(spec, home)
    return {(each.link, each.method): each for each in links_against_truth(home, spec)}


def test_exact_ids_are_never_wrong_and_never_missed(measured: dict[tuple[str, str], Measured]) -> None:
    for (_, method), each in measured.items():
        if method == "exact_id":
            assert (each.precision, each.recall) == (1.0, 1.0)


def test_inferred_money_is_right_and_most_of_it_is_found(measured: dict[tuple[str, str], Measured]) -> None:
    money = [each for (link, method), each in measured.items() if method == "inferred" and link.endswith("payment")]
    assert sum(each.right for each in money) / sum(each.links for each in money) >= 0.98
    assert sum(each.found for each in money) / sum(each.sought for each in money) >= 0.8


def test_money_that_lost_its_ids_is_found_without_assuming_that_all_of_it_has_an_order(tmp_path: Path) -> None:
    spec = CompanySpec(orders=1_500, seed=12)
    write_company(spec, tmp_path)
    lose_ids(tmp_path / "inbox" / "payments.csv")
    precision, recall = money_found(links_against_truth(tmp_path, spec))
    assert precision >= 0.99
    assert recall >= 0.9
