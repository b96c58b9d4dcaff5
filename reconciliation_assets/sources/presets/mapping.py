"""From a sheet to a contract table: SQL made from a preset, over the sheet's cells.

The result is the text that a file in the contract's own form would contain; it is typed afterwards like any other file. A row
with an unreadable cell is included, with `unread_column` (the file's heading) and `unread` (the reason).
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
from babel.numbers import get_territory_currencies

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.policy.model import THREE_DECIMAL_CURRENCIES
from reconciliation_assets.sources.presets.bound import BoundTexts
from reconciliation_assets.sources.presets.headings import folded
from reconciliation_assets.sources.presets.model import (
    KIND,
    MOVED,
    ROW,
    TAKEN_BACK,
    Cell,
    Column,
    Condition,
    Key,
    Parts,
    Preset,
    TablePart,
)
from reconciliation_assets.sources.presets.movement import moved_rows
from reconciliation_assets.sources.presets.recognition import Recognised, Unrecognised, recognise
from reconciliation_assets.sources.presets.sheet import NOT_TEXT, read_sheet
from reconciliation_assets.sources.presets.writing import (
    DayOrder,
    DecimalPoint,
    day_orders,
    decimal_points,
    teach,
)
from reconciliation_assets.sources.text_rows import (
    ROW_DIGEST,
    ROWS_PER_BATCH,
    FileSetAsideError,
    TextRows,
    private_engine,
)
from reconciliation_assets.warehouse.duckdb import Connection

_ROUNDED = "a spreadsheet turned it into a rounded number; format the column as text and export it again"
_SIGNS = {"positive": ">", "negative": "<", "not_zero": "<>"}
_NOT_TEXT = "the row holds bytes that are no text in the file's encoding; correct it where the file comes from and export it again"
# Riyals, rials and dinars: a heading may not say of which country.
_OF_MANY_COUNTRIES = ("SAR", "QAR", "OMR", "KWD", "BHD", "JOD")
_TOO_WIDE = "the row has more cells than the header; an amount with a comma in it may lack its quotation marks"


class JudgedSheets:
    """Sheets with every row classified; the last one is cached, because all parts of a file are read one after another.

    Attributes:
        notes: remarks for people on the last sheet, although it is accepted.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._kind: Recognised | None = None
        self._path: Path | None = None
        self._recognised: tuple[Path, str, Recognised] | None = None
        self.notes: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._forget()

    def kind_of(self, path: Path, preset: Preset) -> Recognised:
        """The recognised file; computed once for all its parts.

        Raises:
            FileSetAsideError: the preset does not fit the file.
        """
        if self._recognised is None or self._recognised[:2] != (path, preset.name):
            found = recognise(path, [preset])
            if isinstance(found, Unrecognised):
                raise FileSetAsideError(found.reason)
            self._recognised = path, preset.name, found
        return self._recognised[2]

    def judged(self, path: Path, kind: Recognised) -> Connection:
        """An engine with the table `judged`: all rows of a file except blank ones.

        Raises:
            FileSetAsideError: the file cannot be split into cells, or its rows contradict each other.
        """
        if self._connection is None or self._path != path or self._kind != kind:
            self._forget()
            sheet = read_sheet(path, kind.sheet)
            connection = private_engine()
            try:
                self.notes = _judge(connection, kind, sheet)
            except FileSetAsideError:
                connection.close()
                raise
            self._connection, self._path, self._kind = connection, path, kind
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._path = self._kind = None


def mapped_rows(path: Path, kind: Recognised, part: TablePart, sheets: JudgedSheets) -> TextRows:
    """The rows that a recognised file gives for one contract table.

    Args:
        path: the file.
        kind: the recognised file.
        part: one of its preset's tables.
        sheets: cache of classified sheets, shared by all parts.

    Raises:
        FileSetAsideError: the file cannot be split into cells, or its rows contradict each other.
    """
    columns = _contract_columns(kind, part)
    sheets.judged(path, kind)

    def read(rows: TextRows) -> Iterator[pa.Table]:
        connection = sheets.judged(path, kind)
        rows.notes.extend(sheets.notes)
        rows.passed_over.update(
            connection.execute(
                "select passed_over, count(*) from judged where passed_over is not null group by 1 order by 1"
            ).fetchall()
        )
        bound = BoundTexts()
        taken = _taken(bound, kind, part)
        for batch in connection.sql(taken, params=bound.of(taken)).to_arrow_reader(ROWS_PER_BATCH):
            yield pa.Table.from_batches([batch])

    return TextRows(
        columns, kind.unmapped, read, headings=_headings(kind, part), has_digest=bool(INPUT_TABLE[part.table].adds_up)
    )


