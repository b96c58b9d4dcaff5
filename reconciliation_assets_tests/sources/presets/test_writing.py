"""A column is judged whole: the order of day and month, the mark before the decimals; the contract's own files too."""

import io
from datetime import date

import pytest
import xlsxwriter

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.sources.presets.conftest import Drop, Dropped

STATEMENT = "Date,Description,Debit,Credit,Currency\n"


def reason(dropped: Dropped, table: str = "payments") -> str:
    """Why the one file of a table was set aside."""
    (told,) = {landed.set_aside_reason for landed in dropped.built.landed[table]}
    assert told is not None
    return told


def days(dropped: Dropped) -> list[str]:
    return [str(day)[:10] for (day,) in dropped.rows("payments", "cast(paid_at at time zone 'Asia/Dubai' as date)")]


def test_one_date_that_can_only_be_month_first_proves_the_order_for_all(drop: Drop) -> None:
    dropped = drop({"statement.csv": STATEMENT + "12/01/2025,IN,,1,AED\n01/02/2026,IN,,2,AED\n12/31/2025,IN,,3,AED\n"})
    assert sorted(days(dropped)) == ["2025-12-01", "2025-12-31", "2026-01-02"]


def test_dates_that_contradict_each_other_set_the_file_aside_with_both_rows(drop: Drop) -> None:
    dropped = drop({"statement.csv": STATEMENT + "12/01/2025,IN,,1,AED\n25/12/2025,IN,,2,AED\n12/31/2025,IN,,3,AED\n"})
    assert "row 3 can only be read with the day first, row 4 only with the month first" in reason(dropped)


def test_what_one_column_does_not_show_another_of_the_file_does(drop: Drop) -> None:
    rows = "fx1,100,03/04/2026,01/02/2026,AED\nfx2,100,04/30/2026,01/02/2026,AED\n"
    dropped = drop({"cod.csv": "AWB,COD,Remittance Date,Delivery Date,Currency\n" + rows})
    assert sorted(days(dropped)) == ["2026-03-04", "2026-04-30"]


def test_dates_that_a_spreadsheet_of_another_country_half_converted_set_the_file_aside(drop: Drop) -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet, as_date = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["Date", "Description", "Debit", "Credit", "Currency"])
        # It read 05/03 and 06/03 as the third of May and June, and left the others as text.
        for row, day in enumerate([date(2026, 5, 3), date(2026, 6, 3), "25/03/2026", "26/03/2026"], start=1):
            sheet.write_row(row, 1, ["IN", None, row, "AED"])
            sheet.write(row, 0, day, as_date) if isinstance(day, date) else sheet.write(row, 0, day)
    assert "days and months of the former are exchanged" in reason(drop({"statement.xlsx": content.getvalue()}))


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (("1.234", "1.234,50"), ["1234.000000", "1234.500000"]),
        (("1,234", "1,234.50"), ["1234.000000", "1234.500000"]),
        (("1.234", "12.5"), ["1.234000", "12.500000"]),
        (("1,234", "12,5"), ["1.234000", "12.500000"]),
        (("0,500", "1,250"), ["0.500000", "1.250000"]),
        (("1.234.567", "1.234"), ["1234.000000", "1234567.000000"]),
    ],
)
def test_the_mark_before_the_decimals_is_decided_from_all_rows(
    drop: Drop, cells: tuple[str, ...], amounts: list[str]
) -> None:
    rows = "".join(f"2{place}/03/2026;IN;;{cell};AED\n" for place, cell in enumerate(cells, start=5))
    dropped = drop({"statement.csv": STATEMENT.replace(",", ";") + rows})
    assert [amount for (amount,) in dropped.rows("payments", "amount")] == amounts


def test_amounts_that_contradict_each_other_set_the_file_aside(drop: Drop) -> None:
    dropped = drop(
        {"statement.csv": STATEMENT.replace(",", ";") + "25/03/2026;IN;;1.234,5;AED\n26/03/2026;IN;;1,234.5;AED\n"}
    )
    assert "row 3 has its decimals behind a point, row 2 behind a comma" in reason(dropped)


def test_thousands_or_thousandths_are_not_guessed_unless_the_currency_has_thousandths(drop: Drop) -> None:
    rows = "25/03/2026,IN,,1.234,{0}\n26/03/2026,IN,,5.250,{0}\n"
    assert "can be read in two ways: in row 2" in reason(drop({"statement.csv": STATEMENT + rows.format("AED")}))
    kuwait = drop({"statement.csv": STATEMENT + rows.format("KWD")})
    assert [amount for (amount,) in kuwait.rows("payments", "amount")] == ["1.234000", "5.250000"]


ORDERS = "order_id,created_at,status,gross_value,currency\n"


def test_a_contract_file_with_the_day_first_is_read_where_a_row_proves_it(build: Build) -> None:
    rows = "SO1,05/03/2026 12:00,delivered,100,AED\nSO2,25/03/2026 12:00,delivered,100,AED\n"
    built = build({}, files={"orders-1.csv": (ORDERS + rows).encode()})
    told = built.warehouse.rows("select order_id, cast(created_at as varchar) from current.orders order by 1")
    assert told == [("SO1", "2026-03-05 08:00:00+00"), ("SO2", "2026-03-25 08:00:00+00")]


def test_a_contract_file_whose_dates_prove_nothing_is_not_guessed(build: Build) -> None:
    built = build({}, files={"orders-1.csv": (ORDERS + "SO1,05/03/2026,delivered,100,AED\n").encode()})
    assert built.warehouse.rows("select count(*) from current.orders") == [(0,)]


def test_a_contract_file_with_decimals_behind_a_comma_is_read_so_throughout(build: Build) -> None:
    rows = "SO1;2026-03-05;delivered;1.234;AED\nSO2;2026-03-06;delivered;1.234,50;AED\n"
    built = build({}, files={"orders-1.csv": (ORDERS.replace(",", ";") + rows).encode()})
    assert [float(row["gross_amount"]) for row in built.rows("orders")] == [1234.0, 1234.5]


def test_a_contract_file_that_mixes_both_marks_is_set_aside_where_one_could_be_misread(build: Build) -> None:
    rows = "SO1;2026-03-05;delivered;1.234;AED\nSO2;2026-03-06;delivered;1.234,50;AED\nSO3;2026-03-06;delivered;12.50;AED\n"
    built = build({}, files={"orders-1.csv": (ORDERS.replace(",", ";") + rows).encode()})
    (landed,) = built.landed["orders"]
    assert landed.set_aside_reason is not None
    assert "row 4 has its decimals behind a point, row 3 behind a comma" in landed.set_aside_reason


def test_one_bad_amount_of_a_contract_file_costs_its_row_alone(build: Build) -> None:
    rows = 'SO1,2026-03-05,delivered,1234.50,AED\nSO2,2026-03-06,delivered,"12,5",AED\n'
    built = build({}, files={"orders-1.csv": (ORDERS + rows).encode()})
    assert [row["order_id"] for row in built.rows("orders")] == ["SO1"]
