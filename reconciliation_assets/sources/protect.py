"""Contacts become keyed HMAC-SHA-256 before anything is stored.

A plain hash of a Gulf mobile number can be enumerated in seconds, so every key is made with the installation's own
secret. Values exist only in memory while a batch of rows is read.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import SecretStr

from reconciliation_assets.contracts.model import InputTable, Kind
from reconciliation_assets.sources.contacts import (
    COUNTRY_OF_CURRENCY,
    name_words,
    normalise_email,
    normalise_phone,
    sound_of,
    without_addresses,
    word_tokens,
)

_KEY_FILE = "contact.key"
_WRITTEN_FREELY = (Kind.ID, Kind.TEXT)
_MARKS_OF_ADDRESSES = (b"@", b"%40")
_SEPARATOR = "\x1f"


class ContactKeyError(RuntimeError):
    """The secret contact key cannot be used; the message says what to do."""


def load_contact_key(data_dir: Path, given: SecretStr | None, *, is_new: bool) -> bytes:
    """The secret key of the protected contact keys: as given, else the installation's own, made on first run.

    Args:
        data_dir: the installation's data directory, where its own key lies.
        given: the key of the environment, if one is set.
        is_new: whether nothing is protected yet, so that a key may be made.

    Raises:
        ContactKeyError: the key file is there but empty or unreadable, or gone while it is needed.
    """
    if given is not None and given.get_secret_value():
        return given.get_secret_value().encode()
    path = data_dir / _KEY_FILE
    if not path.exists() and not is_new:
        raise ContactKeyError(
            f"The contact key {path} is gone, but contacts protected with it are in the warehouse. Restore it from your "
            "backup. If it is lost for good, remove warehouse.duckdb too: the next run reads the inbox anew under a new key."
        )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    try:
        key = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if not key:
        raise ContactKeyError(
            f"The contact key {path} is empty or unreadable. Restore it from your backup: with another key, contacts "
            "stored until now would no longer match new ones. Delete it only together with warehouse.duckdb."
        )
    return key.encode()


class ContactProtector:
    """Replaces the contact columns of batches of text rows by their protected keys.

    Args:
        key: the installation's secret.
        reporting_currency: the company's, whose country its local phone numbers are read in where a row tells neither a market
            nor a currency of one country.
    """

    def __init__(self, key: bytes, reporting_currency: str | None = None) -> None:
        self._home = COUNTRY_OF_CURRENCY.get(reporting_currency or "")
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self._words: dict[str, tuple[list[str], list[str]]] = {}

    def keyed(self, value: str) -> str:
        """The keyed HMAC-SHA-256 of a normalised value, in hexadecimal."""
        mac = self._keyed.copy()
        mac.update(value.encode())
        return mac.hexdigest()

    def protect(self, table: InputTable, batch: pa.Table) -> pa.Table:
        """The batch with every contact column of the table replaced by its keys, and e-mail addresses elsewhere too.

        Shops give out addresses as customer IDs, forms put them into the page's URL, people write them into comments.

        Args:
            table: which columns are contacts.
            batch: rows of text; columns of the table that are missing count as empty.
        """
        for column in table:
            if column.kind in _WRITTEN_FREELY and column.name in batch.column_names:
                batch = self._without_addresses(batch, column.name)
        for column in table.contacts:
            values = batch[column.name] if column.name in batch.column_names else pa.nulls(batch.num_rows, pa.string())
            if column.name in batch.column_names:
                batch = batch.drop_columns([column.name])
            if column.kind is Kind.EMAIL:
                batch = batch.append_column("email_key", _mapped(values, self._email_key))
            elif column.kind is Kind.PHONE:
                batch = batch.append_column("phone_key", _mapped(_joined(values, self._market(batch)), self._phone_key))
            else:
                batch = batch.append_column("name_keys", _mapped_lists(values, self._name_keys))
                batch = batch.append_column("name_sound_keys", _mapped_lists(values, self._name_sound_keys))
        return batch

    def market_of(self, market: str | None, currency: str | None) -> str | None:
        """The market a phone is read in: the row's own, else the country of its currency, else the company's."""
        return (market or "").strip() or COUNTRY_OF_CURRENCY.get((currency or "").strip().upper()) or self._home

    def _market(self, batch: pa.Table) -> pa.Array:
        columns = [
            batch[name].cast(pa.string()) if name in batch.column_names else pa.nulls(batch.num_rows, pa.string())
            for name in ("market", "currency")
        ]
        return _mapped(_joined(*columns), lambda both: self.market_of(*both.split(_SEPARATOR)))

    def _without_addresses(self, batch: pa.Table, column: str) -> pa.Table:
        values = batch[column]
        if not _may_hold_addresses(values):
            return batch
        protected = _mapped(values, lambda text: without_addresses(text, self.keyed))
        return batch.set_column(batch.column_names.index(column), column, protected)

    def _email_key(self, text: str) -> str | None:
        address = normalise_email(text)
        return self.keyed(address) if address else None

    def _phone_key(self, text_and_market: str) -> str | None:
        text, _, market = text_and_market.partition(_SEPARATOR)
        number = normalise_phone(text, market) if text else None
        return self.keyed(number) if number else None

    def _name_keys(self, text: str) -> list[str]:
        return self._keys_of_name(text)[0]

    def _name_sound_keys(self, text: str) -> list[str]:
        return self._keys_of_name(text)[1]

    def _keys_of_name(self, text: str) -> tuple[list[str], list[str]]:
        """Keys of the words of a name and of their sounds, word by word in the order written: the family's name comes last."""
        sounds: dict[str, str] = {}
        for word in name_words(text):
            for key, sound in zip(*self._word_keys(word), strict=True):
                sounds.setdefault(key, sound)
        return list(sounds), list(sounds.values())

    def _word_key(self, word: str) -> str:
        # HMAC-SHA-256-128 (RFC 4868): a name has up to a dozen keys, and half the digest tells its words apart as well.
        return self.keyed(word)[:32]

    def _word_keys(self, word: str) -> tuple[list[str], list[str]]:
        """Keys of a word and of its sound; names repeat few words, so each is protected once."""
        if word not in self._words:
            tokens = word_tokens(word)
            # A sound of one letter tells too little: such a word is heard as it is written.
            heard = [sound if len(sound := sound_of(token)) > 1 else token for token in tokens]
            self._words[word] = [self._word_key(token) for token in tokens], [self._word_key(sound) for sound in heard]
        return self._words[word]