def _contract_columns(kind: Recognised, part: TablePart) -> tuple[str, ...]:
    return tuple(
        column.name
        for column in INPUT_TABLE[part.table]
        if column.name in part.columns or column.name in kind.preset.defaults
    )


def _headings(kind: Recognised, part: TablePart) -> dict[str, str]:
    """The file's heading for each contract column: that of the first column it is filled from."""
    return {
        name: kind.headings[found]
        for name, cell in part.columns.items()
        # An amount column that only supplies the currency is not the missing column.
        if (
            found := next(
                (each for each in _sources(kind, cell) if each in kind.headings and each not in cell.currency_of), None
            )
        )
        is not None
    }


def _sources(kind: Recognised, cell: Cell) -> list[str]:
    """The file's columns that a cell is filled from; `moved` comes from the columns of the movement."""
    movement = kind.preset.movement.names if kind.preset.movement else ()
    return [each for name in cell.reads for each in (movement if name == MOVED else (name,))]


def _judge(connection: Connection, kind: Recognised, sheet: pa.Table) -> tuple[str, ...]:
    """Make the table `judged`; returns remarks on the file for people.

    Steps: the raw cells (`_cell`); their values (`_value`), once the format of each column is known; the direction of money; and
    the reason why a row is not data (`passed_over`).
    """
    bound = BoundTexts()

    def create(table: str, select: str) -> None:
        connection.execute(f"create table {table} as {select}", bound.of(select))

    teach(connection)
    connection.register("sheet", sheet)
    create("cells", _cells(bound, kind, sheet.num_columns - 1, _above(kind, sheet)))
    currency, notes = _currency_of_file(connection, kind, sheet.num_columns - 1)
    connection.unregister("sheet")
    style = _style(connection, kind, currency)
    create("valued", _valued(bound, kind, style))
    connection.execute("drop table cells")
    create("moved", _moved(bound, connection, kind))
    create("judged", _judged(bound, kind))
    for table in ("valued", "moved"):
        connection.execute(f"drop table {table}")
    if kind.preset.parts:
        connection.execute(_without_totals(kind, kind.preset.parts))
    return notes


@dataclass(frozen=True)
class _Style:
    """The date and decimal formats of this file by column, and the currency of rows that name none."""

    day_orders: Mapping[str, DayOrder | None]
    decimal_points: Mapping[str, DecimalPoint]
    currency: str | None


def _style(connection: Connection, kind: Recognised, currency: str | None) -> _Style:
    preset = kind.preset
    dates = _held(kind, "date", "instant")
    amounts = _held(kind, "amount")
    return _Style(
        day_orders(connection, dates, preset.day_order),
        decimal_points(
            connection,
            amounts,
            preset.decimal_point,
            may_be_thousandths=not kind.is_text
            or "decimal_point" in preset.model_fields_set
            or bool(THREE_DECIMAL_CURRENCIES & _currencies(connection, kind, currency)),
        ),
        currency,
    )


def _held(kind: Recognised, *holds: str) -> dict[str, str]:
    """The file's columns of the given types, with the file's heading."""
    return {
        name: kind.headings[name]
        for name, column in kind.preset.columns.items()
        if column.holds in holds and name in kind.positions
    }


