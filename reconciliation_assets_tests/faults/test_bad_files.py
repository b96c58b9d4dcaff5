"""A file that cannot be read as its table is set aside whole, in words that say what to do; the others go on."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import order

GOOD = {"orders": [order(f"SO{number}") for number in range(3)]}
HEADER = "lead_id,created_at,full_name"
ROW = "L1,2026-03-01,Amal"


def set_aside(built: Built) -> dict[str, str]:
    return {row["file"]: row["reason"] for row in built.rows("quarantined_rows") if row["row_number"] is None}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("leads.csv", f"created_at,full_name\n{ROW}\n".encode(), "the required column lead_id is missing"),
        (
            "leads.csv",
            "رقم,تاريخ,الاسم\nL1,2026-03-01,أمل\n".encode(),
            "it has none of the required columns lead_id, created_at; let its first row name them",
        ),
        ("leads.csv", f"New leads\n\n{HEADER}\n{ROW}\n".encode(), "let its first row name them"),
        ("leads.csv", b"full_name,lead_id\nAmal,L1\n", "the required column created_at is missing; add it"),
        ("leads.csv", f"{HEADER},full_name\n{ROW},Amal\n".encode(), "the column full_name stands in it more than once"),
        ("leads.csv", b"", "it is empty; export it again"),
        ("leads.csv", b"\xff\xfel\x00e\x00a\x00d\x00", "it is not UTF-8 text; save it as CSV UTF-8"),
        ("leads.parquet", f"{HEADER}\n{ROW}\n".encode(), "damaged or not really a parquet file"),
        ("leads.parquet", b"", "damaged or not really a parquet file"),
        ("leads.xlsx", f"{HEADER}\n{ROW}\n".encode(), "not really an Excel workbook; export it again"),
        ("leads.jsonl", b"[1, 2]\n3\n", "let every line name them"),
        ("leads.jsonl", f"{HEADER}\n{ROW}\n".encode(), "let every line name them"),
        ("leads.csv", f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "it is not UTF-8 text; save it as CSV UTF-8"),
        ("leads.csv", f"{HEADER}\r\n{ROW}\n{ROW}\r\n".encode(), "its lines end in different ways, or it is damaged"),
        ("leads.csv", f"{HEADER}\nL1,2026-03-01,Amal\rSami\n".encode(), "its lines end in different ways"),
    ],
)
def test_what_is_wrong_and_what_to_do(build: Build, name: str, content: bytes, says: str) -> None:
    built = build(GOOD, files={name: content})
    assert says in set_aside(built)[name]
    assert "Amal" not in set_aside(built)[name]
    assert len(built.rows("orders")) == 3, "other tables go on"


def test_damage_in_the_middle_of_a_file_takes_nothing_of_it_in(build: Build) -> None:
    whole = io.BytesIO()
    pq.write_table(pa.table({"lead_id": ["L1" * 50], "created_at": ["2026-03-01"], "full_name": ["Amal"]}), whole)
    content = bytearray(whole.getvalue())
    content[20:60] = bytes(40)
    built = build(GOOD, files={"leads.parquet": bytes(content)})
    assert set_aside(built) == {"leads.parquet": "file set aside: it is damaged inside; export it again"}
    assert built.rows("leads") == []
    answer = built.ask("raw_crm_leads", "few_rows_in_quarantine")
    assert (answer.passed, answer.severity) == (False, "ERROR")
    assert answer.message.startswith("1 file of leads could not be used: leads.parquet: it is damaged inside")


def test_its_rows_are_accounted_for_and_stop_the_run(build: Build) -> None:
    content = "created_at,full_name\n" + "2026-03-01,Amal\n" * 12
    built = build(GOOD, files={"leads.csv": content.encode()})
    totals = built.one("source_totals", source_table="leads", measure="rows")
    assert (totals["source_total"], totals["quarantined"], totals["set_aside"], totals["difference"]) == (12, 12, 12, 0)
    answer = built.ask("raw_crm_leads", "few_rows_in_quarantine")
    assert (answer.passed, answer.severity) == (False, "ERROR")
    assert "leads.csv: the required column lead_id is missing; add it and drop the file again" in answer.message


def test_another_file_of_the_same_table_counts(build: Build) -> None:
    good = "\n".join([HEADER, *(f"L{number},2026-03-01,Amal" for number in range(50))])
    built = build(GOOD, files={"leads-old.csv": b"lead_id\nL9\n", "leads.csv": good.encode()})
    assert len(built.rows("leads")) == 50
    assert list(set_aside(built)) == ["leads-old.csv"]
    assert built.ask("raw_crm_leads", "few_rows_in_quarantine").severity == "WARN", "one row of 51"


def test_a_header_without_rows_is_an_empty_table(build: Build) -> None:
    built = build(GOOD, files={"leads.csv": f"{HEADER}\n".encode()})
    assert set_aside(built) == {}
    assert built.rows("leads") == []
    assert built.ask("raw_crm_leads", "few_rows_in_quarantine").passed


def test_columns_the_contract_does_not_know_are_not_read(build: Build) -> None:
    built = build(GOOD, files={"leads.csv": f"{HEADER},notes,الملاحظات\n{ROW},x,y\n".encode()})
    (landed,) = built.landed["leads"]
    assert landed.ignored_columns == ("notes", "الملاحظات")
    assert len(built.rows("leads")) == 1


def test_rows_behind_lines_that_are_no_json_keep_their_number(build: Build) -> None:
    lines = b'{"lead_id": "L1", "created_at": "2026-03-01"}\nnonsense\n[1]\n{"lead_id": "L4", "created_at": "soon"}\n'
    built = build(GOOD, files={"leads.jsonl": lines})
    assert [row["row_number"] for row in built.rows("quarantined_rows")] == [2, 3, 4]


def test_files_of_no_table_are_named_and_the_others_go_on(build: Build) -> None:
    built = build(GOOD, files={"readme.txt": b"hello", "contacts.csv": b"a,b\n1,2\n"})
    assert set_aside(built) == {}
    answer = built.ask("inbox_files", "files_recognised")
    assert (answer.passed, answer.severity) == (False, "WARN")
    assert answer.message.startswith(
        "2 of 3 files in the inbox are not taken in: contacts.csv: its headings are not those"
    )
    assert len(built.rows("orders")) == 3
