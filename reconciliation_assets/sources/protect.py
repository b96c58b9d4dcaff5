"""Replaces contacts by keyed hashes (HMAC-SHA-256) before anything is stored.

Plain hashes of Gulf mobile numbers can be enumerated in seconds, so every key is made with the installation's own secret.
Values exist only in memory while a batch of rows is read.
"""

import hashlib
import hmac
import os
import re
import secrets
import string
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import SecretStr

from reconciliation_assets.contracts.model import InputTable, Kind
from reconciliation_assets.errors import PlainError
from reconciliation_assets.files import flush
from reconciliation_assets.sources.contacts import (
    COUNTRY_OF_CURRENCY,
    international_phone,
    name_words,
    normalise_email,
    normalise_phone,
    sound_of,
    word_tokens,
)
from reconciliation_assets.sources.kept_text import known_words, page, without_contacts

KEY_FILE = "contact.key"
_FEWEST_BYTES = 16
# An ID of only these characters contains no contact, unless it is a phone number as dialled.
_SIGNS_OF_IDS = string.ascii_letters.encode() + string.digits.encode() + b"_.#-"
_DIALLED = r"^(?:00[1-9]\d{8,13}|05\d-?\d{3}-?\d{4})$"
_PLAIN_ID = re.compile(rf"\s*(?!{_DIALLED[1:-1]}\s*$)[{re.escape(_SIGNS_OF_IDS.decode())}]*\s*")
_DIGIT = re.compile(r"\d")
_QUERY = r"(?s)\?.*$"
_SEPARATOR = "\x1f"


class ContactKeyError(PlainError):
    """The secret contact key cannot be used; the message says what to do."""


def load_contact_key(data_dir: Path, given: SecretStr | None, *, is_new: bool) -> bytes:
    """The secret for contact keys: the given one, or else the installation's own, made on the first run.

    Args:
        data_dir: the installation's data directory, with its own key file.
        given: the key from the environment, if set.
        is_new: whether nothing is protected yet, so that a new key may be made.

    Raises:
        ContactKeyError: the key is too short, or its file is unreadable or missing.
    """
    if given is not None and given.get_secret_value():
        secret = given.get_secret_value().encode()
        if len(secret) < _FEWEST_BYTES:
            raise ContactKeyError(
                f"RECON_CONTACT_KEY has fewer than {_FEWEST_BYTES} bytes; keys of phone numbers made with it could be guessed. Set a "
                "longer one, such as `openssl rand -hex 32` prints."
            )
        return secret
    path = data_dir / KEY_FILE
    if not path.exists() and not is_new:
        raise ContactKeyError(
            f"The contact key {path} is gone, but contacts protected with it are in the warehouse. Restore it from your "
            "backup. If it is lost for good, remove warehouse.duckdb too: the next run reads the inbox anew under a new key."
        )
    if not path.exists():
        _make_key(path)
    try:
        key = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if len(key) < _FEWEST_BYTES:
        raise ContactKeyError(
            f"The contact key {path} is unreadable or has fewer than {_FEWEST_BYTES} bytes. Restore it from your backup: with another key, contacts "
            "stored until now would no longer match new ones. Delete it only together with warehouse.duckdb."
        )
    return key.encode()


