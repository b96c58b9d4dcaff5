"""The page in the terminal: what companies write is printed as it stands, one of a thing is told in the singular."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from reconciliation_assets.contracts.outputs import OUTPUT_TABLES
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.page import show_page
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import AD, CAMPAIGN, adjustment, insight, order, payment, refund


@pytest.fixture(scope="module")
def page(build_once: Build, tmp_path_factory: pytest.TempPathFactory) -> str:
    built = build_once(
        {
            "meta_insights": [insight(campaign_name="UAE [leads] [/b] | EN")],
            "orders": [order("O1", campaign_id=CAMPAIGN, ad_id=AD), order("O2")],
            "payments": [
                refund("R1", order_id="O1", amount=250),
                payment("P1", order_id="O2"),
                payment("P2", amount=7),
            ],
            "manual_adjustments": [adjustment("M1", "40", campaign_id=CAMPAIGN, line="manual_adjustment")],
        },
        policy={"version": "[2026]", "owners": {"exceptions": {"unmatched_money": "team [finance]"}}},
    ).make_all()
    path: Path = tmp_path_factory.mktemp("published") / "reconciliation.duckdb"
    publish(built.warehouse, [table for table in OUTPUT_TABLES if table.published], path)
    console = Console(file=io.StringIO(), width=120)
    show_page(console, path, path.parent, None)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("written", ["UAE [leads] [/b] | EN", "policy [2026]", "team [finance]"])
def test_square_brackets_are_no_markup(page: str, written: str) -> None:
    assert written in page


def test_one_is_told_in_the_singular(page: str) -> None:
    assert "100.00 collected from 1 record with no campaign, 7.00 in 1 payment that belongs to no record." in page
    assert "7.00 AED in 1 payment belongs to no record (unmatched_revenue)" in page


def test_a_ratio_below_zero_has_the_minus_of_the_amounts(page: str) -> None:
    assert "−2.50" in page
    assert "-2.50" not in page


def test_collected_money_and_the_bridges_last_line_differ_by_the_adjustments_and_the_page_says_so(page: str) -> None:
    assert "Collected here includes the manual adjustments." in page
