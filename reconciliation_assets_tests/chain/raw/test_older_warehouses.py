"""A warehouse made before its contract gained a column is carried over: the column is added, its history stays."""

from dataclasses import replace
from pathlib import Path

from reconciliation_assets.chain.raw.landing import land_inbox
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.sources.files import InboxFile
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.warehouse.duckdb import Warehouse, connect

NOW = INPUT_TABLE["invoices"]
# The column stands among the others in the contract; the engine adds it at the end.
THEN = replace(NOW, columns=tuple(column for column in NOW.columns if column.name != "crm_id"))


def test_rows_landed_before_stay_and_new_ones_fill_the_column(tmp_path: Path) -> None:
    before, after = tmp_path / "invoices-1.csv", tmp_path / "invoices-2.csv"
    before.write_text("invoice_id,issued_at,amount,currency\nI1,2026-01-01,10,AED\n", "utf-8")
    after.write_text("invoice_id,issued_at,amount,currency,crm_id,order_id\nI2,2026-01-02,20,AED,C2,O2\n", "utf-8")
    files = [InboxFile("invoices", before), InboxFile("invoices", after)]
    protector = ContactProtector(b"a key for tests")
    with connect(tmp_path / "warehouse.duckdb") as connection:
        land_inbox(Warehouse(connection), THEN, files[:1], protector, "Asia/Dubai")
    with connect(tmp_path / "warehouse.duckdb") as connection:
        warehouse = Warehouse(connection)
        landed = land_inbox(warehouse, NOW, files, protector, "Asia/Dubai")
        assert [file.file for file in landed] == ["invoices-2.csv"]
        assert warehouse.rows(
            "select invoice_id, crm_id, order_id, amount::int from current.invoices order by invoice_id"
        ) == [("I1", None, None, 10), ("I2", "C2", "O2", 20)]
