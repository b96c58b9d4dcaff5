"""Typing: SQL that converts text to the types of the contract and finds bad rows.

Pure functions from the contract to SQL expressions. A reason says what is wrong with a column, never its value.
"""

from babel.numbers import list_currencies

from reconciliation_assets.contracts.model import CONTACT_KEYS, SQL_TYPE, InputColumn, InputTable, Kind
from reconciliation_assets.sources.text_rows import ROW_DIGEST

# Years outside these are typing errors (1900-01-00, 20260), not dates of this business.
FIRST_YEAR, LAST_YEAR = 1990, 2100

_IDS = (Kind.ID, Kind.PERSON)
_BLANKS = " \t\r\n\u00a0\ufeff"
_HAS_OFFSET = r":\d{2}(\.\d+)?\s*([Zz]|[+-]\d{2}(:?\d{2})?)$"
# Written by databases and data frames for a missing ID; read as an ID, it would join all records without one.
_NO_ID = ("null", "none", "nan", "n/a", "nil", "-")
# Data frames write integers as decimals in a column with gaps; unchanged, order 1001.0 would not match order 1001.
_ID_AS_A_FRACTION = r"^(\d+)\.0$"
_SPREADSHEET_ERROR = r"^#([A-Z/0]+[!?]|N/A)$"
_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F]"
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
    keys = [name for column in table.contacts for name, _ in CONTACT_KEYS[column.kind]]
    text = ",\n      ".join(f"{_text(column, present)} as {column.name}" for column in plain)
    values = ",\n      ".join(f"{_readable(column)} as {column.name}" for column in plain)
    problems = [
        (column.name, condition, reason)
        for column in plain
        if column.name in present and not column.is_side
        for condition, reason in _problems(column)
    ]
    sides = ", ".join(_unread_side(column) for column in plain if column.name in present and column.is_side)
    carried = [*keys, *(UNREAD if is_mapped else ()), *((ROW_DIGEST,) if has_digest else ())]
    passed_on = [*keys, *((ROW_DIGEST,) if has_digest else ())]
    faulty, fault = _first(problems, 0), _first(problems, 2)
    return f"""
    with text as (
      select row_number, {"".join(f"{name}, " for name in carried)}
      {text}
      from {source}
    ),
    typed as (
      select row_number, {"".join(f"{name}, " for name in passed_on)}
      {values},
      list_filter(cast([{sides}] as {_SIDES}), lambda side: side is not null) as unread_sides,
      {f"case when unread is null then {faulty} else unread_column end" if is_mapped else faulty} as faulty_column,
      {f"coalesce(unread, {fault})" if is_mapped else fault} as fault
      from text
    )
    select row_number, faulty_column, fault, unread_sides,
      {", ".join([*(name for name, _ in table.stored), *((ROW_DIGEST,) if has_digest else ())])}
    from typed
    """


def is_currency(column: str) -> str:
    """SQL condition: the column holds a currency code of ISO 4217, including historical ones."""
    return f"{column} in ({_CURRENCIES})"


def _text(column: InputColumn, present: tuple[str, ...]) -> str:
    if column.name not in present:
        return "cast(null as varchar)"
    trimmed = f"nullif(trim({column.name}, '{_BLANKS}'), '')"
    if column.allowed:
        return f"lower({trimmed})"
    if column.kind in _IDS:
        whole = f"case when {trimmed} like '%.0' then regexp_replace({trimmed}, '{_ID_AS_A_FRACTION}', '\\1') else {trimmed} end"
        return f"case when lower({trimmed}) not in {_NO_ID} then {whole} end"
    return f"upper({trimmed})" if column.kind is Kind.CURRENCY else trimmed


def _value(column: InputColumn) -> str:
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
        case Kind.ID | Kind.PERSON | Kind.TEXT | Kind.NOTE | Kind.PAGE | Kind.CURRENCY:
            return name
        case _:
            return f"try_cast({name} as {SQL_TYPE[column.kind]})"


def _readable(column: InputColumn) -> str:
    """SQL for the value; null for an optional value that cannot be read."""
    if not column.is_side:
        return _value(column)
    return f"case when {_any_problem(column)} then null else {_value(column)} end"


def _any_problem(column: InputColumn) -> str:
    return " or ".join(f"coalesce({condition}, false)" for condition, _ in _problems(column)) or "false"


def _unread_side(column: InputColumn) -> str:
    """SQL for the column and the first fault of an optional value, or null."""
    cases = " ".join(f"when {condition} then '{reason}'" for condition, reason in _problems(column))
    return f"case when {_any_problem(column)} then {{'column_name': '{column.name}', 'reason': case {cases} end}} end"


def _problems(column: InputColumn) -> list[tuple[str, str]]:
    """SQL conditions on the text that make a row bad, with their reasons, in order of precedence."""
    name, value = column.name, f"({_value(column)})"
    found: list[tuple[str, str]] = []
    if column.required:
        found.append((f"{name} is null", "a required value is missing"))
    if column.kind in (*_IDS, Kind.TEXT, Kind.NOTE, Kind.PAGE):
        found.append(
            (f"regexp_matches({name}, '{_CONTROL}')", "a character that no text has; the file is damaged there")
        )
    match column.kind:
        case Kind.ID | Kind.PERSON:
            found.append(
                (
                    f"regexp_matches({name}, '{_DAMAGED_ID}')",
                    "a spreadsheet turned the ID into a rounded number; export the column as text",
                )
            )
            found.append(
                (
                    f"regexp_matches({name}, '{_SPREADSHEET_ERROR}')",
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


def _first(problems: list[tuple[str, str, str]], part: int) -> str:
    cases = " ".join(f"when {problem[1]} then '{problem[part]}'" for problem in problems)
    return f"case {cases} end"
