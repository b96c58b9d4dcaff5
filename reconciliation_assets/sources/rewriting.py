"""Files with the contract's columns in another format: dates with the day or month first, decimal commas.

The format is inferred from a whole column. If all rows that reveal a format agree on another one, the values are converted
to the contract's format. If an amount could be read in two ways, the file is set aside. Single bad values are left to be
reported by row.
"""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from reconciliation_assets.contracts.model import InputTable, Kind
from reconciliation_assets.sources.presets.writing import DayOrder, not_half_converted, sample_of, teach
from reconciliation_assets.sources.text_rows import FileSetAsideError, TextRows, private_engine

_DATES = (Kind.DATE, Kind.TIMESTAMP)
_AMOUNTS = (Kind.AMOUNT, Kind.SIGNED_AMOUNT, Kind.COUNT, Kind.RATE)
_FIGURES = r"[+-]?[\d.,٫٬٠-٩۰-۹ ]+"


def rewritten(sample: TextRows, text: TextRows, table: InputTable) -> TextRows:
    """The rows with dates and amounts converted to the contract's format, where their columns show another one.

    Args:
        sample: the file's rows, read once to infer the formats.
        text: the same rows, to be converted.
        table: the contract.

    Raises:
        FileSetAsideError: amounts of a column contradict each other, so that some could be read as a thousand times too small;
            or a spreadsheet has swapped days and months.
    """
    dates = [column.name for column in table if column.kind in _DATES and column.name in text.columns]
    amounts = [column.name for column in table if column.kind in _AMOUNTS and column.name in text.columns]
    with private_engine() as connection:
        teach(connection)
        cells = ", ".join(f"filled({name}) as {name}_cell" for name in (*dates, *amounts))
        rows = pa.concat_tables([batch.select(["row_number", *dates, *amounts]) for batch in sample.batches()])
        connection.register("arriving", rows)
        connection.execute(f"create table cells as select row_number, false as too_wide, {cells} from arriving")
        connection.unregister("arriving")
        orders: dict[str, DayOrder] = {}
        for name in dates:
            found = sample_of(connection, name, name, "proves_day_first", "proves_month_first", "can_be_two_days")
            not_half_converted(connection, name, name)
            if bool(found.first) != bool(found.second):
                orders[name] = "day_first" if found.first else "month_first"
        # If one column proves an order of day and month, it applies to the other columns, which the same program wrote.
        if len(set(orders.values())) == 1:
            orders = dict.fromkeys(dates, next(iter(orders.values())))
        commas = []
        for name in amounts:
            found = sample_of(connection, name, name, "proves_point", "proves_comma", "is_thousand_or_thousandth")
            if found.second and found.first and found.either:
                raise FileSetAsideError(
                    f"the amounts of its column {name} contradict each other: row {found.first} has its decimals behind a point, row "
                    f"{found.second} behind a comma, and that of row {found.either} may be either. Write them in one way and drop the file again"
                )
            if found.second and not found.first:
                commas.append(name)
    if not orders and not commas:
        return text
    return replace(text, read=lambda rows: _read(text, rows, table, orders, commas))


def _read(
    text: TextRows, rows: TextRows, table: InputTable, orders: dict[str, DayOrder], commas: list[str]
) -> Iterator[pa.Table]:
    kinds = {column.name: column.kind for column in table}
    columns = [
        *(
            f"case when regexp_matches(western(filled({name})), numbers_only()) "
            f"then coalesce({'day_text' if kinds[name] is Kind.DATE else 'instant_text'}(filled({name}), '{order}'), {name}) "
            f"else {name} end as {name}"
            for name, order in orders.items()
        ),
        *(
            f"case when regexp_full_match({name}, '{_FIGURES}') then coalesce(amount(filled({name}), ','), {name}) else {name} end as {name}"
            for name in commas
        ),
    ]
    with private_engine() as connection:
        teach(connection)
        for batch in text.read(rows):
            connection.register("batch", batch)
            yield connection.sql(f"select * replace ({', '.join(columns)}) from batch").to_arrow_table()
            connection.unregister("batch")
