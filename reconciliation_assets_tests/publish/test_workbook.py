"""The workbook: its formulas, worked out here by other means than the engine's, give the published bridge."""

import csv
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.words import LINES
from reconciliation_assets.publish.workbook import write_workbook
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import AS_OF
from reconciliation_assets_tests.rows import insight, order, payment

SOFFICE = shutil.which("soffice")
ALL = "All campaigns"
FIRST, LAST = 8, 18
_SUMIFS = re.compile(r"SUMIFS\(([^()]*)\)")
_RANGE = re.compile(r"(\w+)!\$([A-Z])\$(\d+):\$[A-Z]\$(\d+)")


class Sheet:
    """A workbook with its formulas, recalculated for the choices of its two yellow cells."""

    def __init__(self, path: Path, campaign: str = ALL, month: datetime | str = "All months") -> None:
        self.book = openpyxl.load_workbook(path)
        self.front = self.book["Bridge"]
        self.campaign = "<>N" if campaign == ALL else campaign.split(" ", maxsplit=1)[0]
        self.month = month

    def value(self, cell: str) -> Decimal:
        """A cell's amount: SUMIFS, SUM and cells are put in, the rest is arithmetic."""
        formula = str(self.front[cell].value).removeprefix("=")
        formula = _SUMIFS.sub(lambda found: f"({self._sumifs(found[1])})", formula)
        formula = re.sub(r"SUM\(B(\d+):B(\d+)\)", lambda f: f"({sum(self._column(int(f[1]), int(f[2])))})", formula)
        formula = re.sub(r"\bB(\d+)\b", lambda found: f"({self.value(found[0])})", formula)
        formula = re.sub(r"ROUND\((.*),(\d)\)$", r"\1", formula)
        numbers = re.sub(r"(\d+(?:\.\d+)?)", r"Decimal('\1')", formula)
        return Decimal(eval(numbers, {"Decimal": Decimal}))  # noqa: S307

    def _column(self, first: int, last: int) -> Iterator[Decimal]:
        return (self.value(f"B{row}") for row in range(first, last + 1))

    def _sumifs(self, arguments: str) -> Decimal:
        total, *rest = [part.strip() for part in arguments.split(",")]
        conditions = list(zip(map(self._cells, rest[::2]), rest[1::2], strict=True))
        amounts = self._cells(total)
        return sum(
            (
                Decimal(str(amount or 0))
                for row, amount in enumerate(amounts)
                if all(self._meets(cells[row], criterion) for cells, criterion in conditions)
            ),
            Decimal(0),
        )

    def _cells(self, reference: str) -> list[Any]:
        found = _RANGE.fullmatch(reference)
        assert found, reference
        sheet, column, first, last = found.groups()
        return [self.book[sheet][f"{column}{row}"].value for row in range(int(first), int(last) + 1)]

    def _meets(self, value: Any, criterion: str) -> bool:
        if criterion == "$C$5":
            return isinstance(value, datetime) if self.month == "All months" else value == self.month
        if criterion == "$C$4":
            return value != "N" if self.campaign == "<>N" else value == self.campaign
        return bool(value == criterion.strip('"'))