def _may_hold_addresses(values: pa.ChunkedArray) -> bool:
    """Whether a mark of an address stands anywhere in the bytes of a column: looking cell by cell takes ten times as long."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return True
    cells = (chunk.buffers()[2] for chunk in values.chunks)
    return any(
        mark in content
        for buffer in cells
        if buffer and (content := buffer.to_pybytes())
        for mark in _MARKS_OF_ADDRESSES
    )


def _joined(values: pa.ChunkedArray, others: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(pc.fill_null(values, ""), pc.fill_null(others, ""), _SEPARATOR)


def _mapped(values: pa.ChunkedArray, key_of: Callable[[str], str | None]) -> pa.Array:
    """Apply a function to the distinct values only."""
    encoded = pc.dictionary_encode(_combined(values))
    keys = pa.array(
        [key_of(value) if value else None for value in encoded.dictionary.to_numpy(zero_copy_only=False)], pa.string()
    )
    return keys.take(encoded.indices)


def _mapped_lists(values: pa.ChunkedArray, keys_of: Callable[[str], list[str]]) -> pa.Array:
    encoded = pc.dictionary_encode(_combined(values))
    keys = pa.array(
        [(keys_of(value) or None) if value else None for value in encoded.dictionary.to_numpy(zero_copy_only=False)],
        pa.list_(pa.string()),
    )
    return keys.take(encoded.indices)


def _combined(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