def _currencies(connection: Connection, kind: Recognised, above: str | None) -> set[str]:
    """The currencies that a file may use: from the rows above the header, headings, cells and the preset."""
    cells = [cell for part in kind.preset.tables for column, cell in part.columns.items() if "currency" in column]
    read = {
        **{name: f"currency_beside({name}_cell)" for cell in cells for name in cell.currency_of},
        **{name: f"upper({name}_cell)" for cell in cells for name in cell.take or ()},
    }
    said = {above or "", *kind.currencies.values(), kind.preset.defaults.get("currency", "")}
    for name in sorted(set(read) & set(kind.positions)):
        rows = connection.execute(f"select distinct {read[name]} from cells limit 1000").fetchall()
        said |= {code for (code,) in rows if code}
    return said - {""}


def _currency_of_file(connection: Connection, kind: Recognised, sheet_width: int) -> tuple[str | None, tuple[str, ...]]:
    """The currency of rows that name none, and remarks on it: the one named above the header, else the assumed one."""
    above, assumed = _currency_above(connection, kind, sheet_width), kind.preset.assumed_currency
    cells = [cell for part in kind.preset.tables for column, cell in part.columns.items() if "currency" in column]
    is_said = "currency" in kind.preset.defaults or any(cell.constant for cell in cells)
    if above or assumed is None or not cells or is_said:
        return above, ()
    if any(name in kind.positions for cell in cells for name in cell.take or ()) or _currencies(connection, kind, None):
        return None, ()
    if ("" in kind.currencies.values() and assumed not in _OF_MANY_COUNTRIES) or _names_another_country(
        connection, kind, sheet_width, assumed
    ):
        return None, ()
    return assumed, (
        f"it names no currency, so it is read in {assumed}, the reporting currency; another one is said in a preset (`reconcile inspect`)",
    )


def _names_another_country(connection: Connection, kind: Recognised, sheet_width: int, assumed: str) -> bool:
    """Whether an IBAN above the header belongs to a country with another currency."""
    width = ", ".join(f"c{position}" for position in range(sheet_width))
    found = connection.execute(
        f"""
        select distinct regexp_extract(line, '\\b([A-Z]{{2}})[0-9]{{2}}(?: ?[A-Z0-9]{{4}}){{3,7}}', 1)
        from (select upper(concat_ws(' ', {width})) as line from sheet where row_number < {kind.header_row})
        """
    ).fetchall()
    return any(country and get_territory_currencies(country) != [assumed] for (country,) in found)


def _currency_above(connection: Connection, kind: Recognised, sheet_width: int) -> str | None:
    """The currency named in the rows above the header, as in many statements; None if none or several."""
    width = ", ".join(f"c{position}" for position in range(sheet_width))
    found = connection.execute(
        f"""
        select distinct regexp_extract(line, '(?i)(?:currency|ccy|عملة|العملة)(?:\\s+code)?\\W{{0,5}}([a-z]{{3}})\\b', 1)
        from (select concat_ws(' ', {width}) as line from sheet where row_number < {kind.header_row})
        """
    ).fetchall()
    codes = {code.upper() for (code,) in found if code}
    return codes.pop() if len(codes) == 1 else None


def _above(kind: Recognised, sheet: pa.Table) -> dict[str, str]:
    """Values above the header by the preset's column: the cell after a heading, or the rest of its cell after a colon."""
    columns = {name: column for name, column in kind.preset.columns.items() if column.above}
    found: dict[str, str] = {}
    for row in sheet.slice(0, max(kind.header_row - 1, 0)).drop_columns(["row_number"]).to_pylist() if columns else []:
        cells = [cell.strip() for cell in row.values() if cell and cell.strip()]
        for cell, behind in zip_longest(cells, cells[1:], fillvalue=""):
            label, _, rest = cell.partition(":")
            for name, column in columns.items():
                if folded(label) in column.folded_headings and (value := rest.strip() or behind):
                    found.setdefault(name, value)
    return found


