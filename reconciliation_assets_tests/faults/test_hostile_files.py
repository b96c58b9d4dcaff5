"""A file may hold anything, be named anything and change at any moment: it is read as what it is, or set aside with the reason."""

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reconciliation_assets.chain.raw.inspection import inspect_file
from reconciliation_assets.chain.raw.landing import Landed, land_inbox
from reconciliation_assets.contracts.inputs import ORDERS
from reconciliation_assets.sources import snapshot
from reconciliation_assets.sources.files import InboxFile, discover, reading
from reconciliation_assets.sources.presets import mapping
from reconciliation_assets.sources.presets.load import shipped_presets
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.sources.text_rows import engine_on, private_engine
from reconciliation_assets_tests.harness import AS_OF, KEY, Bench

SECRET = "the secret of another file"
COURIER = ("Waybill", "COD Amount (AED)", "Transfer Date")
PAID = ("FX1", "100.00", "2026-03-04")
ORDER = ("order_id", "created_at", "status", "gross_value", "currency", "utm_campaign")
PLACED = ("SO1", "2026-03-01", "placed", "100", "AED", "spring")


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    made = Bench(tmp_path)
    yield made
    made.close()


def csv_of(*rows: tuple[str, ...]) -> bytes:
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows).encode()


def json_of(*rows: tuple[str, ...]) -> bytes:
    header, *values = rows
    return "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in values).encode()


def workbook_of(path: Path, *rows: tuple[str, ...], title: str = "Sheet") -> None:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)


def parquet_of(path: Path, *rows: tuple[str, ...]) -> None:
    header, *values = rows
    pq.write_table(pa.table({name: [row[place] for row in values] for place, name in enumerate(header)}), path)


WRITERS: dict[str, Callable[..., object]] = {
    "csv": lambda path, *rows: path.write_bytes(csv_of(*rows)),
    "jsonl": lambda path, *rows: path.write_bytes(json_of(*rows)),
    "xlsx": workbook_of,
    "parquet": parquet_of,
}


def landed(bench: Bench, table: str) -> list[Landed]:
    return bench.land()[table]


def crafted(secret: Path, written: Path) -> tuple[str, ...]:
    """Names that would read or write another file if any part of them became SQL."""
    return (
        "it's",
        'say "so"',
        f"x' as a, (select content from read_text('{secret}')) as utm_campaign --",
        f"x'); copy (select 1) to '{written}'; --",
        "a/b~c.d*",
        "$path",
        "{}",
        "\\'; drop table lines; --",
    )


@pytest.mark.parametrize("form", WRITERS)
def test_no_name_in_a_file_is_ever_sql(bench: Bench, tmp_path: Path, form: str) -> None:
    """Keys of JSON, headings, columns of Parquet: in files named after their table and in those that a preset reads."""
    secret, written = tmp_path / "secret.txt", tmp_path / "written.csv"
    secret.write_text(SECRET)
    names = crafted(secret, written)
    WRITERS[form](bench.inbox / f"orders.{form}", (*ORDER, *names), (*PLACED, *names))
    WRITERS[form](bench.inbox / f"remittance.{form}", (*COURIER, *names), (*PAID, *names))
    brought = bench.land()
    assert [(one.rows, one.quarantined, one.set_aside_reason) for one in brought["orders"]] == [(1, 0, None)]
    assert {(one.quarantined, one.set_aside_reason) for one in brought["payments"]} == {(0, None)}
    assert bench.warehouse.rows("select utm_campaign from current.orders") == [("spring",)]
    assert bench.warehouse.rows("select waybill, amount from current.payments") == [("FX1", 100)]
    assert not written.exists()


def test_no_name_of_a_file_or_a_sheet_is_ever_sql(bench: Bench, tmp_path: Path) -> None:
    for number, name in enumerate(crafted(Path("secret.txt"), Path("written.csv"))):
        plain = name.replace("/", "_")
        (bench.inbox / f"orders-{plain}.csv").write_bytes(csv_of(ORDER, (f"SO{number}", *PLACED[1:])))
        if number in (0, 3):
            (bench.inbox / f"{plain}.jsonl").write_bytes(json_of(COURIER, (f"FX{number}", *PAID[1:])))
    workbook_of(bench.inbox / "sheet.xlsx", COURIER, ("FX99", *PAID[1:]), title='it\'s "so"; drop')
    bench.land()
    assert bench.warehouse.rows("select count(*) from current.orders") == [(8,)]
    assert bench.warehouse.rows("select count(*) from current.payments") == [(3,)]


