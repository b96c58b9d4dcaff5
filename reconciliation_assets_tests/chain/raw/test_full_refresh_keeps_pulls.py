"""A full refresh reads the inbox anew; what was pulled from outside systems cannot be read again and stays."""

from datetime import UTC, datetime
from pathlib import Path

from reconciliation_assets.chain.raw.landing import forget, land_inbox, land_pull, last_pull
from reconciliation_assets.contracts.inputs import FX_RATES
from reconciliation_assets.sources.connector import Batch
from reconciliation_assets.sources.files import InboxFile
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.warehouse.duckdb import DuckDB, connect

UNTIL = datetime(2026, 7, 1, tzinfo=UTC)


def test_only_what_files_landed_is_forgotten(tmp_path: Path) -> None:
    dropped = tmp_path / "fx_rates.csv"
    dropped.write_text("date,currency,rate\n2026-01-01,KWD,11.96\n", "utf-8")
    protector = ContactProtector(b"a key for tests")
    with connect(tmp_path / "warehouse.duckdb") as connection:
        warehouse = DuckDB(connection)
        pulled = Batch("fx_rates", [{"date": "2026-01-02", "currency": "USD", "rate": "3.6725"}])
        land_pull(warehouse, "rates", [pulled], [FX_RATES], UNTIL, protector, lambda _: "Asia/Dubai")
        land_inbox(warehouse, FX_RATES, [InboxFile("fx_rates", dropped)], protector, "Asia/Dubai", UNTIL)
        assert warehouse.rows("select currency from current.fx_rates order by 1") == [("KWD",), ("USD",)]
        forget(warehouse, FX_RATES)
        assert warehouse.rows("select currency from current.fx_rates") == [("USD",)]
        assert last_pull(warehouse, "rates") == (UNTIL, 1)
