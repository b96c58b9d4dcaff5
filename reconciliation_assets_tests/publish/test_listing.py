"""Tables of the terminal: no figure is ever cut, however narrow it is; texts give way first."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from reconciliation_assets.publish.listing import Listing

AMOUNTS = ("123,456,789,012.345", "−9,876,543,210.000", "1,234.50")


def shown(listing: Listing, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(listing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def listing() -> Listing:
    made = Listing(["campaign", "owner"], ["spend", "attributed", "collected ROAS"], title="By campaign")
    made.add("KSA | Free Career Test | Instant form | AR", "marketing", *AMOUNTS)
    made.add("no campaign", "", "0.00", "0.00", Text("–"))
    return made


@pytest.mark.parametrize("width", [30, 40, 60, 79, 80, 100, 120, 200])
def test_every_figure_stands_whole_in_one_line(width: int) -> None:
    lines = shown(listing(), width).splitlines()
    for amount in AMOUNTS:
        assert any(amount in line for line in lines), (width, amount)
    assert all(len(line) <= width for line in lines)
    assert "…" not in "".join(lines)


def test_with_room_a_row_is_a_line() -> None:
    assert any(
        "Free Career Test | Instant form | AR" in line and AMOUNTS[2] in line
        for line in shown(listing(), 140).splitlines()
    )


def test_texts_are_folded_before_a_row_becomes_a_block() -> None:
    folded = shown(listing(), 90)
    assert "Instant form" in folded
    assert "spend:" not in folded


def test_without_room_for_the_figures_a_row_becomes_a_block() -> None:
    block = shown(listing(), 40).splitlines()
    assert "  spend: 123,456,789,012.345" in block
    assert "  attributed: −9,876,543,210.000" in block


def test_bars_stand_only_where_there_is_room_and_a_small_one_is_seen() -> None:
    made = Listing([""], ["AED"])
    made.add("Meta attributes", "1,000.00", bar=1.0)
    made.add("open", "−1.00", bar=0.001)
    wide, narrow = shown(made, 80), shown(made, 26)
    assert wide.splitlines()[1].count("█") == 24
    assert wide.splitlines()[2].count("█") == 1
    assert "█" not in narrow
    assert "1,000.00" in narrow