def _cells(bound: BoundTexts, kind: Recognised, sheet_width: int, above: Mapping[str, str]) -> str:
    """SQL for every row below the header that is not blank, cell by cell."""
    preset = kind.preset
    raw = ",\n      ".join(
        f"{bound(above.get(name)) if column.above else _raw(bound, kind, name)} as {name}_cell"
        for name, column in preset.columns.items()
    )
    whole = ", ".join(f"s.c{position}" for position in range(kind.width))
    filled = f"len(list_filter([{whole}], lambda cell: trim(cell) <> ''))"
    beyond = [f"nullif(trim(s.c{position}), '')" for position in range(kind.width, sheet_width)]
    too_wide = f"coalesce({', '.join(beyond)}) is not null" if beyond else "false"
    present = " or ".join(f"{name}_cell is not null" for name, column in preset.columns.items() if not column.above)
    return f"""
    select * from (
      select row_number, {too_wide} as too_wide, contains(concat_ws(' ', {whole}), {bound(NOT_TEXT)}) as not_text, concat_ws(' ', {whole}) as {ROW}_cell, {filled} as cells_filled, {raw}
      from sheet s
      where row_number > {kind.header_row}
    )
    where {present}
    """


def _valued(bound: BoundTexts, kind: Recognised, style: _Style) -> str:
    """SQL for the values of all cells, and the first unreadable cell of each row."""
    # An unreadable side value is passed on unchanged; the check against the contract reports it.
    read = ",\n      ".join(
        f"coalesce({_worded(bound, kind, style, name)}, {name}_cell) as {name}_value"
        if _is_beside(kind, name)
        else f"{_worded(bound, kind, style, name)} as {name}_value"
        for name in kind.preset.columns
    )
    faults = [("null", "not_text", _NOT_TEXT), ("null", "too_wide", _TOO_WIDE), *_faults(bound, kind, style)]
    return f"""
    with read as (
      select *, {bound(style.currency)} as currency_above, {read}
      from cells
    )
    select *,
      case {" ".join(f"when {condition} then {column}" for column, condition, _ in faults)} end as unread_column,
      case {" ".join(f"when {condition} then {bound(reason)}" for _, condition, reason in faults)} end as unread
    from read
    """


def _moved(bound: BoundTexts, connection: Connection, kind: Recognised) -> str:
    """SQL for the rows with the direction of money and their kind, if the preset defines these."""
    movement = kind.preset.movement
    moved = (
        moved_rows(bound, connection, kind, movement, _no_data(bound, kind.preset))
        if movement
        else "select * from valued"
    )
    cases = " ".join(f"when {_all(bound, where)} then {bound(name)}" for name, where in kind.preset.kinds.items())
    if not cases:
        return moved
    return f"select *, {KIND}_cell as {KIND}_value from (select *, case {cases} end as {KIND}_cell from ({moved}))"


def _no_data(bound: BoundTexts, preset: Preset) -> str:
    """SQL condition for rows that are not data, such as totals, as far as that does not depend on the direction of money."""
    reasons = [
        _all(bound, passed.where)
        for passed in preset.passed_over
        if not any(name in (MOVED, TAKEN_BACK, KIND) for condition in passed.where for name in condition.columns)
    ]
    return f"({' or '.join(reasons)})" if reasons else "false"


def _judged(bound: BoundTexts, kind: Recognised) -> str:
    """SQL for the rows with the reason why they are not data (`passed_over`)."""
    preset = kind.preset
    reasons = "\n        ".join(
        f"when {_all(bound, passed.where)} then {bound(passed.because)}" for passed in preset.passed_over
    )
    thing = _values(preset.one_row_per)
    further = (
        f"when {' and '.join(f'{name}_value is not null' for name in preset.one_row_per)} "
        f"and row_number() over (partition by {thing} order by row_number) > 1 "
        f"then {bound('further rows of the same ' + ', '.join(kind.headings[name] for name in preset.one_row_per))}"
        if thing
        else ""
    )
    taken = " or ".join(f"({_takes(bound, part)})" for part in preset.tables)
    return f"""
    select *,
      case
        {reasons}
        {further}
        when unread is null and not coalesce({taken}, false) then {bound(preset.otherwise)}
      end as passed_over
    from moved
    """


