"""Contacts in the engine: what its rules know for certain comes out as the Python functions say, byte for byte."""

import hashlib
import hmac
import random
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciliation_assets.contracts.inputs import LEADS, ORDERS, PAYMENTS
from reconciliation_assets.sources.contact_sql import padded_secrets, protected_select
from reconciliation_assets.sources.contacts import (
    international_phone,
    name_words,
    normalise_email,
    normalise_phone,
    sound_of,
    word_tokens,
)
from reconciliation_assets.sources.kept_text import known_words, without_contacts
from reconciliation_assets.sources.protect import ContactProtector
from reconciliation_assets_tests.rows import kept_rows

SECRET = b"a secret of the tests of contacts in SQL"
ENGINE = ContactProtector(SECRET, "AED")
MARKETS = ("AE", "KSA", "kuwait", "Qatar", "BH", "OM", "EG", "Mars", " ", None)
ARABIC, PERSIAN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"), str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def keyed(value: str | None) -> str | None:
    return hmac.new(SECRET, value.encode(), hashlib.sha256).hexdigest() if value else None


def kept(table: str, column: str, texts: list[str | None]) -> list[str | None]:
    contract = {"orders": ORDERS, "payments": PAYMENTS}[table]
    found: list[str | None] = kept_rows(ENGINE, contract, pa.table({column: pa.array(texts, pa.string())}))[
        column
    ].to_pylist()
    return found


def person_in_python(text: str) -> str | None:
    if number := international_phone(text):
        return keyed(number)
    if text.isdigit():
        return text
    said = without_contacts(text, lambda found: str(keyed(found)))
    return said if any(map(str.isdigit, said)) else keyed(text.strip())


def note_in_python(text: str) -> str:
    return known_words(text, lambda found: str(keyed(found)))


@pytest.mark.parametrize("length", [1, 16, 63, 64, 65, 200])
def test_the_key_is_hmac_sha_256_whatever_the_length_of_the_secret(length: int) -> None:
    secret = bytes(range(1, 256))[:length]
    rows = pa.table({"email": ["amal@example.com"]})
    (key,) = kept_rows(ContactProtector(secret), LEADS, rows)["email_key"].to_pylist()
    assert key == hmac.new(secret, b"amal@example.com", hashlib.sha256).hexdigest()


def test_neither_the_secret_nor_a_contact_is_in_the_text_of_the_query() -> None:
    select = protected_select(ORDERS, [column.name for column in ORDERS], "rows")
    inner, outer = padded_secrets(SECRET).values()
    for secret in (SECRET, inner, outer):
        assert secret.hex() not in select
        assert repr(secret)[2:-1] not in select


ADDRESSES = st.one_of(
    st.from_regex(r"\A ?[A-Za-z0-9_.+%-]{1,12}@[A-Za-z0-9-]{1,8}(\.[A-Za-z0-9-]{1,5}){0,2} {0,2}\Z"),
    st.text(alphabet="aZ0 @.<>\t\u200e\u00a0éم+", max_size=14),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=40))
def test_addresses(texts: list[str]) -> None:
    found = kept_rows(ENGINE, LEADS, pa.table({"email": texts}))["email_key"].to_pylist()
    assert found == [keyed(normalise_email(text)) for text in texts]


def spelled(number: str, way: int) -> str:
    """A number as people write it."""
    draw = random.Random(way)
    blanks = "".join(digit + draw.choice(["", "", "", " ", "-", ".", "\u00a0"]) for digit in number)
    written = draw.choice([number, number, blanks, f"({number[:3]}) {number[3:]}", f"\u200e{number}", f" {number} "])
    return draw.choice([str, lambda text: text.translate(ARABIC), lambda text: text.translate(PERSIAN)])(written)


