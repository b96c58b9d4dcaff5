"""Every way of writing a contact comes to one form, and nothing that is no contact comes to any."""

import hashlib
import itertools

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation_assets.sources.contacts import (
    name_tokens,
    normalise_email,
    normalise_phone,
    region_of,
    sound_of,
    word_tokens,
)

E164 = phonenumbers.PhoneNumberFormat.E164
MARK = "\u200e"


@pytest.mark.parametrize(
    ("typed", "market"),
    [
        ("0501234567", "AE"),
        ("501234567", "AE"),
        ("050 123 4567", "AE"),
        ("050-123-4567", "UAE"),
        ("(050) 123 4567", "united arab emirates"),
        ("+971501234567", None),
        ("+971 50 123 4567", "SA"),
        ("+971 (0)50 123 4567", "AE"),
        ("00971501234567", None),
        ("009710501234567", None),
        ("971501234567", "AE"),
        ("٠٥٠١٢٣٤٥٦٧", "AE"),
        ("+٩٧١٥٠١٢٣٤٥٦٧", None),
        ("۰۵۰۱۲۳۴۵۶۷", "AE"),
        (f"{MARK}050 123 4567", "AE"),
        ("p:+971501234567", None),
        ("tel:+971501234567", None),
        ("\u00a0+971.50.123.4567 ", None),
    ],
)
def test_one_emirati_number_however_it_is_written(typed: str, market: str | None) -> None:
    assert normalise_phone(typed, market) == "+971501234567"


@pytest.mark.parametrize(
    ("typed", "market", "number"),
    [
        ("0501234567", "SA", "+966501234567"),
        ("50123456", "KW", "+96550123456"),
        ("55123456", "QA", "+97455123456"),
        ("36001234", "BH", "+97336001234"),
        ("92123456", "OM", "+96892123456"),
        ("04 330 1234", "AE", "+97143301234"),
        ("+16505551212", "AE", "+16505551212"),
    ],
)
def test_local_numbers_are_read_in_the_rows_market(typed: str, market: str, number: str) -> None:
    assert normalise_phone(typed, market) == number


@pytest.mark.parametrize(
    ("typed", "market"),
    [
        ("0501234567", None),
        ("0501234567", "Mars"),
        ("", "AE"),
        ("none", "AE"),
        ("12345", "AE"),
        ("+97150123456789", "AE"),
    ],
)
def test_what_is_no_number_or_could_be_two_is_none(typed: str, market: str | None) -> None:
    assert normalise_phone(typed, market) is None


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("normalised", "digest"),
    [
        (normalise_email(" John_Smith@gmail.com "), "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
        (
            str(normalise_phone("+1 (650) 555-1212", None)).removeprefix("+"),
            "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
        ),
        (name_tokens(" Mary ")[0], "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
    ],
)
def test_metas_own_vectors_agree_on_the_normalised_form(normalised: str, digest: str) -> None:
    """Meta hashes what it has normalised; equal hashes mean equal normalisation. We never store these hashes."""
    assert sha256(normalised) == digest


REGIONS = {"AE": "971", "SA": "966", "KW": "965", "QA": "974", "BH": "973", "OM": "968"}
LENGTH = {"AE": 9, "SA": 9, "KW": 8, "QA": 8, "BH": 8, "OM": 8}


def by_library(typed: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, E164) if phonenumbers.is_valid_number(parsed) else None


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_the_fast_gulf_rule_agrees_with_the_library_on_every_prefix(region: str) -> None:
    prefixes = ("".join(digits) for digits in itertools.product("35679", *["0123456789"] * 2))
    for prefix in [*prefixes, *(f"5{prefix:03}" for prefix in range(1000))]:
        local = prefix.ljust(LENGTH[region], "7")
        assert normalise_phone(local, region) == by_library(local, region), local
        assert normalise_phone(f"+{REGIONS[region]}{local}", None) == by_library(f"+{REGIONS[region]}{local}", None)


@pytest.mark.parametrize("region", sorted(REGIONS))
@pytest.mark.parametrize("form", ["0{}", "+{code}0{}", "00{code}0{}"])
def test_a_zero_before_the_number_counts_only_where_one_is_dialled(region: str, form: str) -> None:
    local = {
        "AE": "501234567",
        "SA": "501234567",
        "KW": "50000000",
        "QA": "55123456",
        "BH": "36001234",
        "OM": "92123456",
    }[region]
    typed = form.format(local, code=REGIONS[region])
    expected = f"+{REGIONS[region]}{local}" if region in ("AE", "SA") else None
    assert normalise_phone(typed, region) == by_library(typed, region) == expected


@given(
    region=st.sampled_from(sorted(REGIONS)),
    rest=st.from_regex(r"[0-9]{6,9}", fullmatch=True),
    form=st.sampled_from(["0{}", "{}", "+{code}{}", "00{code}{}", "+{code}0{}"]),
)
def test_the_fast_gulf_rule_agrees_with_the_library_on_random_numbers(region: str, rest: str, form: str) -> None:
    typed = form.format(rest, code=REGIONS[region])
    assert normalise_phone(typed, region) == by_library(typed, region)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("  Amal@Example.COM ", "amal@example.com"),
        ("<amal@example.com>", "amal@example.com"),
        (f"{MARK}amal@example.com", "amal@example.com"),
        ("amal+course@example.com", "amal+course@example.com"),
        ("amal", None),
        ("amal@example", None),
        ("@example.com", None),
        ("a mal@example.com", None),
        ("amal@@example.com", None),
        ("", None),
    ],
)
def test_addresses(typed: str, address: str | None) -> None:
    assert normalise_email(typed) == address


