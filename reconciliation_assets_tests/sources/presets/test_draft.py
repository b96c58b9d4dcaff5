"""A file that nothing recognises is answered by a preset that works after pasting."""

from pathlib import Path

import pytest

from reconciliation_assets.sources.presets.draft import FILL_IN, draft_preset
from reconciliation_assets.sources.presets.load import PresetError, load_presets, save_preset, shipped_presets
from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.installation import Installation

FILES = {
    # Near a shipped preset: its own headings are added.
    "statement of a bank.csv": (
        "Trn Date,Narration,Money Inward,Debit,Balance,Currency\n25/03/2026,TRANSFER FT1,100.00,,100.00,AED\n26/03/2026,Rent,,40.00,60.00,AED\n",
        ("payments", 1, "100.000000"),
    ),
    "fees of the school.csv": (
        "Receipt No,Student Name,Mobile,Course,Paid on,Total Paid,How\nR-1,A. Someone,0501234567,Data,25/03/2026,1500.00,Cash\n",
        ("payments", 1, "1500.000000"),
    ),
    "bookings.csv": (
        "Booking No,Booked on,State,Customer Name,E-mail,Price (AED)\nB-1,25/03/2026,Confirmed,A. Someone,a@example.com,900\n",
        ("orders", 1, "900.000000"),
    ),
    "دفعات.csv": (
        "رقم الإيصال,التاريخ,المبلغ,رقم الجوال\n1,25/03/2026,1500.00,0501234567\n",
        ("payments", 1, "1500.000000"),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_the_drafted_preset_reads_the_file_after_pasting(tmp_path: Path, name: str) -> None:
    content, (table, rows, amount) = FILES[name]
    bench = Bench(tmp_path)
    (bench.inbox / name).write_text(content, encoding="utf-8")
    draft = draft_preset(bench.inbox / name, shipped_presets(), "AED")
    assert draft is not None
    assert FILL_IN not in draft.text
    save_preset(tmp_path / "presets", draft)
    built = bench.build()
    column = "amount" if table == "payments" else "gross_value"
    assert built.warehouse.rows(f"select count(*), cast(sum({column}) as varchar) from current.{table}") == [
        (rows, amount)
    ]
    bench.close()


def test_what_nobody_can_know_is_left_to_be_filled_in(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Receipt No,Paid on,Total Paid\nR-1,25/03/2026,1500.00\n")
    draft = draft_preset(tmp_path / "x.csv", shipped_presets(), None)
    assert draft is not None
    assert draft.needs_currency
    with pytest.raises(PresetError, match="still asks for something"):
        save_preset(tmp_path / "presets", draft)


def test_no_id_is_made_of_what_tells_a_person(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Mobile,E-mail,Paid on,Total Paid\n0501234567,a@example.com,25/03/2026,1500.00\n")
    draft = draft_preset(tmp_path / "x.csv", shipped_presets(), "AED")
    assert draft is not None
    assert "of: [paid_on, total_paid]" in draft.text


def test_a_preset_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Receipt No,Paid on,Total Paid\nR-1,25/03/2026,1500.00\n")
    draft = draft_preset(tmp_path / "x.csv", shipped_presets(), "AED")
    assert draft is not None
    save_preset(tmp_path / "presets", draft)
    with pytest.raises(PresetError, match="there already"):
        save_preset(tmp_path / "presets", draft)
    assert any(preset.name == draft.name for preset in load_presets(tmp_path / "presets"))


def test_inspect_saves_the_preset_and_reads_the_file_by_it(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "home")
    (tmp_path / "receipts.csv").write_text(
        "Receipt No,Student Name,Paid on,Total Paid\nR-1,Amal Bait,25/03/2026,1500.00\n"
    )
    printed = installation.reconcile("inspect", str(tmp_path / "receipts.csv"))
    assert printed.status == 1
    assert "put this into presets/receipts.yaml" in printed.text
    saved = installation.reconcile("inspect", str(tmp_path / "receipts.csv"), "--save", "--currency", "SAR")
    assert saved.status == 0, saved.text
    assert "payments: 1 rows, 0 of them to quarantine." in saved.text
    assert "currency: {constant: SAR}" in (installation.home / "presets/receipts.yaml").read_text()
    assert "Amal" not in printed.text + saved.text
