"""The companies with a planted bottleneck: reproducible, within the contract, and as sick as they say."""

from pathlib import Path

import duckdb

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets_tests.lab.sample.bottleneck import write_company_with_bottleneck

SEED = 5  # valid_orders of one market, from the beginning


def share_valid(home: Path) -> float:
    (share,) = duckdb.execute(
        f"select avg((status <> 'fraud')::int) from read_csv('{home}/inbox/orders.csv') where market = 'KW'"
    ).fetchall()[0]
    return float(share)


def test_the_same_seed_gives_the_same_company(tmp_path: Path) -> None:
    one, other = (write_company_with_bottleneck(SEED, tmp_path / name) for name in ("a", "b"))
    assert one == other
    for file in (tmp_path / "a/inbox").iterdir():
        assert file.read_bytes() == (tmp_path / "b/inbox" / file.name).read_bytes()


def test_the_planted_segment_passes_fewer(tmp_path: Path) -> None:
    planted = write_company_with_bottleneck(SEED, tmp_path / "sick")
    assert planted
    assert (planted.step, planted.segment_kind, planted.segment) == ("valid_orders", "market", "KW")
    assert write_company_with_bottleneck(SEED, tmp_path / "healthy", healthy=True) is None
    assert share_valid(tmp_path / "sick") < 0.87
    assert share_valid(tmp_path / "healthy") > 0.93


def test_columns_are_the_contracts(tmp_path: Path) -> None:
    write_company_with_bottleneck(SEED, tmp_path)
    for file in (tmp_path / "inbox").iterdir():
        header = file.read_text("utf-8").splitlines()[0].replace('"', "").split(",")
        assert set(header) <= {column.name for column in INPUT_TABLE[file.stem]}
        assert set(INPUT_TABLE[file.stem].required) <= set(header)
