"""Formats of a file: the order of day and month, and the decimal mark.

Both are decided once per file and column from all its rows, never cell by cell: one date that can only be month-first proves the
order for all. If rows contradict each other, the file is set aside, because some would be read as another day or another
amount. What the rows do not show is taken from the file's other columns, then from the preset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal, TypeVar

from reconciliation_assets.sources.text_rows import FileSetAsideError
from reconciliation_assets.warehouse.duckdb import Connection

DayOrder = Literal["day_first", "month_first"]
DecimalPoint = Literal[".", ","]
_T = TypeVar("_T", bound=str)


@dataclass(frozen=True)
class Sample:
    """What the rows of one column prove: a row number for the `first` reading, the `second`, and one that fits either."""

    heading: str
    first: int | None
    second: int | None
    either: int | None


def teach(connection: Connection) -> None:
    """Register the macros that read cells."""
    connection.execute(resources.files(__package__).joinpath("reading.sql").read_text("utf-8"))


def day_orders(
    connection: Connection, columns: Mapping[str, str], assumed: DayOrder | None
) -> dict[str, DayOrder | None]:
    """The order of day and month, by column.

    Args:
        connection: an engine with the table `cells`: `row_number`, `too_wide` and, per column, `<name>_cell`.
        columns: the date columns, with the file's headings.
        assumed: the order if no row of the file shows it.

    Raises:
        FileSetAsideError: the rows of a column contradict each other.
    """
    found = {
        name: sample_of(connection, name, heading, "proves_day_first", "proves_month_first", "can_be_two_days")
        for name, heading in columns.items()
    }
    for name, sample in found.items():
        if sample.first and sample.second:
            raise FileSetAsideError(
                f"the dates of its column {sample.heading} contradict each other: row {sample.first} can only be read with the "
                f"day first, row {sample.second} only with the month first. Correct the wrong one at the source and export it again"
            )
        not_half_converted(connection, name, sample.heading)
    shown: dict[str, DayOrder | None] = {
        name: "day_first" if sample.first else "month_first" if sample.second else None
        for name, sample in found.items()
    }
    others = _only({order for order in shown.values() if order})
    return {name: order or others or assumed for name, order in shown.items()}


def decimal_points(
    connection: Connection,
    columns: Mapping[str, str],
    assumed: DecimalPoint,
    *,
    may_be_thousandths: bool,
) -> dict[str, DecimalPoint]:
    """The decimal mark, by column.

    Args:
        connection: as for `day_orders`.
        columns: the amount columns, with the file's headings.
        assumed: the mark if no row of the file shows it.
        may_be_thousandths: whether amounts such as 1.234 may have three decimals: because the preset says so, because the file
            has numbers instead of text, or because the currency has three decimals.

    Raises:
        FileSetAsideError: the rows of a column contradict each other, or all are ambiguous.
    """
    found = {
        name: sample_of(connection, name, heading, "proves_point", "proves_comma", "is_thousand_or_thousandth")
        for name, heading in columns.items()
    }
    for sample in found.values():
        if sample.first and sample.second:
            raise FileSetAsideError(
                f"the amounts of its column {sample.heading} contradict each other: row {sample.first} has its decimals behind a "
                f"point, row {sample.second} behind a comma. Write them in one way and drop the file again"
            )
    shown: dict[str, DecimalPoint | None] = {
        name: "." if sample.first else "," if sample.second else None for name, sample in found.items()
    }
    others = _only({mark for mark in shown.values() if mark})
    for name, sample in found.items():
        if sample.either and shown[name] is None and others is None and not may_be_thousandths:
            raise FileSetAsideError(
                f"the amounts of its column {sample.heading} can be read in two ways: in row {sample.either} the point may stand before "
                "decimals or group thousands, and no other row shows which. Say decimal_point: '.' or ',' in a preset"
            )
    return {name: mark or others or assumed for name, mark in shown.items()}


def sample_of(connection: Connection, name: str, heading: str, first: str, second: str, either: str) -> Sample:
    """What the rows of a column prove; `first`, `second` and `either` are macros that test a cell."""
    row = connection.execute(
        f"""
        select min(row_number) filter ({first}(cell)), min(row_number) filter ({second}(cell)), min(row_number) filter ({either}(cell))
        from (
          select western({name}_cell) as cell, min(row_number) as row_number
          from cells where not too_wide and {name}_cell is not null group by 1
        )
        """
    ).fetchall()[0]
    return Sample(heading, *row)


def not_half_converted(connection: Connection, name: str, heading: str) -> None:
    """Detect dates that a spreadsheet of another locale has half converted: 05/03 to the third of May, 25/03 left as text.

    Then all converted dates have a day up to 12, and all dates left as text have not. The original dates are lost.

    Raises:
        FileSetAsideError: the column is half converted.
    """
    turned, left, row = connection.execute(
        f"""
        select
          count(*) filter (is_turned), count(*) filter (is_left),
          case when bool_and(is_turned or is_left) then min(row_number) filter (is_left) end
        from (
          select
            row_number,
            regexp_matches(cell, year_first()) and try_cast(regexp_extract(cell, year_first(), 3) as integer) <= 12 as is_turned,
            proves_day_first(cell) or proves_month_first(cell) as is_left
          from (
            select western({name}_cell) as cell, min(row_number) as row_number
            from cells where not too_wide and {name}_cell is not null group by 1
          )
          where is_stamp(cell)
        )
        """
    ).fetchall()[0]
    if turned and left > 1 and row:
        raise FileSetAsideError(
            f"a spreadsheet has read some dates of its column {heading} in the order of another country and left others, such as that "
            f"of row {row}, as text, so days and months of the former are exchanged; export it again and do not save it from "
            "the spreadsheet"
        )


def _only(values: set[_T]) -> _T | None:
    """The one value; None where there are none or several."""
    return next(iter(values)) if len(values) == 1 else None