@pytest.fixture(scope="module")
def workbook(published_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workbook") / "reconciliation.xlsx"
    write_workbook(published_path, path, AS_OF)
    return path


def published_lines(path: Path, where: str) -> dict[str, Decimal]:
    with Published(path) as published:
        return dict(published.rows(f"select line, sum(amount) from reporting.bridge where {where} group by 1"))


def choices(path: Path) -> list[tuple[str, str | None]]:
    sheet = openpyxl.load_workbook(path)["Choices"]
    return [(str(row[0]), row[2]) for row in sheet.iter_rows(min_row=2, max_col=3, values_only=True) if row[0]]


def test_every_line_is_a_formula_that_gives_the_published_amount(workbook: Path, published_path: Path) -> None:
    sheet = Sheet(workbook)
    wanted = published_lines(published_path, "campaign_id is not null")
    for row, line in enumerate(LINES, start=FIRST):
        assert str(sheet.front[f"B{row}"].value).startswith("=SUM"), line
        assert sheet.value(f"B{row}") == wanted[line], line


def test_a_campaign_is_never_taken_for_one_that_shares_its_first_digits(workbook: Path, published_path: Path) -> None:
    for choice, campaign_id in choices(workbook)[1:]:
        of_campaign = f"campaign_id = '{campaign_id}'" if campaign_id else "campaign_id is null"
        wanted = published_lines(published_path, of_campaign)
        sheet = Sheet(workbook, choice)
        got = {line: sheet.value(f"B{row}") for row, line in enumerate(LINES, start=FIRST)}
        assert got == {line: wanted.get(line, Decimal(0)) for line in LINES}, choice


def test_the_checks_hold_for_every_choice(workbook: Path) -> None:
    for choice, _ in choices(workbook):
        sheet = Sheet(workbook, choice)
        assert [sheet.value(f"B{row}") for row in (21, 22, 23)] == [0, 0, 0], choice


def test_a_changed_entry_is_found_by_the_checks(workbook: Path) -> None:
    sheet = Sheet(workbook)
    sheet.book["Entries"]["D2"].value += 5
    assert [sheet.value(f"B{row}") for row in (21, 22, 23)] == [5, 5, 5]


def test_one_who_only_previews_sees_the_same_amounts(workbook: Path, published_path: Path) -> None:
    shown = openpyxl.load_workbook(workbook, data_only=True)["Bridge"]
    wanted = published_lines(published_path, "campaign_id is not null")
    assert {line: Decimal(str(shown[f"B{row}"].value)) for row, line in enumerate(LINES, start=FIRST)} == wanted


def test_cash_is_summed_by_formulas_and_ties_to_the_records(workbook: Path, published_path: Path) -> None:
    shown, written = (openpyxl.load_workbook(workbook, data_only=only)["Cash"] for only in (True, False))
    rows = list(shown.iter_rows(values_only=True))
    with Published(published_path) as published:
        months = published.cash()
    told = [tuple(Decimal(str(cell)) for cell in row[1:6]) for row in rows[1 : len(months) + 1]]
    assert told == [(m.of_campaigns, m.without_campaign, m.of_no_record, m.total, m.cohort) for m in months]
    total = len(months) + 2
    assert rows[total - 1][1:6] == (430.05, 77, 0, 507.05, 430.05)
    assert [written.cell(total, column).value for column in range(2, 7)] == [
        f"=SUM({letter}2:{letter}{total - 1})" for letter in "BCDEF"
    ]
    assert written["E2"].value == "=SUM(B2:D2)"
    checks = [row[0:3] for row in written.iter_rows(min_row=total + 2, values_only=True) if row[2]]
    assert len(checks) == 3
    assert all("Records!" in str(formula) for _, formula, _ in checks[:2])


def test_an_id_stays_text_and_a_name_is_never_a_formula(workbook: Path) -> None:
    sheet = openpyxl.load_workbook(workbook)["Choices"]
    ids = [cell.value for cell in sheet["C"][1:] if cell.value]
    assert sorted(ids) == ["120210000000000001", "120210000000000002"]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_the_same_copy_and_instant_give_the_same_bytes(workbook: Path, published_path: Path, tmp_path: Path) -> None:
    write_workbook(published_path, tmp_path / "again.xlsx", AS_OF)
    assert (tmp_path / "again.xlsx").read_bytes() == workbook.read_bytes()


def work_out(workbooks: list[Path], folder: Path) -> None:
    """Have LibreOffice recalculate the first sheet of each workbook into a CSV beside it."""
    filters = "csv:Text - txt - csv (StarCalc):44,34,76,1"
    command = [str(SOFFICE), f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    subprocess.run(
        [*command, "--convert-to", filters, "--outdir", str(folder), *map(str, workbooks)],
        check=True,
        capture_output=True,
        timeout=120,
    )


def recalculated(workbooks: list[Path], folder: Path) -> list[dict[str, str]]:
    """What LibreOffice works out for the front sheet of each workbook: its second column by its first, and the checks."""
    work_out(workbooks, folder)
    found = []
    for path in workbooks:
        with (folder / f"{path.stem}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        checks = {row[0]: row[2] for row in rows if row[2] in {"passes", "fails"}}
        found.append({row[0]: row[1].replace(",", "") for row in rows[FIRST - 1 : LAST]} | checks)
    return found


@pytest.mark.slow
def test_a_spreadsheet_program_finds_that_cash_ties_and_that_a_changed_amount_does_not(
    workbook: Path, tmp_path: Path
) -> None:
    if not SOFFICE:
        pytest.skip("needs LibreOffice (apt-get install libreoffice-calc-nogui)")
    verdicts = []
    for name, more in (("as-written", 0), ("changed", 5)):
        book = openpyxl.load_workbook(workbook)
        book["Cash"]["B2"] = book["Cash"]["B2"].value + more
        # Only the first sheet goes into a CSV.
        book.move_sheet("Cash", offset=-book.sheetnames.index("Cash"))
        path = tmp_path / f"{name}.xlsx"
        book.save(path)
        work_out([path], tmp_path)
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            verdicts.append([row[2] for row in csv.reader(file) if row[2] in {"passes", "fails"}])
    assert verdicts == [["passes"] * 3, ["fails", "passes", "fails"]]


@pytest.mark.slow
def test_a_spreadsheet_program_works_out_the_published_bridge_for_every_choice(
    workbook: Path, published_path: Path, tmp_path: Path
) -> None:
    """The figures that were written beside the formulas are taken out first, so that none is only shown again."""
    if not SOFFICE:
        pytest.skip("needs LibreOffice (apt-get install libreoffice-calc-nogui)")
    chosen = choices(workbook)
    paths = []
    for number, (choice, _) in enumerate([*chosen, chosen[0]]):
        book = openpyxl.load_workbook(workbook)
        book["Bridge"]["B4"] = choice
        if number == len(chosen):
            book["Entries"]["D2"] = book["Entries"]["D2"].value + 5
        paths.append(tmp_path / f"choice-{number}.xlsx")
        book.save(paths[-1])
    *worked_out, changed = recalculated(paths, tmp_path)
    for (choice, campaign_id), got in zip(chosen, worked_out, strict=True):
        where = {ALL: "campaign_id is not null"}.get(
            choice, f"campaign_id = '{campaign_id}'" if campaign_id else "campaign_id is null"
        )
        wanted = published_lines(published_path, where)
        assert {line: Decimal(got[name]) for line, name in LINES.items()} == {
            line: wanted.get(line, Decimal(0)) for line in LINES
        }, choice
        assert [answer for answer in got.values() if answer.endswith("hold") or answer == "passes"] == ["passes"] * 3
    assert list(changed.values())[-3:] == ["fails"] * 3


def test_amounts_have_the_decimals_of_their_currency(build: Build, tmp_path: Path) -> None:
    built = build(
        {
            "meta_insights": [insight(account_currency="KWD")],
            "orders": [order("O1", value="12.345", currency="KWD")],
            "payments": [payment("P1", order_id="O1", amount="12.345", currency="KWD")],
        },
        policy={"reporting_currency": "KWD"},
    ).make_all()
    path = tmp_path / "reconciliation.duckdb"
    publish(built.warehouse, published_tables(), path)
    write_workbook(path, tmp_path / "kwd.xlsx", AS_OF)
    book = openpyxl.load_workbook(tmp_path / "kwd.xlsx")
    assert {book["Bridge"][f"B{row}"].number_format.split(";")[0] for row in range(FIRST, LAST + 1)} == {"#,##0.000"}
    assert book["Bridge"]["B7"].value == "KWD"
