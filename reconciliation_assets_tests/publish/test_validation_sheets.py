"""Sheets for reviewers: what they hold, and that they come back through the inbox as they are."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.contracts.inputs import VALIDATION_VERDICTS
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.validation_sheets import write_validation_sheets
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import CAMPAIGN, insight, lead, order, payment

DUBAI = ZoneInfo("Asia/Dubai")
LONG_ID = "120210000000000001"
COMPANY = {
    "meta_insights": [insight()],
    "leads": [lead("L1", campaign_id=CAMPAIGN, phone="+971501234567", full_name="Mona Said")],
    "orders": [order(LONG_ID, "2026-05-05", lead_id="L1", phone="+971501234567"), order("SO2", "2026-05-06")],
    "payments": [payment("P1", "2026-05-10", order_id=LONG_ID), payment("P2", "2026-05-11", order_id="SO2")],
}


@pytest.fixture(scope="module")
def built(build_once: Build) -> Built:
    return build_once(COMPANY).make_all()


@pytest.fixture
def sheets(built: Built, tmp_path: Path) -> dict[str, Path]:
    """The sheets by their file name."""
    copy = tmp_path / "published.duckdb"
    publish(built.warehouse, published_tables(), copy)
    written = write_validation_sheets(copy, tmp_path / "validation", DUBAI)
    assert write_validation_sheets(copy, tmp_path / "validation", DUBAI) == [], "a sheet in work is left alone"
    return {path.name: path for path in written}


def test_every_team_has_the_links_it_can_judge(sheets: dict[str, Path]) -> None:
    assert set(sheets) == {"validation_verdicts-operations-2026-05.xlsx", "validation_verdicts-finance-2026-05.xlsx"}
    rows = list(openpyxl.load_workbook(sheets["validation_verdicts-finance-2026-05.xlsx"]).worksheets[0].values)
    assert {row[rows[0].index("right_id")] for row in rows[1:]} == {"P1", "P2"}
    assert {row[rows[0].index("left_id")] for row in rows[1:]} == {LONG_ID, "SO2"}
    assert "2026-05-10 12:00" in {row[rows[0].index("right_at")] for row in rows[1:]}


def test_a_sheet_holds_every_column_that_comes_back_and_no_contact(sheets: dict[str, Path]) -> None:
    for path in sheets.values():
        header, *rows = openpyxl.load_workbook(path).worksheets[0].values
        assert {column.name for column in VALIDATION_VERDICTS} <= set(header)
        text = " ".join(str(cell) for row in rows for cell in row).lower()
        assert "mona" not in text
        assert "971501234567" not in text
        assert not [name for name in header if "key" in str(name)]


def test_a_sheet_filled_in_comes_back_as_it_is(sheets: dict[str, Path], build: Build) -> None:
    name = "validation_verdicts-finance-2026-05.xlsx"
    book = openpyxl.load_workbook(sheets[name])
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    place = {title: header.index(title) + 1 for title in ("verdict", "verified_by", "verified_at", "right_id")}
    first = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, place["right_id"]).value == "P1")
    sheet.cell(first, place["verdict"]).value = " Correct "
    sheet.cell(first, place["verified_by"]).value = "Huda"
    sheet.cell(first, place["verified_at"]).value = datetime(2026, 6, 12)  # noqa: DTZ001
    book.save(sheets[name])

    back = build(COMPANY, files={name: sheets[name].read_bytes()})
    judged = back.one("validation_verdicts")
    assert (judged["left_id"], judged["right_id"], judged["verdict"], judged["counts"]) == (
        LONG_ID,
        "P1",
        "correct",
        True,
    )
    assert (judged["value_band"], judged["outcome"], str(judged["period"])) == ("0 to 500", "collected", "2026-05-01")
    assert back.rows("quarantined_rows") == []
    assert back.one("validation_results", period=None)["correct"] == 1
    sample = back.one("validation_samples", right_id="P1")
    assert (sample["verdict"], sample["verified_by"]) == ("correct", "Huda")
