"""A row that cannot be used goes to quarantine with its place and the reason; the other rows go on."""

from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import lead, order, payment

GOOD = {"orders": [order(f"SO{number}") for number in range(40)]}
HEADER = "payment_id,kind,status,paid_at,amount,currency,payer_name,email\n"
ROW = "{},payment,settled,2026-03-10,100,AED,Amal,amal@example.com\n"


def landed(build: Build, content: bytes) -> Built:
    """The chain over good orders and one file of payments as it is."""
    return build(GOOD, files={"payments.csv": content})


def quarantined(built: Built) -> list[tuple[str, int | None, str | None, str]]:
    return [
        (row["file"], row["row_number"], row["column_name"], row["reason"]) for row in built.rows("quarantined_rows")
    ]


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ({"amount": ""}, "amount", "a required value is missing"),
        ({"amount": "-100"}, "amount", "a negative number"),
        ({"amount": "12.34.56"}, "amount", "not a decimal number"),
        ({"kind": "gift"}, "kind", "not one of: payment, refund, chargeback, fee"),
        ({"currency": "dirham"}, "currency", "not a three-letter currency code"),
        ({"paid_at": "2026-02-30"}, "paid_at", "impossible"),
        ({"paid_at": "20260-01-01T00:00:00Z"}, "paid_at", "impossible"),
        ({"order_id": "1.20214E+16"}, "order_id", "a spreadsheet turned the ID into a rounded number"),
    ],
)
def test_each_kind_of_bad_row(build: Build, cells: dict[str, Any], column: str, reason: str) -> None:
    good = [payment(f"P{number}", order_id=f"SO{number}") for number in range(30)]
    built = build({**GOOD, "payments": [*good[:7], {**payment("BAD"), **cells}, *good[7:]]})
    ((file, row_number, at_fault, why),) = quarantined(built)
    assert (file, row_number, at_fault) == ("payments.csv", 9, column), "as a spreadsheet numbers it"
    assert reason in why
    assert {row["payment_id"] for row in built.rows("payments")} == {row["payment_id"] for row in good}
    totals = built.one("source_totals", source_table="payments", measure="rows")
    assert (totals["source_total"], totals["accepted"], totals["quarantined"], totals["difference"]) == (31, 30, 1, 0)


def test_a_ragged_row_and_an_unclosed_quote_keep_their_places(build: Build) -> None:
    rows = [ROW.format(f"P{number}") for number in range(60)]
    rows[10] = "P10,payment,settled\n"
    rows[20] = "P20,payment,settled,2026-03-10,100,AED,Amal,amal@example.com,extra\n"
    rows[30] = "P30,payment,settled,2026-03-10,-1,AED,Amal,amal@example.com\n"
    built = landed(build, (HEADER + "".join(rows)).encode())
    found = {row_number: (column, reason) for _, row_number, column, reason in quarantined(built)}
    assert found == {
        12: (None, "the row has fewer cells than the header"),
        22: (None, "the row has more cells than the header"),
        32: ("amount", "a negative number"),
    }
    assert len(built.rows("payments")) == 57


def test_an_unclosed_quote_is_told_and_no_row_is_dropped_in_silence(build: Build) -> None:
    rows = [ROW.format(f"P{number}") for number in range(60)]
    rows[10] = 'P10,payment,settled,2026-03-10,100,AED,"Amal,amal@example.com\n'
    built = landed(build, (HEADER + "".join(rows)).encode())
    totals = built.one("source_totals", source_table="payments", measure="rows")
    assert quarantined(built)
    assert totals["difference"] == 0
    assert totals["accepted"] + totals["quarantined"] == totals["source_total"]
    assert totals["accepted"] >= 10


def test_a_row_that_is_not_utf_8(build: Build) -> None:
    rows = [ROW.format(f"P{number}").encode() for number in range(60)]
    rows[10] = "P10,payment,settled,2026-03-10,100,AED,محمد,amal@example.com\n".encode("cp1256")
    built = landed(build, HEADER.encode() + b"".join(rows))
    ((_, row_number, _, reason),) = quarantined(built)
    assert (row_number, reason) == (12, "the row is not UTF-8 text; save the file as UTF-8")
    assert len(built.rows("payments")) == 59