def test_no_word_of_a_preset_is_ever_sql(bench: Bench, tmp_path: Path) -> None:
    secret, written = tmp_path / "secret.txt", tmp_path / "written.csv"
    secret.write_text(SECRET)
    words = crafted(secret, written)
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "own.yaml").write_text(
        json.dumps(
            {
                "title": "own",
                "extends": "courier_cod",
                "columns": {"waybill": {"headings": list(words), "strip": "it's"}},
                "passed_over": [{"where": [{"column": "waybill", "one_of": list(words)}], "because": words[2]}],
            }
        )
    )
    (bench.inbox / "a.csv").write_bytes(csv_of((words[2], *COURIER[1:]), PAID, (words[1], *PAID[1:])))
    told, *_ = landed(bench, "payments")
    assert (told.rows, told.set_aside_reason) == (1, None)
    assert dict(told.passed_over) == {words[2]: 1}
    assert not written.exists()


class Listening:
    """A real engine that keeps the statements it is given."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
        self._engine, self._statements = engine, statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def execute(self, statement: str, *parameters: Any) -> Any:
        self._statements.append(statement)
        return self._engine.execute(statement, *parameters)

    def sql(self, statement: str, **parameters: Any) -> Any:
        self._statements.append(statement)
        return self._engine.sql(statement, **parameters)


def statement_preset(word: str) -> dict[str, Any]:
    """A preset of a bank statement with a word at every place that holds text of a person's choice."""
    here = [{"column": "text", "matches": re.escape(word)}]
    return {
        "title": word,
        "columns": {
            "when": {"headings": ["When"], "holds": "date", "required": True},
            "amount": {"headings": [f"Amount {word}"], "holds": "amount", "required": True},
            "mark": {"headings": ["Mark"], "required": True, "strip": re.escape(f"{word} ")},
            "text": {"headings": ["Text"], "required": True, "words": {word: f"{word} means"}},
            "money_in": {"headings": ["In"], "holds": "amount"},
            "money_out": {"headings": ["Out"], "holds": "amount"},
            "balance": {"headings": ["Balance"], "holds": "amount"},
        },
        "movement": {
            **{name: name for name in ("money_in", "money_out", "amount", "mark", "balance")},
            "marks": {"in": [f"in {word}"], "out": [f"out {word}"]},
            "description": "text",
            "reversal": re.escape(word),
        },
        "passed_over": [{"because": f"total {word}", "where": [{"column": "text", "one_of": [f"total {word}"]}]}],
        "refused": [
            {
                "because": f"refused {word}",
                "differ": ["text", "mark"],
                "where": [{"column": "text", "one_of": [f"bad {word}"]}],
            }
        ],
        "otherwise": f"otherwise {word}",
        "defaults": {"reference": f"default {word}"},
        "tables": [
            {
                "table": "payments",
                "where": [{"column": "money_in", "is": "positive"}],
                "columns": {
                    "payment_id": {"key": {"prefix": f"{word}:", "of": ["when", "amount"], "hashed": True}},
                    "kind": {"cases": [{**here[0], "then": "payment"}], "default": "refund"},
                    "status": {"constant": "settled"},
                    "paid_at": "when",
                    "amount": "money_in",
                    "currency": {"constant": "AED"},
                    "method": {"take": "text", "extract": re.escape(word), "where": here},
                },
            }
        ],
    }