def _without_totals(kind: Recognised, parts: Parts) -> str:
    """SQL that marks total rows among parts: amounts equal to the sum of all other parts, and fewer filled cells."""
    thing = ", ".join(f"coalesce({name}_value, '')" for name in parts.by)
    number = {
        name: f"coalesce(try_cast({name}_value as decimal(18, 6)), 0)" for name in parts.of if name in kind.positions
    }
    comes_to_all = " and ".join(f"2 * {each} = sum({each}) over (partition by {thing})" for each in number.values())
    return f"""
    create or replace table judged as
    with counted as (
      select row_number, {comes_to_all or "false"} and cells_filled < max(cells_filled) over (partition by {thing}) as is_total
      from (
        select *, row_number() over (partition by {ROW}_cell order by row_number) as copy_number
        from judged where passed_over is null and unread is null
      )
      where copy_number = 1
    )
    select j.* replace (case when t.is_total then 'totals rows' else j.passed_over end as passed_over)
    from judged j
    left join counted t on t.row_number = j.row_number
    """


def _taken(bound: BoundTexts, kind: Recognised, part: TablePart) -> str:
    """SQL for the contract's columns of the rows of this part.

    An unreadable cell rejects the row only for the parts that need it, and is reported with the first of them: an unreadable
    courier charge does not reject the courier's cash.
    """
    cells = ",\n      ".join(
        f"{_defaulted(bound, kind, name, part.columns.get(name))} as {name}" for name in _contract_columns(kind, part)
    )
    digest = f", md5({ROW}_cell) as {ROW_DIGEST}" if INPUT_TABLE[part.table].adds_up else ""
    needed, before = _needed(kind, part), set[str]()
    for earlier in kind.preset.tables[: kind.preset.tables.index(part)]:
        before |= _needed(kind, earlier)
    is_bad = f"coalesce(unread_column in ({_texts(bound, needed - before)}), false)"
    if kind.preset.tables[0] is part:
        by_others = set[str]().union(*(_needed(kind, other) for other in kind.preset.tables)) - needed
        is_bad = f"unread is not null and coalesce(unread_column not in ({_texts(bound, by_others)}), true)"
    is_good = (
        f"(unread is null or unread_column not in ({_texts(bound, needed)})) and coalesce({_takes(bound, part)}, false)"
    )
    return f"""
    select row_number, case when {is_bad} then unread_column end as unread_column, case when {is_bad} then unread end as unread,
      {cells}{digest}
    from judged
    where passed_over is null and ({is_bad} or {is_good})
    order by row_number
    """


def _needed(kind: Recognised, part: TablePart) -> set[str]:
    """Headings that a part needs: of all columns it reads, except side values such as fees."""
    sides = {column.name for column in INPUT_TABLE[part.table] if column.is_side}
    # An amount column that only supplies the currency is not needed.
    read = {
        name
        for column, cell in part.columns.items()
        if column not in sides
        for name in cell.reads
        if name not in cell.currency_of
    }
    read |= {name for condition in (*part.where, *part.unless) for name in condition.columns}
    if KIND in read:
        read |= {name for where in kind.preset.kinds.values() for condition in where for name in condition.columns}
    if kind.preset.movement and read & {MOVED, TAKEN_BACK}:
        read |= set(kind.preset.movement.names)
    return {kind.headings[name] for name in read if name in kind.headings}


def _texts(bound: BoundTexts, texts: Collection[str]) -> str:
    return ", ".join(map(bound, sorted(texts))) or "null"


def _raw(bound: BoundTexts, kind: Recognised, name: str) -> str:
    if name not in kind.positions:
        return "cast(null as varchar)"
    cell = f"filled(s.c{kind.positions[name]})"
    strip = kind.preset.columns[name].strip
    return f"filled(regexp_replace({cell}, {bound(f'^(?:{strip})')}, ''))" if strip else cell


def _worded(bound: BoundTexts, kind: Recognised, style: _Style, name: str) -> str:
    return _with_words(bound, _read(bound, kind, style, name), kind.preset.columns[name].words)


def _is_beside(kind: Recognised, name: str) -> bool:
    """Whether a column gives only side values such as fees; an unreadable one does not reject the row."""
    heading = kind.headings.get(name)
    return heading is not None and not any(heading in _needed(kind, part) for part in kind.preset.tables)