def test_reasons_never_hold_a_personal_value(build: Build) -> None:
    rows = [
        {**payment("P1"), "amount": "Amal Haddad", "payer_name": "Amal Haddad", "email": "amal@example.com"},
        {**payment("P2"), "paid_at": "amal@example.com"},
        {**payment("P3"), "currency": "0501234567"},
        {**payment("P4"), "kind": "محمد"},
    ]
    reasons = " ".join(reason for *_, reason in quarantined(build({**GOOD, "payments": rows})))
    for value in ("Amal", "amal@example.com", "0501234567", "محمد"):
        assert value not in reasons


def test_the_same_row_again_is_no_version_and_a_newer_one_is(build: Build) -> None:
    rows = [
        order("SO1", status="placed", updated_at="2026-03-05"),
        order("SO1", status="placed", updated_at="2026-03-05"),
        order("SO1", status="delivered", updated_at="2026-03-09"),
        order("SO1", status="shipped", updated_at="2026-03-07"),
    ]
    built = build({"orders": rows})
    assert built.one("orders")["status"] == "delivered"
    totals = built.one("source_totals", source_table="orders", measure="rows")
    assert (totals["source_total"], totals["accepted"], totals["superseded"], totals["difference"]) == (4, 1, 3, 0)


def test_of_versions_at_one_instant_the_later_file_and_row_holds(build: Build) -> None:
    late = "order_id,created_at,updated_at,status,gross_value,currency\nSO1,2026-03-05,2026-03-05,delivered,100,AED\n"
    early = late.replace("delivered", "placed")
    files = {"orders-2.csv": late.encode(), "orders-1.csv": early.encode()}
    assert build({}, files=files).one("orders")["status"] == "delivered"
    both = early + late.splitlines()[1] + "\n"
    assert build({}, files={"orders.csv": both.encode()}).one("orders")["status"] == "delivered"


@pytest.mark.parametrize(("bad", "severity"), [(1, "WARN"), (2, "WARN"), (3, "ERROR")])
def test_quarantine_warns_and_past_the_policys_share_it_stops(build: Build, bad: int, severity: str) -> None:
    rows = [lead(f"L{number}") for number in range(40 - bad)] + [lead("", "2026-03-01") for _ in range(bad)]
    built = build({"leads": rows})
    answer = built.ask("raw_crm_leads", "few_rows_in_quarantine")
    assert (answer.passed, answer.severity) == (False, severity), f"{bad} of 40 against 5 %"
    assert f"{bad} of 40 rows of leads could not be used" in answer.message
    assert "leads.csv, row" in answer.message
    assert "drop the file again" in answer.message
    assert [name for name in built.blocked_by() if "few_rows_in_quarantine" in name] == (
        [f"raw_crm_leads.few_rows_in_quarantine: {answer.message}"] if severity == "ERROR" else []
    )


def test_a_company_sets_its_own_share(build: Build) -> None:
    rows = [lead(f"L{number}") for number in range(39)] + [lead("", "2026-03-01")]
    built = build({"leads": rows}, {"thresholds": {"quarantine_share": 0}})
    assert built.ask("raw_crm_leads", "few_rows_in_quarantine").severity == "ERROR"


def test_an_order_that_does_not_say_when_it_changed_was_last_changed_when_it_was_placed(build: Build) -> None:
    header = b"order_id,created_at,status,gross_value,currency\n"
    built = build({}, files={"orders.csv": header + b"SO1,2026-03-01T12:00:00+04:00,delivered,100,AED\n"})
    placed = built.one("orders")
    assert placed["updated_at"] == placed["created_at"]


def test_a_date_in_the_future_is_told_since_it_would_hide_that_the_source_fell_silent(build: Build) -> None:
    built = build(
        {"orders": [order("SO1", "2026-06-30"), order("SO2", "2027-06-30")], "payments": [payment("P1", "2026-06-30")]}
    )
    answer = built.ask("raw_orders", "newest_row_is_recent")
    assert (answer.passed, answer.severity) == (False, "WARN")
    assert "1 row of orders dated after this run's as-of time (2026-07-01)" in answer.message
    assert built.ask("raw_payments", "newest_row_is_recent").passed
