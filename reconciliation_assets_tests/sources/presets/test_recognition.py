"""However a file is written, its kind is told by its headings; what is not recognised is named with what it lacks."""

from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reconciliation_assets.sources.presets.load import shipped_presets
from reconciliation_assets.sources.presets.recognition import Recognised, Unrecognised, recognise
from reconciliation_assets.sources.presets.sheet import SHEET_SUFFIXES, STATEMENT_SUFFIXES, read_sheet
from reconciliation_assets.sources.text_rows import FileSetAsideError

HEADER = ("Waybill", "COD Amount (AED)", "Fees", "Transfer Date")
ROW = ("FX1", "1,250.00", "25", "03/04/2026")
TITLES = (("كشف التحصيل",), (), ("2026",))


def told(path: Path) -> Recognised | Unrecognised:
    return recognise(path, shipped_presets())


def refused(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = told(path)
    assert isinstance(found, Unrecognised)
    return found.reason


def written(separator: str, encoding: str) -> bytes:
    lines = [separator.join(f'"{cell}"' for cell in row) for row in (*TITLES, HEADER, ROW)]
    return "\r\n".join(lines).encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1256"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_and_separator_are_found_out(tmp_path: Path, separator: str, encoding: str) -> None:
    path = tmp_path / "any name.txt"
    path.write_bytes(written(separator, encoding))
    found = told(path)
    assert isinstance(found, Recognised)
    assert (found.preset.name, found.header_row, found.width) == ("courier_cod", 4, 4)
    assert found.currencies == {"cash": "AED"}
    last = read_sheet(path).to_pylist()[-1]
    assert (last["row_number"], *(last[f"c{place}"] for place in range(4))) == (5, *ROW)
    assert read_sheet(path)["c0"][0].as_py() == TITLES[0][0], "Arabic survives"


def test_a_workbook_with_titles_above_its_header(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (*TITLES, HEADER, ROW):
        book.active.append(row)
    book.save(tmp_path / "تحويل.xlsx")
    found = told(tmp_path / "تحويل.xlsx")
    assert isinstance(found, Recognised)
    assert (found.preset.name, found.header_row, found.written) == ("courier_cod", 4, "Excel workbook")
    assert read_sheet(tmp_path / "تحويل.xlsx").to_pylist()[-1]["row_number"] == 5


@pytest.mark.parametrize(
    "header",
    [
        "WAYBILL NO.,cod_amount,Fees",
        " waybill  no ,COD-Amount,",
        "رقم البُولِيصَة,المبلغ المُحَصَّل,",
        "رقم البوليصه,المبلغ المحصل",
        "Waybill,COD (SAR),,,",
    ],
)
def test_case_punctuation_vowel_marks_and_trailing_columns_do_not_matter(tmp_path: Path, header: str) -> None:
    (tmp_path / "x.csv").write_text(f"{header}\n")
    found = told(tmp_path / "x.csv")
    assert isinstance(found, Recognised)
    assert found.preset.name == "courier_cod"


def test_what_the_preset_does_not_know_is_unmapped(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Sr #,Waybill,COD Amount,Sr #\n")
    found = told(tmp_path / "x.csv")
    assert isinstance(found, Recognised)
    assert found.unmapped == ("Sr #", "Sr #"), "a heading twice is no matter where it is not read"


def test_a_heading_that_is_read_may_not_stand_twice(tmp_path: Path) -> None:
    reason = refused(tmp_path / "x.csv", "Waybill,COD Amount,COD Amount\nFX1,1,2\n")
    assert reason.endswith("the column COD Amount stands in it more than once; keep one")


def test_the_nearest_kind_is_named_with_what_is_missing(tmp_path: Path) -> None:
    reason = refused(
        tmp_path / "x.csv",
        "Name,Email,Financial Status,Currency,Created at\n#1001,amal@example.com,paid,AED,2026-04-01\n",
    )
    assert reason == "nearest is Shopify orders export (shopify_orders); missing: Fulfillment Status, Total"


def test_a_file_of_the_contract_under_another_name_is_told_its_name(tmp_path: Path) -> None:
    reason = refused(tmp_path / "leads_march.csv", "lead_id,created_at,email\nL1,2026-03-01,amal@example.com\n")
    assert reason == "nearest is the table leads; name it leads-anything.csv to have it read"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.txt", "call Amal on 0501234567\n", "its headings are not those of any known export"),
        ("contacts.csv", "Amal,0501234567\nOmar,0507654321\n", "its headings are not those of any known export"),
        ("empty.csv", "", "it is empty"),
        ("blank.txt", " , ,\n", "it is empty"),
        ("report.pdf", "%PDF", "files can be read as .csv, .tsv, .txt, .xlsx, .xlsm, .xls, .parquet, .jsonl"),
        ("broken.xlsx", "PK not really", "protected by a password or not really an Excel workbook; export it again"),
        ("broken.parquet", "PAR1 not really", "damaged or not really a parquet file; export it again"),
        ("broken.jsonl", '{"Waybill": "FX1"}\n\nAmal\n', "line 3 is not a JSON object; export it again"),
        (
            "page.xls",
            "<html><table><tr><td>Waybill</td><td>Amal</td></tr></table></html>",
            "it is a web page under another name",
        ),
    ],
)
def test_what_is_nothing_known_is_said_in_words_without_its_content(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    reason = refused(tmp_path / name, content)
    assert says in reason
    assert "Amal" not in reason
    assert "050" not in reason


INCOMPLETE: dict[str, Callable[[Path], object]] = {
    "x.csv": lambda path: path.write_text("Waybill,Transfer Date,Consignee\nFX1,03/04/2026,Amal\n"),
    "x.tsv": lambda path: path.write_text("Waybill\tTransfer Date\tConsignee\nFX1\t03/04/2026\tAmal\n"),
    "x.txt": lambda path: path.write_text("Waybill|Transfer Date|Consignee\nFX1|03/04/2026|Amal\n"),
    "x.xls": lambda path: path.write_text("Waybill\tTransfer Date\tConsignee\nFX1\t03/04/2026\tAmal\n"),
    "x.xlsx": lambda path: workbook(path, [("Waybill", "Transfer Date", "Consignee"), ("FX1", "03/04/2026", "Amal")]),
    "x.xlsm": lambda path: workbook(path, [("Waybill", "Transfer Date", "Consignee"), ("FX1", "03/04/2026", "Amal")]),
    "x.parquet": lambda path: pq.write_table(
        pa.table({"Waybill": ["FX1"], "Transfer Date": ["03/04/2026"], "Consignee": ["Amal"]}), path
    ),
    "x.jsonl": lambda path: path.write_text('{"Waybill": "FX1", "Transfer Date": "03/04/2026", "Consignee": "Amal"}\n'),
}
"""By file name, with every ending that is read: how a remittance that lacks its amounts is written."""


def workbook(path: Path, *sheets: Sequence[Sequence[str]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_every_ending_that_is_read_is_tried() -> None:
    # Bank statements in a format of their own have no headings to lack; test_statements.py reads them.
    assert {Path(name).suffix for name in INCOMPLETE} == set(SHEET_SUFFIXES) - set(STATEMENT_SUFFIXES)


@pytest.mark.parametrize("suffix", STATEMENT_SUFFIXES)
def test_what_is_no_statement_under_a_statements_name_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"x{suffix}").write_text("Waybill,COD Amount\nFX1,100\n")
    found = told(tmp_path / f"x{suffix}")
    assert isinstance(found, Unrecognised)
    assert found.reason.startswith("it is neither an MT940 nor a CAMT.053 statement")


@pytest.mark.parametrize("name", INCOMPLETE)
def test_whatever_its_ending_a_file_is_told_its_nearest_preset_and_what_it_lacks(tmp_path: Path, name: str) -> None:
    INCOMPLETE[name](tmp_path / name)
    found = told(tmp_path / name)
    assert isinstance(found, Unrecognised)
    assert found.reason == "nearest is courier remittance of cash on delivery (courier_cod); missing: COD Amount"


def test_the_one_sheet_that_can_be_read_is_read_and_of_several_none_is_chosen(tmp_path: Path) -> None:
    cover, data = [("About this file", "Amal")], [*TITLES, HEADER, ROW]
    workbook(tmp_path / "one.xlsx", cover, data)
    found = told(tmp_path / "one.xlsx")
    assert isinstance(found, Recognised)
    assert (found.header_row, found.written) == (4, "Excel workbook, sheet 2")
    assert read_sheet(tmp_path / "one.xlsx", found.sheet).to_pylist()[-1]["c0"] == ROW[0]
    workbook(tmp_path / "two.xlsx", data, cover, data)
    several = told(tmp_path / "two.xlsx")
    assert isinstance(several, Unrecognised)
    assert several.reason == "its sheets 1 and 3 can all be read; save each that counts as a file of its own"


def test_a_text_file_under_a_workbooks_name_and_lines_of_old_programs_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.xls").write_bytes("\t".join(HEADER).encode() + b"\r" + "\t".join(ROW).encode() + b"\r")
    found = told(tmp_path / "x.xls")
    assert isinstance(found, Recognised)
    assert read_sheet(tmp_path / "x.xls").to_pylist()[-1]["c1"] == ROW[1]


def test_two_presets_that_fit_alike_are_not_chosen_between(tmp_path: Path) -> None:
    (preset,) = (each for each in shipped_presets() if each.name == "courier_cod")
    (tmp_path / "x.csv").write_text("Waybill,COD Amount\n")
    found = recognise(tmp_path / "x.csv", (preset, preset.model_copy(update={"name": "other_courier"})))
    assert isinstance(found, Unrecognised)
    assert "fits the presets courier_cod and other_courier alike" in found.reason


def test_a_quotation_mark_that_is_never_closed_sets_the_file_aside(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('Waybill,COD Amount\nFX1,"12\nFX2,13\n')
    with pytest.raises(FileSetAsideError, match="a quotation mark is probably not closed"):
        read_sheet(tmp_path / "x.csv")
