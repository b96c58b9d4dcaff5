"""The figures of a locked month change only under a signature; the lock outlives its file; nothing is lost on the way."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciliation_assets.chain.check import CheckResult
from reconciliation_assets_tests.harness import AS_OF, Bench, Built, Row, drop
from reconciliation_assets_tests.rows import CAMPAIGN, adjustment, insight, lead, lock, order, payment, refund

MARCH = {
    "meta_insights": [insight()],
    "leads": [lead("L1", campaign_id=CAMPAIGN, stated_value="100", currency="AED"), lead("L2", "2026-04-01")],
    "orders": [order("SO1", lead_id="L1"), order("SO2", "2026-04-05", lead_id="L2")],
    "payments": [payment("P1", order_id="SO1"), payment("P2", "2026-04-06", order_id="SO2")],
}
LATE_REFUND = {"payments": [*MARCH["payments"], refund("R1", "2026-06-20", "40", order_id="SO1")]}


class Books:
    """One installation, closed and looked at again."""

    def __init__(self, home: Path, **policy: Any) -> None:
        self._bench = Bench(home, policy or None)
        drop(self._bench.inbox, MARCH)

    def run(self, day: int = 0, **tables: list[Row]) -> Built:
        self._bench.as_of = AS_OF + timedelta(days=day)
        drop(self._bench.inbox, tables)
        return self._bench.build()

    def take_away(self, name: str) -> None:
        (self._bench.inbox / name).unlink()

    def close(self) -> None:
        self._bench.close()


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path)
    yield made
    made.close()


def verdict(built: Built) -> CheckResult:
    return built.ask("locked_differences", "locked_months_hold")


def collected(built: Built) -> tuple[Decimal, Decimal]:
    row = built.one("locked_differences", line="collected")
    return row["locked_amount"], row["amount"]


def test_a_locked_month_stands_while_nothing_moves(books: Books) -> None:
    built = books.run(period_locks=[lock()])
    assert verdict(built).passed
    assert collected(built) == (100, 100)
    assert verdict(books.run(day=1)).passed


def test_a_late_refund_stops_the_run_until_somebody_signs(books: Books) -> None:
    books.run(period_locks=[lock()]).make_all()
    moved = verdict(books.run(**LATE_REFUND))
    assert (moved.passed, moved.severity) == (False, "ERROR")
    assert "2026-03 was locked by finance-director on 2026-06-01" in moved.message
    assert "collected by -40.00 AED" in moved.message
    assert "returned_refunded_failed -40.00" in moved.message

    signed = books.run(period_locks=[lock(), lock(day="2026-06-21", reason="late refund R1", locked_by="cfo")])
    assert verdict(signed).passed
    assert collected(signed) == (60, 60)


def test_other_months_go_on_moving(books: Books) -> None:
    books.run(period_locks=[lock()]).make_all()
    later = books.run(payments=[*MARCH["payments"], refund("R2", "2026-06-20", "10", order_id="SO2")])
    assert verdict(later).passed


def test_locked_less_moved_is_what_every_other_table_counts_to_the_last_fils(books: Books) -> None:
    books.run(period_locks=[lock()]).make_all()
    built = books.run(payments=[*MARCH["payments"], refund("R1", "2026-06-20", "33.33", order_id="SO1")])
    for row in built.rows("locked_differences"):
        assert row["difference"] == row["amount"] - row["locked_amount"]
    now = sum(row["amount"] for row in built.rows("bridge", line="collected"))
    assert now == sum(row["collected_value"] for row in built.rows("matched_chain"))
    (moved,) = [row["difference"] for row in built.rows("locked_differences", line="collected") if row["difference"]]
    assert moved == Decimal("-33.33")
    for column in ("locked_amount", "amount"):
        lines = built.rows("locked_differences")
        assert sum(row[column] for row in lines if row["line_order"] < 10) == sum(
            row[column] for row in lines if row["line_order"] == 10
        )


def test_taking_the_file_away_releases_nothing_a_signed_release_does(books: Books) -> None:
    books.run(period_locks=[lock()]).make_all()
    books.take_away("period_locks.csv")
    assert not verdict(books.run(**LATE_REFUND)).passed
    released = books.run(period_locks=[lock(day="2026-06-22", action="release", reason="reopened for the auditor")])
    assert verdict(released).passed
    assert released.rows("locked_differences") == []


def test_a_row_rewritten_under_its_own_time_changes_nothing(books: Books) -> None:
    books.run(period_locks=[lock()]).make_all()
    assert not verdict(books.run(period_locks=[lock(action="release")], **LATE_REFUND)).passed


def test_a_manual_adjustment_to_a_locked_month_needs_the_signature_too(books: Books) -> None:
    books.run(period_locks=[lock()]).make_all()
    moved = verdict(books.run(manual_adjustments=[adjustment("A1", "5", campaign_id=CAMPAIGN)]))
    assert "manual_adjustment +5.00" in moved.message


def test_a_signature_under_another_figure_locks_nothing_and_says_so(books: Books) -> None:
    refused = books.run(period_locks=[lock(signed_value="101")])
    assert (
        "2026-03 is not locked: finance-director signed for 101.00 collected, and it is 100.00"
        in verdict(refused).message
    )
    assert refused.rows("locked_bridge") == []
    assert verdict(books.run(period_locks=[lock(), lock(day="2026-06-02", signed_value="100")])).passed


def test_a_lock_dated_later_than_the_run_is_told_and_holds_nothing_yet(books: Books) -> None:
    early = verdict(books.run(period_locks=[lock(day="2026-07-05")]))
    assert (early.passed, early.severity) == (False, "WARN")
    assert "hold nothing yet" in early.message
    assert verdict(books.run(day=10)).passed


def test_where_the_policy_says_tell_the_run_goes_on_and_finance_has_an_exception(tmp_path: Path) -> None:
    books = Books(tmp_path, change_control={"on_locked_change": "tell"})
    books.run(period_locks=[lock()]).make_all()
    built = books.run(**LATE_REFUND)
    assert (verdict(built).severity, built.blocked_by()) == ("WARN", [])
    waiting = built.one("exceptions", kind="locked_month_moved")
    assert (waiting["source_id"], waiting["owner"], waiting["value"]) == ("2026-03", "finance", 40)
    assert collected(built) == (100, 60), "what was locked is published as it was"
    books.close()


def test_the_log_has_every_signature_with_what_it_moved(books: Books) -> None:
    books.run(period_locks=[lock(signed_value="100")]).make_all()
    books.run(
        period_locks=[lock(), lock(day="2026-06-21", reason="late refund R1", locked_by="cfo")], **LATE_REFUND
    ).make_all()
    by_time = sorted(books.run().rows("change_log", kind="period_lock"), key=lambda row: row["changed_at"])
    assert [(row["changed_by"], row["value_after"], row["amount"]) for row in by_time] == [
        ("finance-director", "100.00", None),
        ("cfo", "60.00", Decimal("-40.000")),
    ]


def test_a_second_run_changes_nothing(books: Books) -> None:
    tables = ("lock_register", "locked_bridge", "locked_differences", "change_log")
    first = books.run(period_locks=[lock()])
    once = {table: first.rows(table) for table in tables}
    again = books.run()
    assert {table: again.rows(table) for table in tables} == once
