"""How the text of one cell is read: amounts, dates, IDs, as people and their programs write them."""

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import duckdb
import pytest

from reconciliation_assets.sources.presets.sheet import read_sheet
from reconciliation_assets.sources.text_rows import private_engine


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with private_engine() as connection:
        package = resources.files("reconciliation_assets.sources.presets")
        connection.execute(package.joinpath("reading.sql").read_text("utf-8"))
        yield connection


def read(engine: duckdb.DuckDBPyConnection, macro: str, *arguments: str | None) -> str | None:
    marks = ", ".join("cast(? as varchar)" for _ in arguments)
    (found,) = engine.execute(f"select {macro}({marks})", list(arguments)).fetchone()
    return found


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1,234.50", "1234.50"),
        ("1234.5", "1234.5"),
        (".50", ".50"),
        ("1,20,000.00", "120000.00"),
        ("1 234.50", "1234.50"),
        ("(66.50)", "-66.50"),
        ("(AED 66.50)", "-66.50"),
        ("-5", "-5"),
        ("1,500.25 Cr", "1500.25"),
        ("1 500.25 DR.", "-1500.25"),
        ("5-", "-5"),
        ("−5", "-5"),
        ("AED -5", "-5"),
        ("AED 1,200", "1200"),
        ("1,200 SAR", "1200"),
        ("Dhs. 75", "75"),
        ("د.إ.\u200f 1,234.50", "1234.50"),
        ("٧٥ ريال", "75"),
        ("$5", "5"),
        ("١٬٢٣٤٫٥٠", "1234.50"),
        ("۱۲۳", "123"),
    ],
)
def test_amounts(engine: duckdb.DuckDBPyConnection, cell: str, number: str) -> None:
    assert read(engine, "amount", cell, ".") == number


@pytest.mark.parametrize(
    "cell", ["1.234,56", "12,34", "1,23,4", "12%", "1.2E+17", "12 March", "abc", ".", "1-2", "05/03/2026", "1,234,56"]
)
def test_what_is_no_amount_is_not_made_one(engine: duckdb.DuckDBPyConnection, cell: str) -> None:
    assert read(engine, "amount", cell, ".") is None


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1.234,56", "1234.56"), ("0,5", "0.5"), ("1.000", "1000"), ("١٬٢٣٤٫٥", "1234.5"), ("1,234.56", None)],
)
def test_decimals_behind_a_comma_only_where_that_is_declared(
    engine: duckdb.DuckDBPyConnection, cell: str, number: str | None
) -> None:
    assert read(engine, "amount", cell, ",") == number


@pytest.mark.parametrize(
    ("cell", "order", "instant"),
    [
        ("2026-03-05", None, "2026-03-05"),
        ("2026-03-05T10:15:00+04:00", None, "2026-03-05 10:15:00+04:00"),
        ("2026-03-05 10:15:00 +0400", None, "2026-03-05 10:15:00+04:00"),
        ("2026-03-05 10:15:00 UTC", None, "2026-03-05 10:15:00+00:00"),
        ("2026-03-05 10:15", None, "2026-03-05 10:15:00"),
        ("2026/3/5", None, "2026-03-05"),
        ("25/03/2026", None, "2026-03-25"),
        ("03/25/2026", None, "2026-03-25"),
        ("05/05/2026", None, "2026-05-05"),
        ("05/03/2026", "day_first", "2026-03-05"),
        ("05/03/2026", "month_first", "2026-05-03"),
        ("5.3.26 3:05 PM", "day_first", "2026-03-05 15:05:00"),
        ("5/3/2026 12:30 am", "day_first", "2026-03-05 00:30:00"),
        ("٠٥/٠٣/٢٠٢٦", "day_first", "2026-03-05"),
        ("٢٠٢٦/٠٣/٠٥ ٣:٠٥ م", None, "2026-03-05 15:05:00"),
        ("5 Mar 2026", None, "2026-03-05"),
        ("05-Mar-26", None, "2026-03-05"),
        ("March 5, 2026 11:00", None, "2026-03-05 11:00:00"),
        ("5 مارس 2026", None, "2026-03-05"),
        ("5 أبريل 2026", None, "2026-04-05"),
    ],
)
def test_dates(engine: duckdb.DuckDBPyConnection, cell: str, order: str | None, instant: str) -> None:
    assert read(engine, "instant_text", cell, order) == instant
    assert read(engine, "day_text", cell, order) == instant[:10]


@pytest.mark.parametrize(
    "cell", ["05/03/2026", "5-3-26", "٠٥/٠٣/٢٠٢٦", "46086", "soon", "2026-03-05 and later", "5 Foo 2026"]
)
def test_a_date_that_can_be_two_or_none_is_not_guessed(engine: duckdb.DuckDBPyConnection, cell: str) -> None:
    assert read(engine, "instant_text", cell, None) is None


def test_an_instant_without_an_offset_is_in_the_presets_zone(engine: duckdb.DuckDBPyConnection) -> None:
    assert read(engine, "instant_in", "2026-03-05 10:00:00", "Asia/Riyadh") == "2026-03-05 07:00:00+00"
    assert read(engine, "instant_in", "2026-03-05 10:00:00+04:00", "Asia/Riyadh") == "2026-03-05 10:00:00+04:00"


@pytest.mark.parametrize(
    ("cell", "left_over"),
    [
        ("  uae fox  ", "uae fox"),
        ("\u00a0x\ufeff", "x"),
        ("-", None),
        ("—", None),
        ("N/A", None),
        ("", None),
        ("0", "0"),
    ],
)
def test_a_dash_alone_is_blank(engine: duckdb.DuckDBPyConnection, cell: str, left_over: str | None) -> None:
    assert read(engine, "filled", cell) == left_over


def test_case_and_blanks_of_a_code_do_not_matter(engine: duckdb.DuckDBPyConnection) -> None:
    assert read(engine, "code", " fx 10٠1 ") == "FX1001"


@pytest.mark.parametrize(("cell", "is_rounded"), [("1.20213E+17", True), ("5,01235e+08", True), ("FX1E7", False)])
def test_numbers_that_a_spreadsheet_rounded(engine: duckdb.DuckDBPyConnection, cell: str, *, is_rounded: bool) -> None:
    assert read(engine, "is_rounded", cell) is is_rounded


def test_a_file_is_read_whole_however_long_and_wide_it_is(tmp_path: Path) -> None:
    """pandas reads a million cells at a time, and puts them together in its own way."""
    rows, width = 6_000, 200
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(",".join(f"{row}.{column}" for column in range(width)) for row in range(rows)))
    sheet = read_sheet(path)
    assert sheet.num_rows == rows
    assert sheet.slice(rows - 1).to_pylist()[0][f"c{width - 1}"] == f"{rows - 1}.{width - 1}"
