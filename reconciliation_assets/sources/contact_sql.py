"""SQL that replaces contacts by keyed hashes, so that it runs on all cores while a file is read.

Regular expressions recognise the most common cells: plain IDs, e-mail addresses and Gulf mobile numbers. All other cells are passed to the Python
functions of `protect`. Tests verify that both give the same keys.
"""

import hashlib
from collections.abc import Mapping, Sequence

from reconciliation_assets.contracts.model import CONTACT_KEYS, InputTable, Kind
from reconciliation_assets.sources.contacts import GULF_CODE, GULF_MOBILE, PHONE_NOISE, TRUNK_ZERO

SEPARATOR = "\x1f"
"""Separates the parts of a function's argument."""

KEYS_OF_NAME = f"STRUCT({', '.join(f'{name} {kind}' for name, kind in CONTACT_KEYS[Kind.NAME])})"
"""The result type of `keys_of_name`."""

_BLOCK = 64
_INNER, _OUTER = 0x36, 0x5C

_PLAIN_ID = " *([A-Za-z1-9_.#-][A-Za-z0-9_.#-]*)? *"
# Digits after at most four letters contain no encoded contact: base64 decodes digits to non-Latin letters only, and a letter after F
# is not hexadecimal.
_PLAIN_CODE = "[0-9]{1,15}|[A-Za-z]{1,4}-[0-9]{1,15}|[A-Za-z]{0,3}[G-Zg-z][0-9]{1,15}|[A-Za-z]{1,4}[0-9]{1,5}"
_MAYBE_DIALLED = "(^|-)(0?5[0-9]{8}$|(00)?(97[1348]|96[568]))"
_PLAIN_EMAIL = " *[A-Za-z0-9_.+%-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+ *"
_PLAIN_PHONE = "[+]?[0-9]+"


def padded_secrets(secret: bytes) -> Mapping[str, bytes]:
    """The secret padded for the inner and outer hash of HMAC (RFC 2104), as parameters of `protected_select`."""
    block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return {"inner": bytes(byte ^ _INNER for byte in block), "outer": bytes(byte ^ _OUTER for byte in block)}


def protected_select(table: InputTable, present: Sequence[str], source: str) -> str:
    """A SELECT of rows as they are stored: contact columns as keys, and no contact in any other column.

    It has the parameters of `padded_secrets` and calls the functions that `protect` registers.

    Args:
        table: the table, with its contact columns.
        present: the columns of the source; those that the table does not have are passed on.
        source: name of the relation with the text.
    """
    kinds = {column.name: column.kind for column in table}
    kept = [
        f"{_kept(name, kinds[name])} as {name}" if name in kinds else name
        for name in present
        if kinds.get(name) not in CONTACT_KEYS
    ]
    keys = []
    made = []
    for column in table.contacts:
        stored = CONTACT_KEYS[column.kind]
        if column.name not in present:
            keys += [f"cast(null as {kind}) as {name}" for name, kind in stored]
        elif column.kind is Kind.EMAIL:
            is_plain = f"regexp_full_match({column.name}, '{_PLAIN_EMAIL}')"
            made.append(f"case when {is_plain} then lower(trim({column.name})) end as address")
            keys.append(f"coalesce({_keyed('address')}, other_email({column.name})) as {stored[0][0]}")
        elif column.kind is Kind.PHONE:
            market, currency = (name if name in present else "''" for name in ("market", "currency"))
            made.append(f"region(concat({market}, '{SEPARATOR}', {currency})) as region")
            made.append(f"{_cleaned(column.name)} as number")
            other = f"other_phone(concat({column.name}, '{SEPARATOR}', region))"
            keys.append(
                f"coalesce({_keyed(_e164())}, case when {column.name} is not null then {other} end) as {stored[0][0]}"
            )
        else:
            made.append(f"keys_of_name({column.name}) as name")
            keys += [f"name.{name} as {name}" for name, _ in stored]
    return f"""
    select {", ".join([*kept, *keys])}
    from (select {", ".join(["*", *made])} from {source})
    """


def _kept(name: str, kind: Kind) -> str:
    """SQL for a cell of any other column, without the contacts in it."""
    match kind:
        case Kind.ID:
            return f"case when regexp_full_match({name}, '{_PLAIN_ID}') then {name} else other_id({name}) end"
        case Kind.PERSON | Kind.NOTE:
            other = "other_person" if kind is Kind.PERSON else "other_note"
            is_plain = f"regexp_full_match({name}, '{_PLAIN_CODE}') and not regexp_matches({name}, '{_MAYBE_DIALLED}')"
            return f"case when {is_plain} then {name} else {other}({name}) end"
        case Kind.TEXT:
            return f"label({name})"
        case Kind.PAGE:
            return f"page({name})"
        case _:
            return name


def _keyed(text: str) -> str:
    return f"sha256($outer || unhex(sha256($inner || encode({text}))))"


def _cleaned(column: str) -> str:
    """SQL for a phone number with ASCII digits and without spaces, brackets and similar characters."""
    digits = [(chr(sign), digit) for sign, digit in PHONE_NOISE.items() if digit]
    noise = "".join(chr(sign) for sign, digit in PHONE_NOISE.items() if not digit).replace("'", "''")
    signs, figures = "".join(sign for sign, _ in digits), "".join(figure for _, figure in digits)
    cleaned = f"regexp_replace(translate({column}, '{signs}{noise}', '{figures}'), '^(p:)?(tel:)?', '')"
    return f"case when regexp_full_match({column}, '{_PLAIN_PHONE}') then {column} else {cleaned} end"


def _e164() -> str:
    """SQL for the E.164 form of a Gulf mobile number from the columns `number` and `region`; null for other numbers."""
    cases = []
    for region, code in GULF_CODE.items():
        mobile, zero = GULF_MOBILE[code], TRUNK_ZERO[code]
        written = f"regexp_extract(number, '^(?:(?:[+]|00){code})?{zero}({mobile})$', 1)"
        cases.append(
            f"when regexp_full_match(number, '(?:[+]|00){code}{zero}{mobile}') or "
            f"(region = '{region}' and regexp_full_match(number, '{zero}{mobile}')) then '+{code}' || {written}"
        )
    return f"case {' '.join(cases)} end"
