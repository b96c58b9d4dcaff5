"""Contacts that Meta is told by, hashed as Meta asks: read again from the inbox, in memory, and never stored.

The warehouse holds keyed hashes only, which nobody else can use. So a contact can come from nothing but the file that
was dropped; that it is the right one is known by its key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.sources.contacts import normalise_email, normalise_phone
from reconciliation_assets.sources.files import InboxFile, reading
from reconciliation_assets.sources.meta_conversions import hashed_email, hashed_phone
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets.sources.text_rows import FileSetAsideError


@dataclass(frozen=True)
class WantedContact:
    """A row whose contact is wanted, with the protected keys of what its current version holds."""

    table: str
    source_id: str
    email_key: str | None
    phone_key: str | None


@dataclass(frozen=True, repr=False)
class HashedContact:
    """A contact as Meta takes it; without a repr, since a phone number can be found again from its hash."""

    email_hash: str | None
    phone_hash: str | None


def hashed_contacts(
    wanted: Iterable[WantedContact], files: Iterable[InboxFile], protector: ContactProtector
) -> dict[tuple[str, str], HashedContact]:
    """The hashed contacts of rows that still lie in the inbox, by table and ID.

    Args:
        wanted: the rows.
        files: the files of the inbox.
        protector: makes the protected keys, by which an older version's contact is told from the current one's.
    """
    by_table: dict[str, dict[str, WantedContact]] = {}
    for row in wanted:
        by_table.setdefault(row.table, {})[row.source_id] = row
    found: dict[tuple[str, str], HashedContact] = {}
    for file in files:
        rows = by_table.get(file.table)
        if not rows:
            continue
        for cells in _rows_of(file, rows):
            row = rows[str(cells[INPUT_TABLE[file.table].key[0]])]
            contact = _hashed(cells, row, protector)
            known = found.get((row.table, row.source_id), HashedContact(None, None))
            found[row.table, row.source_id] = HashedContact(
                contact.email_hash or known.email_hash, contact.phone_hash or known.phone_hash
            )
    return {place: contact for place, contact in found.items() if contact.email_hash or contact.phone_hash}


def _rows_of(file: InboxFile, rows: Mapping[str, WantedContact]) -> Iterable[Mapping[str, str | None]]:
    """The wanted rows of a file; one that cannot be read now has none."""
    key = INPUT_TABLE[file.table].key[0]
    try:
        with reading(file) as text:
            for batch in text.batches():
                columns = [name for name in (key, "email", "phone", "market", "currency") if name in batch.column_names]
                ids = pc.utf8_trim_whitespace(batch[key])
                chosen = batch.select(columns).set_column(columns.index(key), key, ids)
                yield from chosen.filter(pc.is_in(ids, pa.array(list(rows), pa.string()))).to_pylist()
    except FileSetAsideError:
        return


def _hashed(cells: Mapping[str, str | None], row: WantedContact, protector: ContactProtector) -> HashedContact:
    address = normalise_email(cells.get("email") or "")
    number = normalise_phone(cells.get("phone") or "", protector.market_of(cells.get("market"), cells.get("currency")))
    is_current_address = address is not None and protector.keyed(address) == row.email_key
    is_current_number = number is not None and protector.keyed(number) == row.phone_key
    return HashedContact(
        hashed_email(address) if address and is_current_address else None,
        hashed_phone(number) if number and is_current_number else None,
    )
