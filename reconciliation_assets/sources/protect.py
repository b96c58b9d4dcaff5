"""Replaces contacts by keyed hashes (HMAC-SHA-256) before anything is stored.

Plain hashes of Gulf mobile numbers can be enumerated in seconds, so every key is made with the installation's own secret.
Values exist only in memory while a batch of rows is read.
"""

import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import SecretStr

from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.errors import PlainError
from reconciliation_assets.files import flush
from reconciliation_assets.sources.contact_sql import KEYS_OF_NAME, SEPARATOR, padded_secrets, protected_select
from reconciliation_assets.sources.contacts import (
    COUNTRY_OF_CURRENCY,
    international_phone,
    name_words,
    normalise_email,
    normalise_phone,
    region_of,
    sound_of,
    word_tokens,
)
from reconciliation_assets.sources.kept_text import known_words, page, without_contacts
from reconciliation_assets.sources.text_rows import ROWS_PER_BATCH, private_engine
from reconciliation_assets.warehouse.duckdb import Connection, register_function

KEY_FILE = "contact.key"
_FEWEST_BYTES = 16
# An ID of only these characters contains no contact, unless it is a phone number as dialled.
_PLAIN_ID = re.compile(r"\s*(?!(?:00[1-9]\d{8,13}|05\d-?\d{3}-?\d{4})\s*$)[A-Za-z0-9_.#-]*\s*")
_DIGIT = re.compile(r"\d")
_QUERY = re.compile(r"\?.*$", re.DOTALL)
# Names that cannot be split at spaces: possible compound first names, and other whitespace.
_ODD_NAME = r"(?i)abd|عبد|[\x00-\x1f\x7f-\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"
_REMEMBERED = 1 << 16


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
    """Replaces the contacts in rows of text by their protected keys.

    Args:
        key: the installation's secret.
        reporting_currency: its country is used for local phone numbers if a row has neither a market nor a currency of a
            single country.
        kept_words: words of the company's own that free text keeps besides the known ones.
    """

    def __init__(self, key: bytes, reporting_currency: str | None = None, kept_words: Iterable[str] = ()) -> None:
        self._kept_words = frozenset(word.lower() for word in kept_words)
        self._home = COUNTRY_OF_CURRENCY.get(reporting_currency or "")
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self._padded = padded_secrets(key)

    def keyed(self, value: str) -> str:
        """The HMAC-SHA-256 of a normalised value, in hexadecimal."""
        mac = self._keyed.copy()
        mac.update(value.encode())
        return mac.hexdigest()

    @contextmanager
    def protected(self, table: InputTable, rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatchReader]:
        """The rows in stored form: contact columns as keys, and no contact in any other column.

        Shops use e-mail addresses and phone numbers as customer IDs, forms put them into the page's URL, people write them in
        comments. docs/definitions/kept.md says what is stored of each kind of column, and why.

        Args:
            table: which columns are contacts.
            rows: text; columns of the table that are missing count as empty, others are passed on.
        """
        select = protected_select(table, rows.schema.names, "rows")
        bound = {name: value for name, value in self._padded.items() if f"${name}" in select}
        self._engine.register("rows", rows)
        try:
            yield self._engine.sql(select, params=bound).to_arrow_reader(ROWS_PER_BATCH)
        finally:
            self._engine.unregister("rows")

    @cached_property
    def _engine(self) -> Connection:
        engine = private_engine()
        for name, function in self._functions().items():
            register_function(engine, name, _of_distinct(function), "VARCHAR")
        register_function(engine, "keys_of_name", _NameKeys(self.keyed), KEYS_OF_NAME)
        return engine

    def market_of(self, market: str | None, currency: str | None) -> str | None:
        """The market for reading a phone number: the row's own, else the country of its currency, else the company's."""
        return (market or "").strip() or COUNTRY_OF_CURRENCY.get((currency or "").strip().upper()) or self._home

    def _functions(self) -> Mapping[str, Callable[[str], str | None]]:
        """The Python functions called by `protected_select`, by their SQL names; none gets an empty text."""
        return {
            "other_id": self._id_key,
            "other_person": self._person_key,
            "other_note": lambda text: known_words(text, self.keyed, self._kept_words),
            "label": lambda text: without_contacts(text, self.keyed),
            "page": lambda url: page(_QUERY.sub("", url), self.keyed),
            "other_email": self._email_key,
            "other_phone": self._phone_key,
            "region": lambda both: region_of(self.market_of(*both.split(SEPARATOR))),
        }

    def _id_key(self, text: str) -> str:
        # The result must not depend on the other values of the batch, so that the same ID is the same in all tables.
        return text if _PLAIN_ID.fullmatch(text) else without_contacts(text, self.keyed)

    def _person_key(self, text: str) -> str | None:
        if not text.strip():
            return None
        if number := international_phone(text):
            return self.keyed(number)
        if text.isdigit():
            return text
        kept = without_contacts(text, self.keyed)
        return kept if _DIGIT.search(kept) else self.keyed(text.strip())

    def _email_key(self, text: str) -> str | None:
        address = normalise_email(text)
        return self.keyed(address) if address else None

    def _phone_key(self, text_and_region: str) -> str | None:
        text, _, region = text_and_region.rpartition(SEPARATOR)
        number = normalise_phone(text, region)
        return self.keyed(number) if number else None


