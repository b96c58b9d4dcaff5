"""Typing: SQL that converts text to the types of the contract and finds bad rows.

Pure functions from the contract to SQL expressions. A reason says what is wrong with a column, never its value.
"""

from collections.abc import Iterable

from babel.numbers import list_currencies

from reconciliation_assets.contracts.model import CONTACT_KEYS, SQL_TYPE, InputColumn, InputTable, Kind
from reconciliation_assets.sources.text_rows import ROW_DIGEST

# Years outside these are typing errors (1900-01-00, 20260), not dates of this business.
FIRST_YEAR, LAST_YEAR = 1990, 2100

_IDS = (Kind.ID, Kind.PERSON)
_TEXTS = (*_IDS, Kind.TEXT, Kind.NOTE, Kind.PAGE, Kind.CURRENCY)
_BLANKS = " \t\r\n\u00a0\ufeff"
_HAS_OFFSET = r":\d{2}(\.\d+)?\s*([Zz]|[+-]\d{2}(:?\d{2})?)$"
# Written by databases and data frames for a missing ID; read as an ID, it would join all records without one.
_NO_ID = ("null", "none", "nan", "n/a", "nil", "-")
# Data frames write integers as decimals in a column with gaps; unchanged, order 1001.0 would not match order 1001.
_ID_AS_A_FRACTION = r"^(\d+)\.0$"
_SPREADSHEET_ERROR = r"^#([A-Z/0]+[!?]|N/A)$"
_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F]"
# Cells to clean or check: empty, with outer whitespace or with control characters. IDs have further patterns.
_ODD = r"^$|^[ \t\r\n\x{a0}\x{feff}]|[ \t\r\n\x{a0}\x{feff}]$|[\x00-\x1F]"
_ODD_ID = rf"{_ODD}|\.0$|^#|[eE]\+|(?i)^(null|none|nan|n/a|nil|-)$"
_DAMAGED_ID = r"^\d([.,]\d+)?[eE]\+\d{1,3}$"
_ISO_DATE = r"^\d{4}-\d{1,2}-\d{1,2}"
_ISO_MONTH = r"^\d{4}-\d{1,2}(-\d{1,2}|$)"
_SIDES = "struct(column_name varchar, reason varchar)[]"


_CURRENCIES = ", ".join(f"'{code}'" for code in sorted(list_currencies()))
NOT_A_DATE = "not an ISO 8601 date, or an impossible one"
NOT_AN_ISO_DATE = "not an ISO 8601 date such as 2026-03-31"
NOT_A_DECIMAL = "not a decimal number such as 1234.50"

# Extra columns of rows mapped by a preset: the file's own column that could not be read, and why.
UNREAD = ("unread_column", "unread")


def typed_select(
    table: InputTable, present: tuple[str, ...], source: str, *, is_mapped: bool = False, has_digest: bool = False
) -> str:
    """A SELECT that converts text rows to the table's stored columns.

    It also returns `row_number`; `faulty_column` and `fault`, the first fault of a row (null if it has none); and
    `unread_sides`, the optional values that could not be read, with column and reason. It has the parameter `$zone`, the zone
    of timestamps without an offset.

    Args:
        table: the contract.
        present: the columns that the source has; the others are null.
        source: name of the relation with the text.
        is_mapped: whether the relation has the columns of `UNREAD`, which take precedence over any other fault.
        has_digest: whether the relation has `ROW_DIGEST`, which is passed on.
    """
    plain = [column for column in table if column.kind not in CONTACT_KEYS]
    here = [column for column in plain if column.name in present]
    values = [column for column in plain if column.kind not in _TEXTS]
    problems = [
        (column.name, condition, reason)
        for column in here
        if not column.is_side
        for condition, reason in _problems(column)
    ]
    sides = [column for column in here if column.is_side]
    keys = [name for column in table.contacts for name, _ in CONTACT_KEYS[column.kind]]
    digest = [ROW_DIGEST] if has_digest else []
    fault = f"{_list(reason for *_, reason in problems)}[problem]"
    faulty = f"{_list(name for name, *_ in problems)}[problem]"
    return f"""
    with seen as (
      select *, {", ".join(f"{_is_odd(column)} as odd_{column.name}" for column in here)}
      from {source}
    ),
    written as (
      select * replace ({", ".join(f"{_text(column)} as {column.name}" for column in here)})
      from seen
    ),
    read as (
      select *, {", ".join(f"{_value(column)} as value_{column.name}" for column in here if column in values)}
      from written
    ),
    judged as (
      select *, {_number_of_first(condition for _, condition, _ in problems)} as problem
        {"".join(f", {_number_of_first(condition for condition, _ in _problems(side))} as problem_{side.name}" for side in sides)}
      from read
    )
    select row_number,
      {f"case when unread is null then {faulty} else unread_column end" if is_mapped else faulty} as faulty_column,
      {f"coalesce(unread, {fault})" if is_mapped else fault} as fault,
      {_unread(sides)} as unread_sides,
      {", ".join(f"{_kept(column, present)} as {column.name}" for column in plain)}
      {"".join(f", {name}" for name in (*keys, *digest))}
    from judged
    """


def is_currency(column: str) -> str:
    """SQL condition: the column holds a currency code of ISO 4217, including historical ones."""
    return f"{column} in ({_CURRENCIES})"


def _is_odd(column: InputColumn) -> str:
    """SQL condition: the cell needs cleaning or a closer check. Most cells need neither, and both are slow."""
    return f"regexp_matches({column.name}, '{_ODD_ID if column.kind in _IDS else _ODD}')"


