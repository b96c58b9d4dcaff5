"""People see what a file is taken for before a run, and in a run what was not taken in."""

from pathlib import Path

import pytest

from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.rows import insight, order, payment

REMITTANCE = """Falcon Couriers
Waybill,Consignee,Mobile,COD Amount (AED),Transfer Date
fx 1,Amal Bait,0501234567,"1,250.00",03/04/2026
1.2E+17,Amal Bait,0501234567,50,03/04/2026
Total,,,"1,300.00",
"""
CONTACTS = ("Amal", "Bait", "0501234567", "amal.bait@example.com")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "home")


def test_inspect_says_what_a_file_is_and_its_first_problems(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "Remittance.csv").write_text(REMITTANCE)
    told = installation.reconcile("inspect", str(tmp_path / "Remittance.csv"))
    assert told.status == 0
    assert "by its headings in row 2, a courier remittance of cash on delivery (preset courier_cod; utf-8" in told.text
    assert "Not read: Consignee, Mobile." in told.text
    assert "Left out: totals rows (1)." in told.text
    assert "payments: 2 rows, 1 of them to quarantine." in told.text
    assert "row 4, column Waybill: a spreadsheet turned it into a rounded number" in told.text
    assert [contact for contact in CONTACTS if contact in told.text] == []
    assert not (installation.home / "warehouse.duckdb").exists()


def test_inspect_tells_tables_by_name_and_ends_with_1_when_a_file_is_not_taken_in(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "leads-a.csv").write_text("lead_id,created_at\nL1,2026-04-01\nL2,soon\n")
    (tmp_path / "leads-b.csv").write_text("lead_id\nL1\n")
    (tmp_path / "list.csv").write_text("Waybill,Consignee,Transfer Date\nFX1,Amal Bait,03/04/2026\n")
    good = installation.reconcile("inspect", str(tmp_path / "leads-a.csv"))
    assert good.status == 0
    assert "leads-a.csv is, by its name, the table leads." in good.text
    assert "row 3, column created_at: not an ISO 8601 date" in good.text
    bad = installation.reconcile("inspect", *(str(tmp_path / name) for name in ("leads-b.csv", "list.csv", "gone.csv")))
    assert bad.status == 1
    assert "The whole file is set aside: the required column created_at is missing" in bad.text
    assert (
        "list.csv is not taken in: nearest is courier remittance of cash on delivery (courier_cod); missing: COD Amount."
        in bad.text
    )
    assert "gone.csv is not taken in: there is no such file." in bad.text
    assert "Amal" not in bad.text


def test_a_preset_that_cannot_be_used_stops_before_anything_happens(installation: Installation) -> None:
    (installation.home / "presets").mkdir()
    (installation.home / "presets" / "mine.yaml").write_text("title: x\n")
    for command in ("run", "inspect"):
        told = installation.reconcile(command, *(["x.csv"] if command == "inspect" else []))
        assert told.status == 1
        assert "Stopped. presets/mine.yaml cannot be used: columns: it is missing" in told.text


def test_an_export_that_lies_there_unchanged_is_not_landed_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (bench.inbox / "Remittance.csv").write_text(REMITTANCE)
    first, second = bench.land(), bench.land()
    bench.close()
    assert {landed.rows for landed in first["payments"]} == {2, 0}
    assert second["payments"] == []


@pytest.mark.slow(seconds=40)
def test_a_run_takes_exports_in_names_what_it_does_not_and_keeps_no_contact(installation: Installation) -> None:
    installation.drop(
        {
            "meta_insights": [insight("2026-04-01")],
            "orders": [order("SO1", "2026-04-01", waybill="FX1", value="1250")],
            "payments": [payment("P1", "2026-04-02", order_id="SO1", amount="1")],
        }
    )
    rows = "".join(f'fx {number},Amal Bait,0501234567,"1,250.00",03/04/2026\n' for number in range(2, 60))
    (installation.inbox / "تحويل أبريل.csv").write_text(
        REMITTANCE.replace("1.2E+17", rows + "1.2E+17"), encoding="utf-8"
    )
    (installation.inbox / "list.csv").write_text("Waybill,Transfer Date,Email\nFX1,03/04/2026,amal.bait@example.com\n")
    told = installation.reconcile()
    assert told.status == 0, told.text
    assert (
        "Note inbox_files, check files_recognised: 1 of 5 files in the inbox are not taken in: list.csv: nearest is"
        in told.text
    )
    assert installation.rows(
        "select match_method from reporting.match_links where right_id = 'cod:FX1:2026-04-03'"
    ) == [("exact_id",)]
    assert installation.rows("select file, column_name from reporting.quarantined_rows") == [
        ("تحويل أبريل.csv", "Waybill")
    ]
    at_rest = [path for path in installation.home.rglob("*") if path.is_file() and "inbox" not in path.parts]
    held = {path.name for path in at_rest for bait in CONTACTS[2:] if bait.encode() in path.read_bytes()}
    assert held == set()
    assert "Amal" not in told.text