@pytest.mark.parametrize(
    ("market", "region"),
    [
        ("AE", "AE"),
        ("ksa", "SA"),
        (" Kuwait ", "KW"),
        ("Oman", "OM"),
        ("de", "DE"),
        ("GCC", None),
        ("", None),
        (None, None),
    ],
)
def test_markets(market: str | None, region: str | None) -> None:
    assert region_of(market) == region


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fatima Al Mansoori", "al-mansoori, FATIMA"),
        ("Dr. Ahmed bin Khalid", "Ahmed Khalid"),
        ("أحمد العلي", "احمد علي"),
        ("فاطمة", "فاطمه"),
        ("مُحَمَّد", "محمد"),
        ("Zoë", "Zoe"),
    ],
)
def test_names_that_are_the_same_words(one: str, other: str) -> None:
    assert name_tokens(one) == name_tokens(other)
    assert name_tokens(one)


@pytest.mark.parametrize("empty", ["", "  ", "1234", "-", "x"])
def test_names_without_words(empty: str) -> None:
    assert name_tokens(empty) == []


@pytest.mark.parametrize(
    "spellings",
    [
        ("mohammed", "muhamad", "mohamed", "محمد"),
        ("ahmed", "ahmad", "احمد"),
        ("khalid", "khaled", "خالد"),
        ("sharif", "شريف"),
        ("yousef", "yusuf", "يوسف"),
        ("noura", "nora", "نوره"),
        ("haya", "هيا"),
        ("maha", "مها", "مهى"),
        ("yahya", "يحيى"),
        ("taha", "طه"),
        ("aya", "ayah", "آيه"),
    ],
)
def test_spellings_of_both_scripts_sound_alike(spellings: tuple[str, ...]) -> None:
    assert len({sound_of(token) for spelling in spellings for token in word_tokens(spelling)}) == 1


@pytest.mark.parametrize(("one", "other"), [("mohammed", "hamad"), ("sara", "samira"), ("khalid", "salim")])
def test_different_names_sound_different(one: str, other: str) -> None:
    assert sound_of(one) != sound_of(other)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading(text: str) -> None:
    normalise_email(text)
    normalise_phone(text, "AE")
    assert all(token == token.casefold() for token in name_tokens(text))
    assert all(isinstance(sound_of(token), str) for token in name_tokens(text))