def test_no_word_of_a_person_is_part_of_a_statement(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hostile word at every place of a preset, and as heading and cell of the file."""
    statements: list[str] = []
    monkeypatch.setattr(mapping, "private_engine", lambda: Listening(private_engine(), statements))
    secret, written = tmp_path / "secret.txt", tmp_path / "written.csv"
    secret.write_text(SECRET)
    (tmp_path / "presets").mkdir()
    # Of two marks that may separate cells the one that is in more of them is taken; here it is to be the comma.
    words = [word.replace(";", ",") for word in crafted(secret, written)]
    for word in words:
        (tmp_path / "presets" / "own.yaml").write_text(json.dumps(statement_preset(word)))
        rows = [
            ("When", f"Amount {word}", "Mark", "Text"),
            ("2026-03-01", "10.00", f"{word} in {word}", word),
            ("2026-03-02", "20.00", f"out {word}", word),
            ("2026-03-03", "30.00", f"in {word}", f"total {word}"),
            ("2026-03-04", "40.00", f"in {word}", f"bad {word}"),
        ]
        (bench.inbox / "statement.csv").write_bytes(csv_of(*rows))
        (told,) = landed(bench, "payments")
        assert (told.rows, told.quarantined, told.set_aside_reason) == (2, 1, None), word
        assert dict(told.passed_over) == {f"total {word}": 1, f"otherwise {word}": 1}
        assert bench.warehouse.rows("select amount, method from current.payments") == [(10, word)]
    assert [word for word in words if word != "{}" and any(word in statement for statement in statements)] == []
    assert len(statements) > len(words)
    assert not written.exists()


def test_an_engine_that_reads_a_file_knows_no_other_and_cannot_be_told_otherwise(tmp_path: Path) -> None:
    own, other = tmp_path / "own.csv", tmp_path / "other.csv"
    own.write_text("a\n1\n")
    other.write_text(f"a\n{SECRET}\n")
    with engine_on(own) as (engine, name):
        assert engine.execute("from read_csv($path)", {"path": name}).fetchall() == [(1,)]
        for statement in (
            f"from read_csv('{other}')",
            f"from read_text('{tmp_path}/*')",
            f"from '{other}'",
            f"copy (select 1) to '{other}'",
            f"copy (select 1) to '{name}'",
            f"attach '{tmp_path}/w.duckdb'",
            "set enable_external_access = true",
            f"set allowed_paths = ['{other}']",
            "install httpfs",
            "set temp_directory = '/tmp'",
        ):
            with pytest.raises(duckdb.Error):
                engine.execute(statement)
    with private_engine() as engine, pytest.raises(duckdb.Error):
        engine.execute(f"from read_csv('{other}')")
    assert other.read_text() == f"a\n{SECRET}\n"


@pytest.mark.parametrize("form", WRITERS)
def test_a_files_name_is_no_pattern(bench: Bench, form: str) -> None:
    stems = ("export1", "export[1]", "*", "?", "{a,b}", "**")
    for stem in stems:
        WRITERS[form](bench.inbox / f"orders-{stem}.{form}", ORDER, (stem, *PLACED[1:]))
    assert [one.rows for one in landed(bench, "orders")] == [1] * len(stems)
    assert {name for (name,) in bench.warehouse.rows("select order_id from current.orders")} == set(stems)


def test_a_file_rewritten_while_it_is_read_is_read_whole_by_the_next_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is what is fingerprinted: half a file is never taken for the whole."""
    path = bench.inbox / "orders.csv"
    half = csv_of(ORDER, *((f"SO{number}", *PLACED[1:]) for number in range(49)))
    whole = half + csv_of(*((f"SO{number}", *PLACED[1:]) for number in range(49, 100)))
    path.write_bytes(whole)
    plainly = snapshot._open_regular

    def rewritten_meanwhile(wanted: Path) -> Any:
        path.write_bytes(half)
        return plainly(wanted)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_open_regular", rewritten_meanwhile)
        assert [one.rows for one in landed(bench, "orders")] == [49]
    path.write_bytes(whole)
    assert [one.rows for one in landed(bench, "orders")] == [100]
    assert bench.warehouse.rows("select count(*) from current.orders") == [(100,)]


def test_a_file_rewritten_after_it_was_copied_changes_nothing_of_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(csv_of(ORDER, *((f"SO{number}", *PLACED[1:]) for number in range(1000))))
    with reading(InboxFile("orders", path)) as text:
        path.write_bytes(csv_of(ORDER, PLACED))
        assert sum(batch.num_rows for batch in text.batches()) == 1000
        path.unlink()
    assert list(tmp_path.iterdir()) == [], "nothing of the copy is left"


def test_a_file_that_changed_into_another_kind_is_not_read_by_the_old_headings(bench: Bench) -> None:
    path = bench.inbox / "remittance.csv"
    path.write_bytes(csv_of(COURIER, PAID))
    known, _ = discover(bench.inbox, shipped_presets())
    path.write_bytes(csv_of(tuple(reversed(COURIER)), tuple(reversed(PAID))))
    file = next(file for file in known if file.table == "payments")
    with reading(file) as text:
        (row,) = [row for batch in text.batches() for row in batch.to_pylist()]
    assert (row["waybill"], row["amount"]) == ("FX1", "100.00")


def test_a_file_that_vanishes_is_told(bench: Bench) -> None:
    path = bench.inbox / "orders.csv"
    path.write_bytes(csv_of(ORDER, PLACED))
    known, _ = discover(bench.inbox, ())
    path.unlink()
    (told,) = land_inbox(bench.warehouse, ORDERS, known, ContactProtector(KEY), "Asia/Dubai", AS_OF)
    assert told.set_aside_reason == "it was taken away while the run began to read; drop it again if it counts"
    path.write_bytes(csv_of(ORDER, PLACED))
    assert [one.rows for one in landed(bench, "orders")] == [1]


@pytest.mark.parametrize("name", ["orders.csv", "orders.jsonl", "remittance.csv"])
def test_a_last_line_without_its_end_is_told(bench: Bench, name: str) -> None:
    write = json_of if name.endswith("jsonl") else csv_of
    rows = (COURIER, PAID) if name.startswith("remittance") else (ORDER, PLACED)
    (bench.inbox / name).write_bytes(write(*rows).rstrip(b"\n"))
    told, *_ = landed(bench, "payments" if name.startswith("remittance") else "orders")
    assert (told.rows, told.quarantined, told.set_aside_reason) == (1, 0, None)
    assert told.notes == ("its last line has no end; if it was cut off while it was copied, drop it again",)


def stray_cell(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (ORDER, PLACED):
        book.active.append(row)
    book.active["XFD1048576"] = "x"
    book.save(path)


def stray_cell_untold(path: Path) -> None:
    """The same, but the sheet does not say how far it reaches."""
    stray_cell(path)
    rewrite(path, lambda name, content: content.replace(b'<dimension ref="A1:XFD1048576"/>', b""))


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as old:
        parts = {name: change(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)


def bomb(path: Path) -> None:
    """Says that it unpacks to more than 2 GB."""
    workbook_of(path, ORDER, PLACED)
    say_it_unpacks_to(path, 3 << 30)


def lying_bomb(path: Path) -> None:
    """Unpacks to more than it says."""
    workbook_of(path, ORDER, PLACED)
    rewrite(path, lambda name, content: content + b" " * (40 << 20) if name.endswith("sheet1.xml") else content)
    say_it_unpacks_to(path, 1000)


def say_it_unpacks_to(path: Path, size: int) -> None:
    content = bytearray(path.read_bytes())
    entry = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    assert content[entry : entry + 4] == b"PK\x01\x02"
    content[entry + 24 : entry + 28] = size.to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (stray_cell, "reaches over more than 50,000,000 cells, probably for a single cell far from the others"),
        (stray_cell_untold, "reaches over more than 50,000,000 cells, probably for a single cell far from the others"),
        (bomb, "it unpacks to more than 2 GB"),
        (lying_bomb, "export it"),
    ],
)
@pytest.mark.parametrize("name", ["orders.xlsx", "remittance.xlsx"])
def test_a_workbook_that_no_machine_can_read_is_set_aside(
    bench: Bench, make: Callable[[Path], None], reason: str, name: str
) -> None:
    """Until now: exit 134 after asking for 549 GB, a panic, an error for want of memory."""
    make(bench.inbox / name)
    (bench.inbox / "orders-good.csv").write_bytes(csv_of(ORDER, PLACED))
    brought = landed(bench, "orders")
    _, unknown = discover(bench.inbox, shipped_presets())
    told = [file.reason for file in unknown] + [one.set_aside_reason for one in brought if one.set_aside_reason]
    assert [reason in each for each in told] == [True]
    assert bench.warehouse.rows("select count(*) from current.orders") == [(1,)]


@pytest.mark.parametrize(
    "name", ["orders.csv", "orders.jsonl", "remittance.csv", "remittance.jsonl", "orders.xlsx", "orders.parquet"]
)
def test_zeros_without_an_end_are_no_table(bench: Bench, name: str) -> None:
    """Sparse: as long as asked, with nothing on the disk."""
    with (bench.inbox / name).open("wb") as file:
        file.truncate(30 << 20)
    brought = bench.land()
    _, unknown = discover(bench.inbox, shipped_presets())
    told = [file.reason for file in unknown] + [one.set_aside_reason for some in brought.values() for one in some]
    assert len(told) == 1
    assert told[0]


def test_a_file_is_decided_by_most_of_its_lines_and_a_few_bad_bytes_are_bad_rows(bench: Bench) -> None:
    rows = [(f"FX{number}", "100.00", "2026-03-04", "دورة") for number in range(30)]
    content = csv_of((*COURIER, "Consignee"), *rows)
    bad = content.replace('"FX7","100.00","2026-03-04","دورة"'.encode(), b'"FX7","100.00","2026-03-04","\xc7\xe5\xe1"')
    assert bad != content
    (bench.inbox / "remittance.csv").write_bytes(bad)
    told, *_ = landed(bench, "payments")
    assert (told.rows, told.quarantined) == (30, 1)
    assert bench.warehouse.rows("select row_number, reason from raw.quarantine") == [
        (
            9,
            "the row holds bytes that are no text in the file's encoding; correct it where the file comes from and export it again",
        )
    ]
    shop = bytes.fromhex("c7e1e3").join([b"Waybill,COD Amount (AED),Transfer Date,Consignee\nFX1,1,2026-03-04,", b"\n"])
    (bench.inbox / "remittance.csv").write_bytes(shop)
    told, *_ = landed(bench, "payments")
    assert (told.rows, told.quarantined) == (1, 0), "a file in the old Arabic code page is read in it"


@pytest.mark.parametrize(
    "content",
    [
        b"Amal Haddad,0501234567,amal@example.com,Amal Haddad\nOmar,0507654321,omar@example.com,Omar\n",
        b"0501234567\n0501234567\n",
        b"SO1,2026-03-01,placed,100,AED,Amal Haddad,Amal Haddad\nSO2,2026-03-01,placed,100,AED,Omar,Omar\n",
    ],
)
@pytest.mark.parametrize("name", ["orders.csv", "orders.xlsx", "contacts.csv"])
def test_a_file_without_headings_publishes_nothing_of_its_first_row(bench: Bench, name: str, content: bytes) -> None:
    if name.endswith("xlsx"):
        workbook_of(bench.inbox / name, *(tuple(line.split(",")) for line in content.decode().splitlines()))
    else:
        (bench.inbox / name).write_bytes(content)
    brought = landed(bench, "orders")
    _, unknown = discover(bench.inbox, shipped_presets())
    told = repr((brought, [file.reason for file in unknown])).lower()
    for value in ("amal", "omar", "haddad", "050", "example.com"):
        assert value not in told


def test_folders_pipes_and_broken_links_in_the_inbox_are_told(bench: Bench) -> None:
    (bench.inbox / "orders").mkdir()
    os.mkfifo(bench.inbox / "orders.csv")
    (bench.inbox / "leads.csv").symlink_to(bench.inbox / "nowhere.csv")
    (bench.inbox / "payments.csv").symlink_to(bench.inbox / "payments.csv")
    _, unknown = discover(bench.inbox, shipped_presets())
    assert {file.path.name: file.reason.split(";")[0] for file in unknown} == {
        "orders": "it is a folder",
        "orders.csv": "it is no file but a pipe, a socket or a device",
        "leads.csv": "it is a link to something that is not there, or that may not be looked at",
        "payments.csv": "it is a link to something that is not there, or that may not be looked at",
    }
    bench.land()
    answers = [inspect_file(file.path, shipped_presets(), lambda _: "Asia/Dubai").refusal for file in unknown]
    assert answers == [file.reason for file in unknown]


def test_a_line_longer_than_any_is_a_bad_row_and_is_not_quoted(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    contact = "amal@example.com 0501234567"
    long = json.dumps({"order_id": "SO2", "full_name": contact, "note": "x" * 21_000_000})
    rows = [json_of(ORDER, PLACED).decode(), long + "\n", "nonsense\n", json_of(ORDER, ("SO4", *PLACED[1:])).decode()]
    (bench.inbox / "orders.jsonl").write_text("".join(rows))
    (told,) = landed(bench, "orders")
    assert (told.rows, told.quarantined, told.set_aside_reason) == (4, 2, None)
    assert bench.warehouse.rows("select row_number from raw.quarantine order by 1") == [(2,), (3,)]
    assert bench.warehouse.rows("select order_id, row_number from raw.raw_orders order by 2") == [
        ("SO1", 1),
        ("SO4", 4),
    ]
    out, err = capfd.readouterr()
    assert contact not in out + err + repr(told)
    (bench.inbox / "remittance.jsonl").write_text(long)
    _, (unknown,) = discover(bench.inbox, shipped_presets())
    assert unknown.reason == "line 1 is not a JSON object; export it again"
