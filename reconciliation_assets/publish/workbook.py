"""The workbook for people who want to check the sums: the bridge as live formulas over its entries.

Reads only the published copy.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.model import minor_digits
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.wording import ENGLISH, Wording
from reconciliation_assets.publish.words import LINES, RECORDS_OF_LINE

# With more rows than this, entries are added up: a sheet with a million rows behind formulas does not open on a normal machine.
MOST_ROWS = 100_000
_MEASURED = ("platform_attributed", "claimed_not_captured", "captured_not_claimed", "valuation", "manual_adjustment")
_FIRST_LINE_ROW = 8
_NO_CAMPAIGN = "N"


class _Book:
    """The workbook being written: its formats and the campaign keys used in formulas.

    Meta's IDs have up to 18 digits. SUMIFS compares texts that look like numbers as numbers with 15 digits, so two campaigns
    could be taken for one. The key is therefore short and not a number.
    """

    def __init__(self, book: xlsxwriter.Workbook, published: Published, say: Wording) -> None:
        self._book = book
        self.say = say
        self.all_campaigns, self.all_months = say("All campaigns"), say("All months")
        self.currency = published.currency()
        names = published.campaign_names()
        self.names = names
        self._key_of = {
            campaign_id: _NO_CAMPAIGN if campaign_id is None else f"C{number}"
            for number, (campaign_id, _) in enumerate(names, start=1)
        }
        self.money = book.add_format(
            {"num_format": f"#,##0.{'0' * minor_digits(self.currency)};[Red]-#,##0.{'0' * minor_digits(self.currency)}"}
        )
        self.strong_money = book.add_format(
            {"num_format": f"#,##0.{'0' * minor_digits(self.currency)}", "bold": True, "top": 1}
        )
        self.count = book.add_format({"num_format": "#,##0"})
        self.month = book.add_format({"num_format": "yyyy-mm", "align": "left"})
        self.bold = book.add_format({"bold": True})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.choice = book.add_format({"bg_color": "#FFF2CC", "border": 1, "align": "left"})
        self.month_choice = book.add_format(
            {"bg_color": "#FFF2CC", "border": 1, "align": "left", "num_format": "yyyy-mm"}
        )
        self.soft = book.add_format({"font_color": "#5A6675"})
        self.good = book.add_format({"font_color": "#2A7D54", "bold": True})
        self.bad = book.add_format({"font_color": "#FFFFFF", "bg_color": "#B8433F", "bold": True})

    def sheet(self, name: str) -> Any:
        sheet = self._book.add_worksheet(name)
        if self.say.direction == "rtl":
            sheet.right_to_left()
        return sheet

    def key(self, campaign_id: str | None) -> str:
        return self._key_of[campaign_id]

    def table(self, name: str, headings: Sequence[tuple[str, int]], rows: Iterable[Sequence[Any]]) -> int:
        """Write a sheet of rows under headings with column widths; returns the number of its last row, counted from 1."""
        sheet = self.sheet(name)
        sheet.freeze_panes(1, 0)
        for column, (heading, width) in enumerate(headings):
            sheet.write_string(0, column, heading, self.heading)
            sheet.set_column(column, column, width)
        last = 1
        for last, row in enumerate(rows, start=2):
            for column, value in enumerate(row):
                self._write(sheet, last - 1, column, value)
        sheet.autofilter(0, 0, max(last - 1, 1), len(headings) - 1)
        return max(last, 2)

    def _write(self, sheet: Any, row: int, column: int, value: Any) -> None:
        """Write a cell; strings always as text: a campaign may be named '=1+1', and 120210000000000001 is an ID."""
        if value is None:
            return
        if isinstance(value, str):
            sheet.write_string(row, column, value)
        elif isinstance(value, Decimal):
            sheet.write_number(row, column, float(value), self.money)
        elif isinstance(value, int):
            sheet.write_number(row, column, value, self.count)
        else:
            sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), self.month)  # noqa: DTZ001


def write_workbook(published_path: Path, path: Path, as_of: datetime, say: Wording = ENGLISH) -> None:
    """Write the workbook of a published copy, atomically; the same bytes for the same copy and instant.

    Args:
        published_path: the published database.
        path: the workbook.
        as_of: the time the figures are as of, in the readers' time zone.
        say: language of its headings; sheet names, which formulas use, are the same in every language.
    """
    with (
        Published(published_path) as published,
        atomic_file(path) as unfinished,
        xlsxwriter.Workbook(str(unfinished)) as workbook,
    ):
        workbook.set_properties({"title": say("The bridge"), "created": as_of.replace(tzinfo=None)})
        workbook.set_calc_mode("auto")
        book = _Book(workbook, published, say)
        front, cash = book.sheet("Bridge"), book.sheet("Cash")
        lasts = _data_sheets(book, published)
        _bridge_sheet(book, front, published, as_of, lasts)
        _cash_sheet(book, cash, published, lasts)


def _data_sheets(book: _Book, published: Published) -> dict[str, int]:
    """Write the sheets that the formulas read; returns the last row of each sheet."""
    say = book.say
    months = sorted({line.month for line in published.bridge_by_month()})
    entries, records = published.entries(MOST_ROWS), published.records(MOST_ROWS)
    return {
        "Entries": book.table(
            "Entries",
            [
                (say("month"), 10),
                (say("key"), 7),
                (say("line"), 26),
                (book.currency, 15),
                (say("record"), 28),
                (say("order"), 22),
                (say("reason"), 60),
            ],
            ((e.month, book.key(e.campaign_id), e.line, e.amount, e.record, e.order_id, e.reason) for e in entries),
        ),
        "Measured": book.table(
            "Measured",
            [(say("month"), 10), (say("key"), 7), (say("line"), 26), (book.currency, 15), (say("records"), 10)],
            (
                (line.month, book.key(line.campaign_id), line.line, line.amount, line.records)
                for line in published.bridge_by_month()
            ),
        ),
        "Records": book.table(
            "Records",
            [
                (say("month"), 10),
                (say("key"), 7),
                (say("record"), 28),
                (say("stage"), 12),
                (say("stated"), 15),
                (say("collected"), 15),
            ],
            ((r.month, book.key(r.campaign_id), r.record, r.rung, r.stated, r.collected) for r in records),
        ),
        "Choices": book.table(
            "Choices",
            [(say("campaign"), 50), (say("key"), 7), (say("campaign ID"), 24), (say("month"), 12)],
            _choices(book, months),
        ),
    }


def _choices(book: _Book, months: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Choices of the two yellow cells: campaigns as key and name, months as their first day."""
    campaigns: list[tuple[str, str | None, str | None]] = [(book.all_campaigns, None, None)]
    campaigns += [(f"{book.key(each)} {name}", book.key(each), each) for each, name in book.names]
    offered = [book.all_months, *months]
    length = max(len(campaigns), len(offered))
    return [
        (
            *(campaigns[row] if row < len(campaigns) else (None, None, None)),
            offered[row] if row < len(offered) else None,
        )
        for row in range(length)
    ]


