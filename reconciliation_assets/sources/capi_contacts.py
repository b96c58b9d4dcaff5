"""Contacts for Meta's Conversions API, hashed as Meta requires: read again from the inbox, in memory, and never stored.

The warehouse holds only keyed hashes, which Meta cannot use. So contacts must be read from the dropped file; the protected
key confirms that a contact is the current one.
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
    """A row whose contact is needed, with the protected keys of its current version."""

    table: str
    source_id: str
    email_key: str | None
    phone_key: str | None


@dataclass(frozen=True, repr=False)
class HashedContact:
    """A contact as SHA-256 hashes for Meta; without a repr, because a phone number can be recovered from its hash."""

    email_hash: str | None
    phone_hash: str | None


def hashed_contacts(
    wanted: Iterable[WantedContact], files: Iterable[InboxFile], protector: ContactProtector
) -> dict[tuple[str, str], HashedContact]:
    """The hashed contacts of rows that are still in the inbox, by table and ID.

    Args:
        wanted: the rows.
        files: the files of the inbox.
        protector: makes the protected keys, which distinguish the current contact from older ones.
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
    """The wanted rows of a file; none if it cannot be read."""
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
