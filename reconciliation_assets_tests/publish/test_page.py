"""The page in the terminal: what companies write is printed as it stands, one of a thing is told in the singular."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.page import show_page
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built, Company
from reconciliation_assets_tests.rows import AD, CAMPAIGN, adjustment, insight, order, payment, refund, verdict


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
    return shown(published(built, tmp_path_factory.mktemp("published")), 120)


def published(built: Built, folder: Path) -> Path:
    path = folder / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    return path


def shown(path: Path, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_page(console, path, path.parent, None)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def in_one_line(page: str) -> str:
    """The page without its frame and line ends."""
    return " ".join(page.replace("│", " ").split())


@pytest.mark.parametrize("written", ["UAE [leads] [/b] | EN", "policy [2026]", "team [finance]"])
def test_square_brackets_are_no_markup(page: str, written: str) -> None:
    assert written in page


def test_one_is_told_in_the_singular(page: str) -> None:
    assert "100.00 collected from 1 record without a campaign (1 captured), 7.00 in 1 payment" in in_one_line(page)
    assert "payment without a record. All cash: −143.00." in in_one_line(page)
    assert "7.00 AED in 1 payment without a record (unmatched_revenue)" in page


def test_a_ratio_below_zero_has_the_minus_of_the_amounts(page: str) -> None:
    assert "−2.50" in page
    assert "-2.50" not in page


def test_collected_money_and_the_bridges_last_line_differ_by_the_adjustments_and_the_page_says_so(page: str) -> None:
    assert "Collected includes manual adjustments here." in page


WORTH = 7_234_567_891


@pytest.fixture(scope="module")
def large(build_once: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with amounts of ten digits and a campaign whose name fills a line."""
    company: Company = {
        "meta_insights": [
            insight(
                campaign_name="KSA | Oud and Perfume | Advantage+ shopping | Broad | AR | v2",
                spend=WORTH,
                attributed_value=WORTH,
            ),
            insight("2026-06-10", spend=WORTH, attributed_value=WORTH),
        ],
        "orders": [
            order("O1", campaign_id=CAMPAIGN, ad_id=AD, value=WORTH),
            order("O2", value=WORTH),
            order("O3", campaign_id=CAMPAIGN, ad_id=AD, value=WORTH, status="cancelled"),
        ],
        "payments": [
            payment("P1", order_id="O1", amount=WORTH),
            payment("P2", order_id="O2", amount=WORTH),
            payment("P3", amount=WORTH),
        ],
    }
    return published(build_once(company).make_all(), tmp_path_factory.mktemp("large"))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_amount_is_cut_at_any_width(large: Path, width: int) -> None:
    page = shown(large, width)
    body = page.split("\n", 2)[2]  # the frame's title is no figure
    assert "…" not in body
    assert max(map(len, page.splitlines())) <= width
    for amount in ("7,234,567,891.00", "14,469,135,782.00", "21,703,703,673.00", "−7,234,567,891.00"):
        assert amount in body, (width, amount)


@pytest.mark.parametrize("width", [80, 120])
def test_cash_ties_in_one_line(large: Path, width: int) -> None:
    assert (
        "21,703,703,673.00 = 7,234,567,891.00 from campaigns + 7,234,567,891.00 from records without a campaign + "
        "7,234,567,891.00 without a record."
    ) in in_one_line(shown(large, width))


def test_the_headline_says_what_is_mature_and_shows_it_beside_the_whole(large: Path) -> None:
    page = shown(large, 120)
    assert "2026-03, with 50.0% of the spend. Other months will still change" in in_one_line(page)
    whole, mature = (
        next(line for line in page.splitlines() if name in line) for name in ("all months", "mature months")
    )
    assert whole.replace("│", "").split() == [
        "all",
        "months",
        "14,469,135,782.00",
        "14,469,135,782.00",
        "1.00",
        "7,234,567,891.00",
        "0.50",
    ]
    assert mature.replace("│", "").split() == [
        "mature",
        "months",
        "7,234,567,891.00",
        "7,234,567,891.00",
        "1.00",
        "7,234,567,891.00",
        "1.00",
    ]


def test_records_without_a_campaign_that_never_paid_are_not_told_as_if_they_had(build: Build, tmp_path: Path) -> None:
    company: Company = {
        "meta_insights": [insight()],
        "orders": [order(f"O{n}") for n in range(5)],
        "payments": [payment("P0", order_id="O0"), payment("P1", order_id="O1")],
    }
    page = shown(published(build(company).make_all(), tmp_path), 120)
    assert "200.00 collected from 2 records without a campaign (5 captured)" in in_one_line(page)


def test_an_exception_that_does_not_say_since_when_has_no_age(build: Build, tmp_path: Path) -> None:
    company: Company = {
        "orders": [order("SO1")],
        "payments": [payment("P1", order_id="SO1")],
        "validation_verdicts": [verdict("order_payment", "SO1", "P1", "wrong", verified_at="")],
    }
    page = shown(published(build(company).make_all(), tmp_path), 120)
    (line,) = [line for line in page.splitlines() if "unusable verdict" in line]
    assert line.split() == ["data", "unusable", "verdict", "1", "0.00", "–"]