def _bridge_sheet(book: _Book, sheet: Any, published: Published, as_of: datetime, lasts: dict[str, int]) -> None:
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 2, 18)
    sheet.set_column(3, 3, 74)
    say = book.say
    sheet.write_string("A1", say("The bridge from Meta's number to the money"), book.title)
    sheet.write_string(
        "A2",
        say(
            "As of {instant}, in {currency}, policy {policy}. Choose campaign and month in the yellow cells; every amount is a formula over the "
            "other sheets.",
            instant=f"{as_of:%Y-%m-%d %H:%M %z}",
            currency=book.currency,
            policy=published.policy_version(),
        ),
        book.soft,
    )
    sheet.write_string("A4", say("Campaign"), book.bold)
    sheet.write_string("B4", book.all_campaigns, book.choice)
    sheet.write_string("A5", say("Cohort month"), book.bold)
    sheet.write_string("B5", book.all_months, book.month_choice)
    offers = lasts["Choices"]
    sheet.data_validation("B4", {"validate": "list", "source": f"=Choices!$A$2:$A${offers}"})
    sheet.data_validation("B5", {"validate": "list", "source": f"=Choices!$D$2:$D${offers}"})
    # No ad brought the records with no campaign, so "all campaigns" leaves them out, as the page does.
    sheet.write_formula(
        "C4",
        f'=IF($B$4="{book.all_campaigns}","<>{_NO_CAMPAIGN}",LEFT($B$4,FIND(" ",$B$4)-1))',
        book.soft,
        f"<>{_NO_CAMPAIGN}",
    )
    sheet.write_formula("C5", f'=IF($B$5="{book.all_months}",">0",$B$5)', book.soft, ">0")
    for column, heading in enumerate(
        (say("Line"), book.currency, say("Sheet"), say("Its records in the published database"))
    ):
        sheet.write_string(_FIRST_LINE_ROW - 2, column, heading, book.heading)
    totals = {line.line: line.amount for line in published.bridge()}
    row = _FIRST_LINE_ROW
    for line in list(LINES)[:-1]:
        source = "Measured" if line in _MEASURED else "Entries"
        sheet.write_string(row - 1, 0, say(LINES[line]))
        sheet.write_formula(row - 1, 1, _sum(source, "D", lasts, line), book.money, float(totals.get(line, 0)))
        sheet.write_string(row - 1, 2, f"{source}: {line}", book.soft)
        sheet.write_string(row - 1, 3, say(RECORDS_OF_LINE[line]), book.soft)
        row += 1
    sheet.write_string(row - 1, 0, say(LINES["collected"]), book.bold)
    collected = float(totals.get("collected", 0))
    sheet.write_formula(row - 1, 1, f"=SUM(B{_FIRST_LINE_ROW}:B{row - 1})", book.strong_money, collected)
    sheet.write_string(row - 1, 3, say(RECORDS_OF_LINE["collected"]), book.soft)
    _checks(book, sheet, row, lasts)


