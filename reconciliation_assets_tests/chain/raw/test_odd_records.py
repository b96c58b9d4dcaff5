"""What a source could not read of one record lands beside the others: in quarantine, with its amount; what is no data is counted."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from reconciliation_assets.chain.raw.landing import land_pull
from reconciliation_assets.contracts.inputs import PAYMENTS
from reconciliation_assets.sources.connector import Batch, Row
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.warehouse.duckdb import DuckDB
from reconciliation_assets_tests.harness import KEY, Bench, drop
from reconciliation_assets_tests.rows import order

UNTIL = datetime(2026, 7, 1, tzinfo=UTC)
GOOD: Row = {
    "payment_id": "P1",
    "kind": "payment",
    "status": "settled",
    "paid_at": "2026-06-30T10:00:00+00:00",
    "amount": "100.00",
    "currency": "AED",
}


def land(*batches: Batch) -> DuckDB:
    warehouse = DuckDB(duckdb.connect(":memory:"))
    land_pull(warehouse, "tap", batches, [PAYMENTS], UNTIL, ContactProtector(b"a key for tests"), lambda _: "UTC")
    return warehouse


def test_an_odd_record_lands_in_quarantine_with_its_field_and_its_amount() -> None:
    odd: Row = {
        "payment_id": "P2",
        "amount": "70.00",
        "currency": "AED",
        "unread_column": "charges.transaction.created",
        "unread": "has an unexpected type or format",
    }
    warehouse = land(Batch("payments", [odd, GOOD]))
    assert warehouse.rows("select payment_id from current.payments") == [("P1",)]
    assert warehouse.rows("select row_number, column_name, reason from raw.quarantine") == [
        (1, "charges.transaction.created", "has an unexpected type or format")
    ]
    ((total, quarantined),) = warehouse.rows("select total, quarantined from raw.landing_totals")
    assert (total, quarantined) == (170, 70)


def test_an_odd_record_that_comes_with_every_pull_is_told_once_and_no_more_once_it_can_be_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    drop(bench.inbox, {"orders": [order("SO1")]})
    bench.build().make_all()
    odd = {**GOOD, "payment_id": "P2", "amount": "70.00", "unread_column": "charges.status", "unread": "is missing"}

    def told_after(*days_and_rows: tuple[int, Row]) -> list[tuple[str, Decimal]]:
        for day, row in days_and_rows:
            until, batch = datetime(2026, 7, day, tzinfo=UTC), Batch("payments", [row])
            land_pull(bench.warehouse, "tap", [batch], [PAYMENTS], until, ContactProtector(KEY), lambda _: "UTC")
        found = bench.build().rows("exceptions", kind="money_in_quarantine")
        return [(row["source_id"], row["value"]) for row in found]

    assert told_after((1, odd), (2, odd), (3, odd)) == [("tap, P2", 70)]
    assert told_after((4, {**GOOD, "payment_id": "P2", "amount": "70.00"})) == []


def test_a_fault_of_the_row_itself_is_still_found() -> None:
    warehouse = land(Batch("payments", [GOOD | {"amount": "-5"}]))
    assert warehouse.rows("select column_name, reason from raw.quarantine") == [("amount", "a negative number")]


def test_what_was_passed_over_is_counted_by_its_reason() -> None:
    warehouse = land(
        Batch("payments", [GOOD], {"test mode": 3}), Batch("payments", [], {"test mode": 1, "payout: on its way": 2})
    )
    assert warehouse.rows("select rows, passed_over from raw.landings") == [(1, "test mode: 4; payout: on its way: 2")]