def _text(column: InputColumn) -> str:
    name = column.name
    trimmed = f"nullif(trim({name}, '{_BLANKS}'), '')"
    if column.kind in _IDS:
        whole = f"regexp_replace({trimmed}, '{_ID_AS_A_FRACTION}', '\\1')"
        trimmed = f"case when lower({trimmed}) not in {_NO_ID} then {whole} end"
    text = f"case when odd_{name} then {trimmed} else {name} end"
    if column.allowed:
        return f"lower({text})"
    return f"upper({text})" if column.kind is Kind.CURRENCY else text


def _value(column: InputColumn) -> str:
    """SQL for the value of a cell; null if its text cannot be converted."""
    name = column.name
    match column.kind:
        case Kind.TIMESTAMP:
            return (
                f"case when regexp_matches({name}, '{_HAS_OFFSET}') then try_cast({name} as timestamptz) "
                f"else timezone($zone, try_cast({name} as timestamp)) end"
            )
        case Kind.BOOLEAN:
            return (
                f"case when lower({name}) in ('true', 't', '1', 'yes', 'y') then true "
                f"when lower({name}) in ('false', 'f', '0', 'no', 'n') then false end"
            )
        case Kind.MONTH:
            day = f"case when {name} like '%-%-%' then {name} else {name} || '-01' end"
            return f"cast(date_trunc('month', try_cast({day} as date)) as date)"
        case _:
            return f"try_cast({name} as {SQL_TYPE[column.kind]})"


def _kept(column: InputColumn, present: tuple[str, ...]) -> str:
    """SQL for the value; null for an optional value that cannot be read."""
    if column.name not in present:
        return f"cast(null as {SQL_TYPE[column.kind]})"
    value = column.name if column.kind in _TEXTS else f"value_{column.name}"
    return f"case when problem_{column.name} is null then {value} end" if column.is_side else value


def _unread(sides: list[InputColumn]) -> str:
    """SQL for the list of optional values that could not be read, each with its first fault."""
    if not sides:
        return f"cast([] as {_SIDES})"
    each = ", ".join(
        f"case when problem_{side.name} is not null then {{'column_name': '{side.name}', "
        f"'reason': {_list(reason for _, reason in _problems(side))}[problem_{side.name}]}} end"
        for side in sides
    )
    first = ", ".join(f"problem_{side.name}" for side in sides)
    found = f"list_filter([{each}], lambda side: side is not null)"
    return f"cast(case when coalesce({first}) is null then [] else {found} end as {_SIDES})"


def _problems(column: InputColumn) -> list[tuple[str, str]]:
    """SQL conditions on a cell that make it bad, with their reasons, in order of precedence."""
    name, value, is_odd = column.name, f"value_{column.name}", f"odd_{column.name}"
    found: list[tuple[str, str]] = []
    if column.required:
        found.append((f"{name} is null", "a required value is missing"))
    if column.kind in _TEXTS and column.kind is not Kind.CURRENCY:
        found.append(
            (
                f"{is_odd} and regexp_matches({name}, '{_CONTROL}')",
                "a character that no text has; the file is damaged there",
            )
        )
    match column.kind:
        case Kind.ID | Kind.PERSON:
            found.append(
                (
                    f"{is_odd} and regexp_matches({name}, '{_DAMAGED_ID}')",
                    "a spreadsheet turned the ID into a rounded number; export the column as text",
                )
            )
            found.append(
                (
                    f"{is_odd} and regexp_matches({name}, '{_SPREADSHEET_ERROR}')",
                    "an error of the spreadsheet where an ID is expected; correct the formula and export it again",
                )
            )
        case Kind.CURRENCY:
            found.append((f"not {is_currency(name)}", "not a three-letter currency code of ISO 4217"))
        case Kind.TIMESTAMP | Kind.DATE | Kind.MONTH:
            if column.kind is Kind.MONTH:
                found.append((f"not regexp_matches({name}, '{_ISO_MONTH}')", "not a month such as 2026-03"))
            if column.kind is Kind.DATE:
                found.append((f"not regexp_matches({name}, '{_ISO_DATE}')", NOT_AN_ISO_DATE))
            found.append((f"{name} is not null and {value} is null", NOT_A_DATE))
            # Not with year(): it is null for infinity and positive for a year BC.
            bounds = f"{value} < '{FIRST_YEAR}-01-01' or {value} >= '{LAST_YEAR + 1}-01-01'"
            found.append((bounds, "an impossible date"))
        case Kind.BOOLEAN:
            found.append((f"{name} is not null and {value} is null", "neither true nor false"))
        case kind if SQL_TYPE[kind].startswith("DECIMAL"):
            found.append((f"{name} is not null and {value} is null", NOT_A_DECIMAL))
            if kind is Kind.RATE:
                found.append((f"{value} <= 0", "a rate must be above zero"))
            elif kind is not Kind.SIGNED_AMOUNT:
                right = (
                    f" and {column.negative_where[0]} is distinct from '{column.negative_where[1]}'"
                    if column.negative_where
                    else ""
                )
                found.append((f"{value} < 0{right}", "a negative number"))
    if column.allowed:
        words = ", ".join(f"'{word}'" for word in column.allowed)
        found.append((f"{name} not in ({words})", f"not one of: {', '.join(column.allowed)}"))
    return found


def _number_of_first(conditions: Iterable[str]) -> str:
    """SQL for the number of the first condition that is true, from 1; null if none is."""
    cases = " ".join(f"when {condition} then {number}" for number, condition in enumerate(conditions, 1))
    return f"case {cases} end" if cases else "cast(null as integer)"


def _list(words: Iterable[str]) -> str:
    """SQL for a list of strings."""
    return "cast([" + ", ".join(f"'{word}'" for word in words) + "] as varchar[])"
