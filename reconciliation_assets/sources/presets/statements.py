"""Bank statements in the formats that banks deliver to companies, MT940 and CAMT.053, as a sheet with the headings of the preset
`bank_statement`.

MT940 is read by the library mt-940. The available CAMT.053 libraries take the first amount of a transaction, which may be the
instructed amount in another currency. So the few elements needed are read here, with the amount in the account's currency.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import pyarrow as pa

from reconciliation_assets.sources.text_rows import FileSetAsideError

_HEADINGS = ("Booking Date", "Description", "Bank Reference", "Amount", "D/C", "Account Currency", "Account")
_MT940 = re.compile(rb"(?m)^:20:.*\r?\n(?:.*\r?\n)*?:25P?:")
_MARKS = {("CRDT", False): "C", ("DBIT", False): "D", ("CRDT", True): "RD", ("DBIT", True): "RC"}
# References that mean "no reference".
_NO_REFERENCE = ("NONREF", "NOTPROVIDED", "NOREF")

Row = tuple[str | None, ...]
Form = Literal["mt940", "camt"]


def statement_form(start: bytes) -> Form | None:
    """The format of a statement by its first bytes; None if it is neither."""
    if _MT940.search(start):
        return "mt940"
    return "camt" if b"urn:iso:std:iso:20022:tech:xsd:camt." in start else None


def statement_sheet(path: Path, form: Form) -> pa.Table:
    """A statement's entries as text columns `c0`, `c1` and so on, with the headings as the first row.

    Raises:
        FileSetAsideError: it is damaged, or an intraday report that a later statement repeats.
    """
    rows = [_HEADINGS, *(_mt940_rows(path) if form == "mt940" else _camt_rows(path))]
    return pa.table({f"c{n}": pa.array([row[n] for row in rows], pa.string()) for n in range(len(_HEADINGS))})


def _mt940_rows(path: Path) -> Iterator[Row]:
    import mt940  # noqa: PLC0415 - it takes a while to load, and few companies have such files

    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1256", errors="replace")
    # A file may hold the messages of several days and accounts; the library reads one at a time.
    for message in re.split(r"(?m)^(?=:20:)", text)[1:]:
        try:
            statement = mt940.parse(message)
            for entry in statement:
                yield _mt940_row(entry.data, str(statement.data.get("account_identification") or ""))
        except (ValueError, KeyError, AttributeError, RuntimeError, ArithmeticError):
            raise FileSetAsideError("it is damaged or not really an MT940 statement; export it again") from None


def _mt940_row(entry: dict[str, object], account: str) -> Row:
    number = getattr(entry["amount"], "amount", None)
    if number is None:
        raise ValueError("no amount")
    told = " ".join(str(entry[part]) for part in ("transaction_details", "extra_details") if entry.get(part))
    references = [str(entry[part]) for part in ("customer_reference", "bank_reference") if entry.get(part)]
    return (
        str(entry.get("entry_date") or entry["date"]),
        " ".join(told.split()) or "-" if told else str(entry.get("id") or "entry"),
        next((each for each in references if each.upper() not in _NO_REFERENCE), None),
        format(abs(Decimal(number)), "f"),
        str(entry["status"]),
        str(entry.get("currency") or "") or None,
        account or None,
    )


def _camt_rows(path: Path) -> Iterator[Row]:
    content = path.read_bytes()
    # No real statement declares entities; attacks do.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise FileSetAsideError("it declares entities, which no statement does; export it again")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - without entities there is nothing to expand
    except ElementTree.ParseError:
        raise FileSetAsideError("it is damaged or not really a CAMT statement; export it again") from None
    statements = root.findall(".//{*}BkToCstmrStmt/{*}Stmt")
    if not statements:
        raise FileSetAsideError(
            "it is a report of the day or a notice (camt.052 or camt.054), which the statement tells again; export camt.053"
        )
    for statement in statements:
        account = _text(statement, "{*}Acct/{*}Id/{*}IBAN") or _text(statement, "{*}Acct/{*}Id/{*}Othr/{*}Id")
        for entry in statement.findall("{*}Ntry"):
            status = _text(entry, "{*}Sts/{*}Cd") or _text(entry, "{*}Sts")
            if status == "BOOK":
                yield from _camt_entry(entry, account)


def _camt_entry(entry: ElementTree.Element, account: str | None) -> Iterator[Row]:
    """One row per entry; for a batch one row per transaction, if these add up to the entry."""
    amount = entry.find("{*}Amt")
    direction, is_reversal = _text(entry, "{*}CdtDbtInd"), _text(entry, "{*}RvslInd") == "true"
    day = (
        _text(entry, "{*}BookgDt/{*}Dt")
        or (_text(entry, "{*}BookgDt/{*}DtTm") or "")[:10]
        or _text(entry, "{*}ValDt/{*}Dt")
    )
    if amount is None or not amount.text or direction not in ("CRDT", "DBIT"):
        raise FileSetAsideError("an entry has no amount or direction; export it again")
    currency = amount.get("Ccy")
    details = entry.findall("{*}NtryDtls/{*}TxDtls")
    parts = [_own_amount(detail, currency) for detail in details]
    whole = Decimal(amount.text)
    told: list[tuple[Decimal | None, ElementTree.Element | None]]
    if len(details) > 1 and None not in parts and sum(part for part in parts if part is not None) == whole:
        told = list(zip(parts, details, strict=True))
    else:
        told = [(whole, details[0] if len(details) == 1 else None)]
    for number, detail in told:
        yield (
            day,
            _told_of(entry, detail) or "entry",
            _reference_of(entry, detail),
            format(number or Decimal(), "f"),
            _MARKS[direction, is_reversal],
            currency,
            account,
        )


def _own_amount(detail: ElementTree.Element, currency: str | None) -> Decimal | None:
    """A transaction's amount in the account's currency; None if it has none."""
    for place in ("{*}Amt", "{*}AmtDtls/{*}TxAmt/{*}Amt"):
        found = detail.find(place)
        if found is not None and found.text and found.get("Ccy") == currency:
            return Decimal(found.text)
    return None


def _told_of(entry: ElementTree.Element, detail: ElementTree.Element | None) -> str:
    parts = [_text(entry, "{*}AddtlNtryInf")]
    if detail is not None:
        parts += [each.text for each in detail.findall("{*}RmtInf/{*}Ustrd")]
        parts += [_text(detail, "{*}AddtlTxInf"), _text(detail, "{*}RtrInf/{*}AddtlInf")]
        if detail.find("{*}RtrInf") is not None:
            parts.append("returned transfer")
    return " ".join(" ".join(part.split()) for part in parts if part)


def _reference_of(entry: ElementTree.Element, detail: ElementTree.Element | None) -> str | None:
    places = ("{*}Refs/{*}EndToEndId", "{*}Refs/{*}AcctSvcrRef", "{*}Refs/{*}TxId")
    found = [_text(detail, place) for place in places] if detail is not None else []
    found.append(_text(entry, "{*}AcctSvcrRef"))
    return next((each for each in found if each and each.upper() not in _NO_REFERENCE), None)


def _text(element: ElementTree.Element, place: str) -> str | None:
    found = element.find(place)
    return (found.text or "").strip() or None if found is not None else None