def _cash_sheet(book: _Book, sheet: Any, published: Published, lasts: dict[str, int]) -> None:
    """All cash by month, with sums as formulas and checks against the other sheets."""
    sheet.freeze_panes(1, 0)
    say = book.say
    headings = (
        (say("payment month"), 34),
        (say("from campaigns"), 18),
        (say("without a campaign"), 18),
        (say("without a record"), 18),
        (say("all cash"), 18),
        (say("collected by this month's cohort"), 18),
    )
    for column, (heading, width) in enumerate(headings):
        sheet.write_string(0, column, heading, book.heading)
        sheet.set_column(column, column, width)
    months = published.cash()
    if not months:
        sheet.write_string(1, 0, say("No cash has come in."), book.soft)
        return
    for row, each in enumerate(months, start=1):
        sheet.write_datetime(row, 0, datetime(each.month.year, each.month.month, 1), book.month)  # noqa: DTZ001
        for column, amount in enumerate((each.of_campaigns, each.without_campaign, each.of_no_record), start=1):
            sheet.write_number(row, column, float(amount), book.money)
        sheet.write_formula(row, 4, f"=SUM(B{row + 1}:D{row + 1})", book.money, float(each.total))
        sheet.write_number(row, 5, float(each.cohort), book.money)
    last = len(months) + 1
    total = sum(months[1:], start=months[0])
    sheet.write_string(last, 0, say("All"), book.bold)
    sums = (total.of_campaigns, total.without_campaign, total.of_no_record, total.total, total.cohort)
    for column, (letter, amount) in enumerate(zip("BCDEF", sums, strict=True), start=1):
        sheet.write_formula(last, column, f"=SUM({letter}2:{letter}{last})", book.strong_money, float(amount))
    records = lasts["Records"]

    def collected(criterion: str) -> str:
        return f'SUMIFS(Records!$F$2:$F${records},Records!$B$2:$B${records},"{criterion}")'

    _verdicts(
        book,
        sheet,
        last + 2,
        (
            (
                say("Cash from campaigns equals what their records collected"),
                f"B{last + 1}-{collected(f'<>{_NO_CAMPAIGN}')}",
            ),
            (
                say("Cash without a campaign equals what those records collected"),
                f"C{last + 1}-{collected(_NO_CAMPAIGN)}",
            ),
            (say("Cash by cohort equals cash from campaigns"), f"F{last + 1}-B{last + 1}"),
        ),
    )


def _checks(book: _Book, sheet: Any, total_row: int, lasts: dict[str, int]) -> None:
    """Checks that compare the sums here with the published figures and with the records' own money."""
    adjustments = _FIRST_LINE_ROW + list(LINES).index("manual_adjustment")
    checks = (
        (
            book.say("Lines sum to the published collected"),
            f"B{total_row}-{_sum('Measured', 'D', lasts, 'collected')[1:]}",
        ),
        (
            book.say("Lines sum to the records' own money and adjustments"),
            f"B{total_row}-{_sum('Records', 'F', lasts)[1:]}-B{adjustments}",
        ),
        (
            book.say("Entries sum to the records' collected less stated value"),
            f"SUM(B{_FIRST_LINE_ROW + 4}:B{_FIRST_LINE_ROW + 8})-{_sum('Records', 'F', lasts)[1:]}+{_sum('Records', 'E', lasts)[1:]}",
        ),
    )
    _verdicts(book, sheet, total_row + 1, checks)


def _verdicts(book: _Book, sheet: Any, first_row: int, checks: Sequence[tuple[str, str]]) -> None:
    """A heading and one line per difference that must be zero.

    Args:
        first_row: row of the heading, counted from 0.
        checks: name of each check, and the formula of its difference.
    """
    digits = minor_digits(book.currency)
    holds, does_not = book.say("passes"), book.say("fails")
    sheet.write_string(first_row, 0, book.say("Checks"), book.bold)
    for row, (name, difference) in enumerate(checks, start=first_row + 2):
        sheet.write_string(row - 1, 0, name)
        sheet.write_formula(row - 1, 1, f"=ROUND({difference},{digits})", book.money, 0)
        sheet.write_formula(row - 1, 2, f'=IF(B{row}=0,"{holds}","{does_not}")', book.good, holds)
        sheet.conditional_format(
            row - 1, 2, row - 1, 2, {"type": "cell", "criteria": "==", "value": f'"{does_not}"', "format": book.bad}
        )


def _sum(sheet: str, column: str, lasts: dict[str, int], line: str | None = None) -> str:
    """The formula that adds up a sheet's column over the chosen campaign and month."""
    last = lasts[sheet]

    def cells(letter: str) -> str:
        return f"{sheet}!${letter}$2:${letter}${last}"

    of_line = f',{cells("C")},"{line}"' if line else ""
    return f"=SUMIFS({cells(column)},{cells('A')},$C$5,{cells('B')},$C$4{of_line})"