NUMBERS = st.builds(
    lambda prefix, digits, way: spelled(prefix + digits, way),
    st.sampled_from(
        [
            "",
            "0",
            "+971",
            "00971",
            "+9710",
            "+966",
            "00966",
            "+965",
            "00965",
            "+974",
            "+973",
            "+968",
            "971",
            "p:+971",
            "tel:",
            "+",
            "00",
            "+44",
            "p:tel:+966",
            "x",
        ]
    ),
    st.from_regex(r"\A[0-9]{6,10}\Z") | st.from_regex(r"\A(5[0-9]{8}|[3-9][0-9]{7})\Z"),
    st.integers(0, 10_000),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.sampled_from(MARKETS), st.sampled_from(("AED", "SAR", "USD", None)))))
def test_phone_numbers(cells: list[tuple[str, str | None, str | None]]) -> None:
    texts, markets, currencies = ([cell[place] for cell in cells] for place in range(3))
    rows = {"phone": texts, "market": markets, "currency": currencies}
    batch = pa.table({name: pa.array(column, pa.string()) for name, column in rows.items()})
    expected = [
        keyed(normalise_phone(text, ENGINE.market_of(market, currency)))
        for text, market, currency in zip(texts, markets, currencies, strict=True)
    ]
    assert kept_rows(ENGINE, LEADS, batch)["phone_key"].to_pylist() == expected


WORDS = st.sampled_from(
    [
        "Amal",
        "amal",
        "Al",
        "Abd",
        "Abdul",
        "Abdullah",
        "ABD",
        "Abd-Al-Rahman",
        "Rahman",
        "عبد",
        "الرحمن",
        "عبدالله",
        "محمد",
        "Moḥammed",
        "bin",
        "Dr.",
        "Haddad-Nasser",
        "O'Neil",
        "x",
        "-",
        "١٢",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(WORDS | st.sampled_from([" ", "\t", "\u00a0", "\u3000", "\x1f"]), max_size=6), max_size=20))
def test_names(written: list[list[str]]) -> None:
    names = [
        draw.choice(["", " "]).join(parts) for draw, parts in zip(map(random.Random, range(99)), written, strict=False)
    ]
    batch = kept_rows(ENGINE, LEADS, pa.table({"full_name": pa.array(names, pa.string())}))
    for column, of_token in (("name_keys", str), ("name_sound_keys", heard)):
        expected = [keys_of_words(name, of_token) for name in names]
        assert batch[column].to_pylist() == expected, column


def heard(token: str) -> str:
    return sound if len(sound := sound_of(token)) > 1 else token


def keys_of_words(name: str, of_token: Callable[[str], str]) -> list[str] | None:
    tokens = dict.fromkeys(token for word in name_words(name) for token in word_tokens(word))
    return [str(keyed(of_token(token)))[:32] for token in tokens] or None


CODES = st.one_of(
    st.from_regex(r"\A[A-Za-z]{0,5}-?[0-9]{0,16}\Z"),
    st.builds(lambda head, number: head + number, st.sampled_from(["", "C-", "TRX", "ab-", "at-", "SO#"]), NUMBERS),
    st.binary(min_size=4, max_size=14).map(bytes.hex),
    st.from_regex(r"\A[A-Fa-f0-9]{0,4}(30|31|35|39|40|2[bBeE]){4,9}\Z"),
    st.text(alphabet="0123456789 -+@.aCTe=%", max_size=16),
)


@pytest.mark.parametrize(
    ("table", "column", "in_python"),
    [("orders", "customer_id", person_in_python), ("payments", "reference", note_in_python)],
)
@settings(max_examples=200, deadline=None)
@given(texts=st.lists(CODES.filter(bool), min_size=1, max_size=60))
def test_codes(table: str, column: str, in_python: Callable[[str], str | None], texts: list[str]) -> None:
    assert kept(table, column, [*texts]) == [in_python(text) for text in texts]


def test_codes_that_say_a_contact_when_they_are_decoded_do_not_pass_for_plain_ones() -> None:
    """In hexadecimal and base64 letters and digits are other signs."""
    said = ["А 0501234567".encode().hex(), b"+971501234567".hex(), "D0900501234567", "A0501234567", "C-0501234567"]
    for table, column, in_python in (
        ("orders", "customer_id", person_in_python),
        ("payments", "reference", note_in_python),
    ):
        assert kept(table, column, [*said]) == [in_python(text) for text in said]
