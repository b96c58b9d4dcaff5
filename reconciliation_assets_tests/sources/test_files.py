"""However an extract is written, its rows are the same."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reconciliation_assets.sources.files import discover, reading
from reconciliation_assets.sources.text_rows import FileSetAsideError

COLUMNS = ("lead_id", "created_at", "full_name", "offer")
ROWS = [
    ("120214501234567890", "2026-03-01T12:00:00+04:00", "أمل الحداد", "diploma"),
    ("L2", "2026-03-02T12:00:00+04:00", "Zoë", None),
    ("L3", "2026-03-03T12:00:00+04:00", 'Al "Abu" Ali', "a, b"),
]
PLAIN = "lead_id,created_at,full_name,offer\n" + "".join(
    ",".join('"' + (cell or "").replace('"', '""') + '"' for cell in row) + "\n" for row in ROWS
)


def read(path: Path) -> list[tuple[Any, ...]]:
    """Row number and text of every row of a file, empty cells as None."""
    ((file,), _) = discover(path.parent, ())
    with reading(file) as opened:
        rows = [row for batch in opened.batches() for row in batch.to_pylist()]
    return [(row["row_number"], *((row.get(name) or None) for name in COLUMNS)) for row in rows]


EXPECTED = [(number, *row) for number, row in enumerate(ROWS, 2)]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace('","', '";"').replace("id,c", "id;c").replace("at,f", "at;f").replace("e,o", "e;o").encode(),
        PLAIN.replace('","', '"\t"').replace("id,c", "id\tc").replace("at,f", "at\tf").replace("e,o", "e\to").encode(),
        PLAIN.replace("lead_id,created_at", " Lead_ID ,CREATED_AT").encode(),
        PLAIN.removesuffix("\n").encode(),
    ],
    ids=["plain", "with BOM", "CRLF", "CR", "semicolons", "tabs", "header in capitals", "no last line end"],
)
def test_forms_of_csv(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "leads.csv").write_bytes(content)
    assert read(tmp_path / "leads.csv") == EXPECTED


def test_a_line_end_inside_quotes_is_part_of_its_cell(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text('lead_id,created_at,offer\nL1,2026-03-01,"two\nlines"\nL2,2026-03-02,one\n')
    assert read(tmp_path / "leads.csv") == [
        (2, "L1", "2026-03-01", None, "two\nlines"),
        (3, "L2", "2026-03-02", None, "one"),
    ]


def test_parquet_json_lines_and_excel_are_the_same_rows(tmp_path: Path) -> None:
    for form in ("parquet", "jsonl", "xlsx"):
        (tmp_path / form).mkdir()
    columns = {name: [row[position] for row in ROWS] for position, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(columns), tmp_path / "parquet" / "leads.parquet")
    lines = (json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in ROWS)
    (tmp_path / "jsonl" / "leads.jsonl").write_text("\n".join(lines), encoding="utf-8")
    book = openpyxl.Workbook()
    for line in (COLUMNS, *ROWS):
        book.active.append(line)
    book.save(tmp_path / "xlsx" / "leads.xlsx")
    assert read(tmp_path / "parquet" / "leads.parquet") == EXPECTED
    assert [row[1:] for row in read(tmp_path / "jsonl" / "leads.jsonl")] == ROWS
    assert read(tmp_path / "xlsx" / "leads.xlsx") == EXPECTED


def test_types_of_parquet_become_the_text_a_csv_would_hold(tmp_path: Path) -> None:
    table = pa.table(
        {"lead_id": pa.array([120214501234567890]), "created_at": pa.array(["2026-03-01"]), "offer": pa.array([True])}
    )
    pq.write_table(table, tmp_path / "leads.parquet")
    assert read(tmp_path / "leads.parquet") == [(2, "120214501234567890", "2026-03-01", None, "true")]


def test_an_id_that_excel_rounded_keeps_the_form_that_shows_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["lead_id", "created_at"])
    book.active.append([120214501234567890, "2026-03-01"])
    book.active.append([784, "2026-03-01"])
    book.save(tmp_path / "leads.xlsx")
    ids = [row[1] for row in read(tmp_path / "leads.xlsx")]
    assert ids == ["1.20214501234568e+17", "784"]


def test_lines_that_are_no_json_object_are_rejected_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "leads.jsonl").write_text('{"lead_id": "L1", "created_at": "2026-03-01"}\nnonsense\n[1]\n')
    ((file,), _) = discover(tmp_path, ())
    with reading(file) as opened:
        assert sum(batch.num_rows for batch in opened.batches()) == 1
    assert [(reject.row_number, reject.reason) for reject in opened.rejects] == [
        (2, "the line is not a JSON object"),
        (3, "the line is not a JSON object"),
    ]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("orders.csv", "orders"),
        ("orders-2026-03.CSV", "orders"),
        ("meta_insights-act_1.parquet", "meta_insights"),
        ("orders_march.csv", None),
        ("orders.txt", None),
        (".orders.csv", None),
        ("~$orders.xlsx", None),
    ],
)
def test_a_files_name_says_its_table(tmp_path: Path, name: str, table: str | None) -> None:
    (tmp_path / name).write_text("x")
    known, _ = discover(tmp_path, ())
    assert [file.table for file in known] == ([table] if table else [])


def test_an_inbox_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert discover(tmp_path / "inbox", ()) == ([], [])


def test_a_file_that_vanished_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(PLAIN)
    ((file,), _) = discover(tmp_path, ())
    file.path.unlink()
    with pytest.raises(FileSetAsideError, match="taken away"), reading(file):
        pass