def _with_words(bound: BoundTexts, text: str, words: Mapping[str, str]) -> str:
    """SQL for the text with words replaced by their meaning; words that are not listed stay unchanged."""
    if not words:
        return text
    cases = " ".join(f"when word({bound(word)}) then {bound(meaning)}" for word, meaning in words.items())
    return f"case word({text}) {cases} else {text} end"


def _read(bound: BoundTexts, kind: Recognised, style: _Style, name: str) -> str:
    column, cell = kind.preset.columns[name], f"{name}_cell"
    order = bound(style.day_orders.get(name, kind.preset.day_order))
    match column.holds:
        case "code":
            return f"code({cell})"
        case "id":
            return f"western({cell})"
        case "amount":
            return f"amount({cell}, {bound(style.decimal_points.get(name, '.'))})"
        case "date":
            return f"day_text({cell}, {order})"
        case "instant":
            instant = f"instant_text({cell}, {order})"
            return f"instant_in({instant}, {bound(column.zone)})" if column.zone else instant
        case _:
            return cell


def _faults(bound: BoundTexts, kind: Recognised, style: _Style) -> list[tuple[str, str, str]]:
    """Heading, SQL condition and reason for every way in which a cell can be unreadable, by column."""
    named = [
        (bound(kind.headings[name]), condition, reason)
        for name, column in kind.preset.columns.items()
        if name in kind.positions and not _is_beside(kind, name)
        for condition, reason in _unreadable(style, name, column)
    ]
    differing = [
        (
            bound(kind.headings[refused.differ[1]]),
            f"{_all(bound, refused.where)} and {' is distinct from '.join(f'{name}_value' for name in refused.differ)}",
            refused.because,
        )
        for refused in kind.preset.refused
        if all(name in kind.positions for name in refused.differ)
    ]
    return [*named, *differing]


def _unreadable(style: _Style, name: str, column: Column) -> list[tuple[str, str]]:
    cell = f"{name}_cell"
    lost = f"{cell} is not null and {name}_value is null"
    match column.holds:
        case "id" | "code" | "phone":
            return [(f"is_rounded({cell})", _ROUNDED)]
        case "amount":
            written = "1,234.50" if style.decimal_points.get(name, ".") == "." else "1.234,50"
            return [
                (f"is_rounded({cell})", _ROUNDED),
                (f"{lost} and regexp_matches({cell}, '[%٪]')", "a percentage where an amount is expected"),
                (lost, f"not an amount written like {written}"),
            ]
        case "date" | "instant":
            order = style.day_orders.get(name)
            ambiguous = f"{lost} and can_be_two_days(western({cell}))" if order is None else "false"
            return [
                (
                    ambiguous,
                    "the date can be read with the day or the month first, and no row shows which; say day_order in a preset",
                ),
                (lost, "not a date"),
                (
                    f"{name}_value is not null and try_cast(left({name}_value, 10) as date) is null",
                    "an impossible date" + (f", read with the {order.replace('_', ' ')}" if order else ""),
                ),
            ]
        case _:
            return []


def _defaulted(bound: BoundTexts, kind: Recognised, name: str, cell: Cell | None) -> str:
    default = kind.preset.defaults.get(name)
    if cell is None:
        return bound(default)
    filled = _filled(bound, kind, cell)
    return f"coalesce({filled}, {bound(default)})" if default is not None else filled


def _filled(bound: BoundTexts, kind: Recognised, cell: Cell) -> str:
    text = _source(bound, kind, cell)
    if cell.extract:
        group = min(re.compile(cell.extract).groups, 1)
        found = f"{text}, {bound(cell.extract)}, {group}"
        parts = f"array_to_string(regexp_extract_all({found}), ' ')" if cell.every else f"regexp_extract({found})"
        text = f"nullif({parts}, '')"
    text = _with_words(bound, text, cell.words)
    for name in cell.currency_of:
        text = f"coalesce({text}, {bound(kind.currencies.get(name) or None)}, currency_beside({name}_cell))"
    if cell.currency_of:
        text = f"coalesce({text}, currency_above)"
    if cell.where:
        text = f"case when {_all(bound, cell.where)} then {text} end"
    if cell.absolute:
        text = f"ltrim({text}, '-')"
    if cell.negated:
        text = f"case when starts_with({text}, '-') then substr({text}, 2) else '-' || {text} end"
    return f"coalesce({text}, {bound(cell.default)})" if cell.default is not None else text