def _make_key(path: Path) -> None:
    """Write a new key atomically; a key that another process made meanwhile is kept."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    flush(path.parent)


class ContactProtector:
    """Replaces the contact columns of batches of text rows by their protected keys.

    Args:
        key: the installation's secret.
        reporting_currency: its country is used for local phone numbers if a row has neither a market nor a currency of a
            single country.
    """

    def __init__(self, key: bytes, reporting_currency: str | None = None) -> None:
        self._home = COUNTRY_OF_CURRENCY.get(reporting_currency or "")
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self._words: dict[str, tuple[list[str], list[str]]] = {}
        self._keeping: Mapping[Kind, Callable[[pa.ChunkedArray], pa.ChunkedArray | pa.Array]] = {
            Kind.ID: self._id,
            Kind.PERSON: self._person,
            Kind.TEXT: self._label,
            Kind.NOTE: self._note,
            Kind.PAGE: self._page,
        }

    def keyed(self, value: str) -> str:
        """The HMAC-SHA-256 of a normalised value, in hexadecimal."""
        mac = self._keyed.copy()
        mac.update(value.encode())
        return mac.hexdigest()

    def protect(self, table: InputTable, batch: pa.Table) -> pa.Table:
        """The batch as it is stored: contact columns as keys, and no contact in any other column.

        Shops use e-mail addresses and phone numbers as customer IDs, forms put them into the page's URL, people write them in
        comments. docs/definitions/kept.md says what is stored of each kind of column, and why.

        Args:
            table: the table, with its contact columns.
            batch: rows of text; missing columns count as empty.
        """
        for column in table:
            if column.name in batch.column_names and (keep := self._keeping.get(column.kind)) is not None:
                place = batch.column_names.index(column.name)
                batch = batch.set_column(place, column.name, keep(batch[column.name]))
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

    def _id(self, values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        return values if _are_plain_ids(values) else _mapped(values, self._id_key)

    def _person(self, values: pa.ChunkedArray) -> pa.Array:
        return _mapped(values, self._person_key)

    def _label(self, values: pa.ChunkedArray) -> pa.Array:
        return _mapped(values, lambda text: without_contacts(text, self.keyed))

    def _note(self, values: pa.ChunkedArray) -> pa.Array:
        return _mapped(values, lambda text: known_words(text, self.keyed))

    def _page(self, values: pa.ChunkedArray) -> pa.Array:
        pages = pc.replace_substring_regex(values, pattern=_QUERY, replacement="")
        return _mapped(pages, lambda text: page(text, self.keyed))

    def _id_key(self, text: str) -> str:
        # The result must not depend on the other values of the batch, so that the same ID is the same in all tables.
        return text if _PLAIN_ID.fullmatch(text) else without_contacts(text, self.keyed)

    def _person_key(self, text: str) -> str:
        if number := international_phone(text):
            return self.keyed(number)
        if text.isdigit():
            return text
        kept = without_contacts(text, self.keyed)
        return kept if _DIGIT.search(kept) else self.keyed(text.strip())

    def market_of(self, market: str | None, currency: str | None) -> str | None:
        """The market for reading a phone number: the row's own, else the country of its currency, else the company's."""
        return (market or "").strip() or COUNTRY_OF_CURRENCY.get((currency or "").strip().upper()) or self._home

    def _market(self, batch: pa.Table) -> pa.Array:
        columns = [
            batch[name].cast(pa.string()) if name in batch.column_names else pa.nulls(batch.num_rows, pa.string())
            for name in ("market", "currency")
        ]
        return _mapped(_joined(*columns), lambda both: self.market_of(*both.split(_SEPARATOR)))

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
        """Keys of a name's words and of their sounds, in the written order: the family name comes last."""
        sounds: dict[str, str] = {}
        for word in name_words(text):
            for key, sound in zip(*self._word_keys(word), strict=True):
                sounds.setdefault(key, sound)
        return list(sounds), list(sounds.values())

    def _word_key(self, word: str) -> str:
        # HMAC-SHA-256-128 (RFC 4868): a name has up to a dozen keys, and half the digest is enough to distinguish words.
        return self.keyed(word)[:32]

    def _word_keys(self, word: str) -> tuple[list[str], list[str]]:
        """Keys of a word and of its sound, cached because names repeat few words."""
        if word not in self._words:
            tokens = word_tokens(word)
            # A sound of one letter is too short: the word itself is used.
            heard = [sound if len(sound := sound_of(token)) > 1 else token for token in tokens]
            self._words[word] = [self._word_key(token) for token in tokens], [self._word_key(sound) for sound in heard]
        return self._words[word]


def _are_plain_ids(values: pa.ChunkedArray) -> bool:
    """Whether no cell can contain a contact, tested on all bytes of the column at once, which is ten times faster."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    contents = (chunk.buffers()[2] for chunk in values.chunks)
    if any(content and content.to_pybytes().translate(None, _SIGNS_OF_IDS) for content in contents):
        return False
    return not (
        pc.any(pc.starts_with(values, "0")).as_py() and pc.any(pc.match_substring_regex(values, _DIALLED)).as_py()
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
