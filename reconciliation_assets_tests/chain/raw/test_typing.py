"""How a cell of each kind is read, and what makes its row bad."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pytest

from reconciliation_assets.chain.raw.typing import typed_select
from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.contracts.model import CONTACT_KEYS
from reconciliation_assets.warehouse.duckdb import DuckDB
from reconciliation_assets_tests.rows import decision, insight, lead, lock, order, payment, sign_off, verdict

VALID = {
    "payments": payment("P1"),
    "orders": order("SO1"),
    "leads": lead("L1"),
    "meta_insights": insight(),
    "manual_matches": decision("lead_order", "L1", "SO1"),
    "validation_verdicts": verdict("lead_order", "L1", "SO1"),
    "method_sign_offs": sign_off("lead_order", "exact_id"),
    "period_locks": lock(),
    "fx_rates": {"date": "2026-03-01", "currency": "EUR", "rate": "4.01"},
}


class Typed(NamedTuple):
    faulty_column: str | None
    fault: str | None
    value: Any


def read(table: str, column: str, text: str | None) -> Typed:
    """What becomes of a cell in an otherwise valid row."""
    contract = INPUT_TABLE[table]
    cells: dict[str, Any] = {**VALID[table], column: text}
    keys = {name: pa.nulls(1, pa.string()) for each in contract.contacts for name, _ in CONTACT_KEYS[each.kind]}
    row = pa.table(
        {"row_number": [2], **{name: pa.array([value], pa.string()) for name, value in cells.items()}, **keys}
    )
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        warehouse = DuckDB(connection)
        with warehouse.reading("arriving", row):
            (typed,) = warehouse.rows(
                f"""
                select faulty_column, fault, case when fault is null then {column} end as value
                from ({typed_select(contract, tuple(cells), "arriving")})
                """,
                {"zone": "Asia/Riyadh"},
            )
        return Typed(*typed)


NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("table", "column", "text", "value"),
    [
        # timestamps: one without an offset is in the table's zone, here Riyadh
        ("payments", "paid_at", "2026-03-01T12:00:00Z", NOON),
        ("payments", "paid_at", "2026-03-01T16:00:00+04:00", NOON),
        ("payments", "paid_at", "2026-03-01 16:00:00+04", NOON),
        ("payments", "paid_at", "2026-03-01T17:30:00.500+0530", NOON.replace(microsecond=500_000)),
        ("payments", "paid_at", "2026-03-01T15:00:00", NOON),
        ("payments", "paid_at", "2026-03-01 15:00", NOON),
        ("payments", "paid_at", "2026-03-01", datetime(2026, 2, 28, 21, 0, tzinfo=UTC)),
        ("meta_insights", "date", "2026-03-01", date(2026, 3, 1)),
        # months: any day stands for its month
        ("period_locks", "period", "2026-06", date(2026, 6, 1)),
        ("period_locks", "period", "2026-06-30", date(2026, 6, 1)),
        # amounts
        ("payments", "amount", "1234.50", Decimal("1234.5")),
        ("payments", "amount", " 7 ", Decimal(7)),
        ("payments", "amount", "0", Decimal(0)),
        ("payments", "tax", "", None),
        ("payments", "amount", "0.125", Decimal("0.125")),
        ("fx_rates", "rate", "0.97933333", Decimal("0.97933333")),
        # IDs stay text, to the last digit
        ("payments", "order_id", "00120214501234567", "00120214501234567"),
        ("meta_insights", "ad_id", "120214501234567891", "120214501234567891"),
        ("payments", "order_id", "\u00a0 SO-1\ufeff", "SO-1"),
        # what other systems write where there is no ID would join all rows that have none
        ("payments", "order_id", "NULL", None),
        ("payments", "order_id", "nan", None),
        ("payments", "order_id", "1001.0", "1001"),
        ("payments", "order_id", "0017.0", "0017"),
        ("payments", "order_id", "SO-1.0", "SO-1.0"),
        ("payments", "order_id", "1.2.0", "1.2.0"),
        ("payments", "order_id", "N/A", None),
        ("payments", "order_id", " - ", None),
        ("payments", "order_id", "NA-1", "NA-1"),
        # words
        ("payments", "kind", " Refund ", "refund"),
        ("payments", "currency", "aed", "AED"),
        ("payments", "status", "Settled", "Settled"),
        ("leads", "is_test", "TRUE", True),
        ("leads", "is_test", "0", False),
        ("leads", "is_test", "", None),
    ],
)
def test_a_cell_that_can_be_read(table: str, column: str, text: str, value: Any) -> None:
    assert read(table, column, text) == (None, None, value)


@pytest.mark.parametrize(
    ("table", "column", "text", "reason"),
    [
        ("payments", "amount", None, "a required value is missing"),
        ("payments", "amount", "  ", "a required value is missing"),
        ("payments", "amount", "-5", "a negative number"),
        ("payments", "amount", "five", "not a decimal number"),
        ("payments", "amount", "1,234.50", "not a decimal number"),
        ("payments", "amount", "NaN", "not a decimal number"),
        ("payments", "amount", "inf", "not a decimal number"),
        ("payments", "amount", "1e30", "not a decimal number"),
        ("fx_rates", "rate", "0", "a rate must be above zero"),
        ("fx_rates", "rate", "-1", "a rate must be above zero"),
        ("payments", "kind", "gift", "not one of: payment, refund, chargeback, fee"),
        ("manual_matches", "verdict", "maybe", "not one of: accept, reject"),
        ("payments", "currency", "Dirham", "not a three-letter currency code"),
        ("payments", "currency", "د.إ", "not a three-letter currency code"),
        ("payments", "paid_at", "2026-02-30", "impossible"),
        ("payments", "paid_at", "2026-13-01T00:00:00Z", "impossible"),
        ("payments", "paid_at", "20260-03-01", "impossible"),
        ("payments", "paid_at", "1900-01-00", "impossible"),
        ("payments", "paid_at", "infinity", "impossible"),
        ("payments", "paid_at", "2026-03-01 (BC)", "impossible"),
        ("payments", "paid_at", "1989-12-31T23:59:59Z", "impossible"),
        ("payments", "paid_at", "2101-01-02", "impossible"),
        ("payments", "paid_at", "yesterday", "not an ISO 8601 date"),
        ("payments", "paid_at", "01/03/2026", "not an ISO 8601 date"),
        ("meta_insights", "date", "2026-02-30", "impossible"),
        ("meta_insights", "date", "20260301", "not an ISO 8601 date such as 2026-03-31"),
        ("meta_insights", "date", "20260-03-01", "not an ISO 8601 date"),
        ("period_locks", "period", "2026-13", "impossible"),
        ("period_locks", "period", "Jun-26", "not a month such as 2026-03"),
        ("period_locks", "period", "June 2026", "not a month such as 2026-03"),
        ("orders", "campaign_id", "1.20214E+16", "a spreadsheet turned the ID into a rounded number"),
        ("orders", "ad_id", "1,20214E+16", "a spreadsheet turned the ID into a rounded number"),
        ("orders", "order_id", "None", "a required value is missing"),
        ("orders", "order_id", "#REF!", "an error of the spreadsheet"),
        ("orders", "lead_id", "#N/A", "an error of the spreadsheet"),
        ("orders", "lead_id", "#DIV/0!", "an error of the spreadsheet"),
        ("orders", "lead_id", "L\x001", "a character that no text has"),
        ("orders", "offer", "diplo\x07ma", "a character that no text has"),
        ("leads", "is_test", "perhaps", "neither true nor false"),
    ],
)
def test_a_cell_that_makes_its_row_bad(table: str, column: str, text: str | None, reason: str) -> None:
    row = read(table, column, text)
    assert row.faulty_column == column
    assert row.fault is not None
    assert reason in row.fault
    if text and text.strip() and len(text.strip()) > 3:
        assert text.strip() not in row.fault, "a reason never holds the value"


def test_the_first_thing_wrong_is_told() -> None:
    assert read("payments", "payment_id", None).faulty_column == "payment_id"


def test_columns_the_file_lacks_are_read_as_empty() -> None:
    contract = INPUT_TABLE["fx_rates"]
    row = pa.table({"row_number": [2], "date": ["2026-03-01"], "currency": ["EUR"]})
    with duckdb.connect() as connection:
        warehouse = DuckDB(connection)
        with warehouse.reading("arriving", row):
            found = warehouse.rows(
                f"select date, rate from ({typed_select(contract, ('date', 'currency'), 'arriving')})"
            )
    assert found == [(date(2026, 3, 1), None)]