class _NameKeys:
    """Keys of a name's words and of their sounds, in the written order: the family name comes last.

    Words are cached because names repeat few words.
    """

    def __init__(self, keyed: Callable[[str], str]) -> None:
        self._keyed = keyed
        self._words: dict[str, list[tuple[str, str]]] = {}

    def __call__(self, names: pa.ChunkedArray) -> pa.Array:
        names = _combined(names)
        is_odd = pc.fill_null(pc.match_substring_regex(names, _ODD_NAME), False)
        if pc.any(is_odd).as_py():
            words = [" ".join(name_words(name)) for name in names.filter(is_odd).to_pylist()]
            names = pc.replace_with_mask(names, is_odd, pa.array(words, pa.string()))
        words = pc.split_pattern(names, " ")
        encoded = words.flatten().dictionary_encode()
        numbers: dict[tuple[str, str], int] = {}
        of_word = [
            [numbers.setdefault(pair, len(numbers)) for pair in self._of_word(word)]
            for word in encoded.dictionary.to_pylist()
        ]
        pairs = pa.array(of_word, pa.list_(pa.int64())).take(encoded.indices)
        name_of_word = pc.list_parent_indices(words)
        name = name_of_word.take(pc.list_parent_indices(pairs)).to_numpy()
        pair = pairs.flatten().to_numpy()
        # A repeated word is kept at its first position only.
        first = np.sort(np.unique(name * max(len(numbers), 1) + pair, return_index=True)[1])
        counts = np.bincount(name[first], minlength=len(names))
        offsets, has_none = pa.array(np.r_[0, np.cumsum(counts)], pa.int32()), pa.array(counts == 0)
        keys, sounds = (
            pa.ListArray.from_arrays(offsets, pa.array(each, pa.string()).take(pa.array(pair[first])), mask=has_none)
            for each in (zip(*numbers, strict=True) if numbers else ((), ()))
        )
        return pa.StructArray.from_arrays([keys, sounds], ["name_keys", "name_sound_keys"])

    def _of_word(self, word: str) -> list[tuple[str, str]]:
        if word not in self._words:
            tokens = word_tokens(word)
            # A sound of one letter is too short: the word itself is used.
            sounds = [sound if len(sound := sound_of(token)) > 1 else token for token in tokens]
            self._words[word] = [
                (self._short(token), self._short(sound)) for token, sound in zip(tokens, sounds, strict=True)
            ]
        return self._words[word]

    def _short(self, word: str) -> str:
        # HMAC-SHA-256-128 (RFC 4868): a name has up to a dozen keys, and half the digest is enough to distinguish words.
        return self._keyed(word)[:32]


def _of_distinct(function: Callable[[str], str | None]) -> Callable[[pa.ChunkedArray], pa.Array]:
    """Apply a function to the distinct texts of a column, with a cache; empty texts give null."""
    asked = lru_cache(_REMEMBERED)(function)

    def answer(values: pa.ChunkedArray) -> pa.Array:
        encoded = _combined(values).dictionary_encode()
        answers = pa.array([asked(text) if text else None for text in encoded.dictionary.to_pylist()], pa.string())
        return answers.take(encoded.indices)

    return answer


def _combined(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