def _source(bound: BoundTexts, kind: Recognised, cell: Cell) -> str:
    if cell.take:
        found = f"coalesce({_values(cell.take)})"
    elif cell.join:
        found = f"nullif(concat_ws(' ', {_values(cell.join)}), '')"
    elif cell.key:
        found = _key(bound, kind, cell.key)
    elif cell.latest:
        found = f"greatest({_values(cell.latest)})"
    elif cell.largest:
        found = f"largest_of({cell.largest}_cell)"
    elif cell.difference:
        first, second = (f"abs(try_cast({name}_value as decimal(18, 6)))" for name in cell.difference)
        found = f"cast({first} - {second} as varchar)"
    elif cell.first_of:
        found = f"coalesce({', '.join(_filled(bound, kind, each) for each in cell.first_of)})"
    elif cell.all_of:
        found = f"nullif(concat_ws(' ', {', '.join(_filled(bound, kind, each) for each in cell.all_of)}), '')"
    elif cell.cases:
        found = f"case {' '.join(f'when {_holds(bound, case)} then {bound(case.then)}' for case in cell.cases)} end"
    else:
        found = bound(cell.constant)
    return found


def _key(bound: BoundTexts, kind: Recognised, key: Key) -> str:
    """SQL for the ID of a row; the same in every export."""
    of = [_one_form(kind, name) for name in key.of]
    if any(
        name in kind.positions or (name in kind.preset.columns and kind.preset.columns[name].above)
        for name in key.within
    ):
        of.append(f"coalesce({', '.join(_one_form(kind, name) for name in key.within)}, '')")
    number = f"row_number() over (partition by {', '.join(of)} order by row_number)"
    same = f" || case when {number} > 1 then '-' || {number} else '' end" if key.numbered else ""
    if key.hashed:
        told = " || '|' || ".join(f"coalesce({part}, '')" for part in of)
        return f"{bound(key.prefix)} || left(sha256({told}), 24){same}"
    parts = [of[0], *(f"case when {part} <> '' then ':' || {part} else '' end" for part in of[1:])]
    return f"{bound(key.prefix)} || {' || '.join(parts)}{same}"


def _one_form(kind: Recognised, name: str) -> str:
    """SQL for a value in a form that does not depend on the export: amounts with six decimals, instants as days."""
    column = kind.preset.columns.get(name)
    match column.holds if column else "text":
        case "amount":
            return f"cast(try_cast({name}_value as decimal(18, 6)) as varchar)"
        case "instant":
            return f"left({name}_value, 10)"
        case _:
            return f"{name}_value"


def _takes(bound: BoundTexts, part: TablePart) -> str:
    return " and ".join(
        [f"({_all(bound, part.where)})", *(f"not {_holds(bound, condition)}" for condition in part.unless)]
    )


def _all(bound: BoundTexts, conditions: Sequence[Condition]) -> str:
    return " and ".join(_holds(bound, condition) for condition in conditions) or "true"


def _holds(bound: BoundTexts, condition: Condition) -> str:
    return f"({' or '.join(_holds_of(bound, condition, name) for name in condition.columns)})"


def _holds_of(bound: BoundTexts, condition: Condition, name: str) -> str:
    if condition.one_of is not None:
        words = ", ".join(f"word({bound(word)})" for word in condition.one_of)
        return f"coalesce(word({name}_cell) in ({words}), false)"
    if condition.matches is not None:
        return f"coalesce(regexp_matches({name}_cell, {bound(f'(?i){condition.matches}')}), false)"
    if condition.state in _SIGNS:
        return f"coalesce(try_cast({name}_value as decimal(18, 6)) {_SIGNS[condition.state]} 0, false)"
    return f"{name}_cell is {'not ' if condition.state == 'present' else ''}null"


def _values(names: Sequence[str]) -> str:
    return ", ".join(f"{name}_value" for name in names)
