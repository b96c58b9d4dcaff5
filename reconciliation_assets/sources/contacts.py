"""Normalisation of contacts: e-mail addresses, phone numbers and names, in Arabic and Latin script.

Pure functions from what people type to the value whose protected key is stored. Nothing here stores or logs.
"""

import re
import unicodedata

import phonenumbers

_BIDI_MARKS = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0xFEFF])
_DIGITS = {
    **{0x0660 + digit: str(digit) for digit in range(10)},
    **{0x06F0 + digit: str(digit) for digit in range(10)},
    **{0xFF10 + digit: str(digit) for digit in range(10)},
}
PHONE_NOISE = {**_BIDI_MARKS, **_DIGITS, **dict.fromkeys(map(ord, " \t\u00a0-().'/"))}

# Formats of Gulf mobile numbers by country calling code. Other numbers are parsed by phonenumbers.
GULF_MOBILE = {
    "971": r"5[024568]\d{7}",
    "966": r"5(?:[03-689]\d|7[0-8])\d{6}",
    "965": r"(?:5[05]\d|6(?:0[034679]|5[015-9]|6\d)|9[04679]\d)\d{5}",
    "974": r"[3567]\d{7}",
    "973": r"3(?:[0-79]\d|8[0-57-9])\d{5}",
    "968": r"(?:7[126-9]\d|9(?:0[1-9]|[1-9]\d))\d{5}",
}
GULF_CODE = {"AE": "971", "SA": "966", "KW": "965", "QA": "974", "BH": "973", "OM": "968"}
# The other countries have no trunk zero: a leading zero makes a different or invalid number.
TRUNK_ZERO = {"971": "0?", "966": "0?", "965": "", "974": "", "973": "", "968": ""}
# ASCII digits only: a number with other digits is cleaned first.
_INTERNATIONAL = re.compile(
    "(?:\\+|00)(" + "|".join(f"{code}{TRUNK_ZERO[code]}{rest}" for code, rest in GULF_MOBILE.items()) + ")", re.ASCII
)
_LOCAL = {
    region: re.compile(f"{TRUNK_ZERO[code]}({GULF_MOBILE[code]})", re.ASCII) for region, code in GULF_CODE.items()
}

_GULF_CALLING_CODES = ("971", "966", "965", "974", "973", "968")
_DIALLED = re.compile(r"0?5\d{8}")

_MARKETS = {
    "UAE": "AE",
    "ARE": "AE",
    "UNITED ARAB EMIRATES": "AE",
    "KSA": "SA",
    "SAU": "SA",
    "SAUDI ARABIA": "SA",
    "SAUDI": "SA",
    "KWT": "KW",
    "KUWAIT": "KW",
    "QAT": "QA",
    "QATAR": "QA",
    "BHR": "BH",
    "BAHRAIN": "BH",
    "OMN": "OM",
    "OMAN": "OM",
}

# Country in which a currency is mostly used; shared currencies are left out.
COUNTRY_OF_CURRENCY = {
    "AED": "AE",
    "SAR": "SA",
    "KWD": "KW",
    "QAR": "QA",
    "BHD": "BH",
    "OMR": "OM",
    "EGP": "EG",
    "JOD": "JO",
    "IQD": "IQ",
    "LBP": "LB",
    "INR": "IN",
    "PKR": "PK",
    "TRY": "TR",
    "GBP": "GB",
}

_ARABIC_DIACRITICS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_ARABIC_UNIFIED = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي"})
_ARTICLES = frozenset({"al", "el", "ال", "bin", "ibn", "bint", "بن", "ابن", "بنت", "mr", "mrs", "ms", "dr"})

# Abd ("servant of") with one of God's names is one first name, in any number of words.
_COMPOUND = re.compile(r"\b(abd[aeou]{0,2}l?|عبد)[\s-]+(?:(al|el|ul|ur|ar)[\s-]+)?(\w)", re.IGNORECASE)

_ARABIC_SOUNDS = str.maketrans(
    dict(zip("بتثجخدذرزسشصضطظغفقكلمن", "bttjkddrzsssdtzgfkklmn", strict=True)) | dict.fromkeys("احهعويءپ", "a")
)
_WEAK_SOUNDS = str.maketrans(
    dict(zip("بتثجخدذرزسشصضطظغفقكلمنحهوي", "bttjkddrzsssdtzgfkklmnhhwy", strict=True))
    | dict(zip("cqpvxi", "kkbfsy", strict=True))
)
# Banks write the article and the name as one word: Alsuwaidi is Al Suwaidi. Albert becomes bert too, on both sides alike.
_ATTACHED_ARTICLE = re.compile("^[ae]l(?=.{4})")
_LATIN_DIGRAPHS = (("sh", "s"), ("ch", "s"), ("kh", "k"), ("gh", "g"), ("th", "t"), ("dh", "d"), ("ph", "f"))
_LATIN_SOUNDS = str.maketrans("cqpvxehiouwy", "kkbfsaaaaaaa")


def normalise_email(text: str) -> str | None:
    """The normalised address: trimmed, lower case; None if it is not a valid address."""
    plain = text if text.isascii() else text.translate(_BIDI_MARKS)
    address = plain.strip().strip("<>").lower()
    name, at, domain = address.partition("@")
    return address if at and name and "." in domain and " " not in address and "@" not in domain else None


def normalise_phone(text: str, market: str | None) -> str | None:
    """The number in E.164 (`+971501234567`), parsed in the row's market; None if it is not valid.

    Accepts Arabic-Indic digits, `00` and `+`, a trunk zero after the country code and the `p:` of Meta's lead export. A
    local number without a market is not valid: `0501234567` exists in two Gulf countries.

    Args:
        text: the number as typed.
        market: ISO 3166 code or common name of the row's country.
    """
    region = region_of(market)
    # Most numbers need no cleaning, which is slow.
    if plain := _gulf_mobile(text, region):
        return plain
    number = text.translate(PHONE_NOISE).removeprefix("p:").removeprefix("tel:")
    if cleaned := _gulf_mobile(number, region):
        return cleaned
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def plain_digits(text: str) -> str:
    """The text with Arabic-Indic and other digits replaced by 0 to 9."""
    return text if text.isascii() else text.translate(_DIGITS)


def international_phone(text: str) -> str | None:
    """The number in E.164 if it is clearly a phone number without knowing its market; None for other digits.

    With `+` or `00`, with the calling code of a Gulf country, or a mobile number of the Emirates or Saudi Arabia as dialled
    there: `0501234567`, `501234567`. Eight digits alone could be any number.
    """
    number = text.translate(PHONE_NOISE).removeprefix("p:").removeprefix("tel:")
    if number.startswith(("+", "00")):
        return normalise_phone(number, None)
    if _DIALLED.fullmatch(number):
        return normalise_phone("0" + number.removeprefix("0"), "AE") or normalise_phone(
            "0" + number.removeprefix("0"), "SA"
        )
    return normalise_phone("+" + number, None) if number.startswith(_GULF_CALLING_CODES) and len(number) > 10 else None


def _gulf_mobile(number: str, region: str | None) -> str | None:
    """A well-formed Gulf mobile number in E.164; None for any number that phonenumbers must parse."""
    if match := _INTERNATIONAL.fullmatch(number):
        digits = match[1]
        return f"+{digits[:3]}{digits[3:].removeprefix('0')}"
    if region in _LOCAL and (match := _LOCAL[region].fullmatch(number)):
        return f"+{GULF_CODE[region]}{match[1]}"
    return None


def region_of(market: str | None) -> str | None:
    """The ISO 3166 code of a market; None if it is not a country."""
    if not market:
        return None
    if market in GULF_CODE:
        return market
    name = market.strip().upper()
    return _MARKETS.get(name, name if len(name) == 2 else None)


def name_words(text: str) -> list[str]:
    """The words of a name, with compound first names joined: Abd Al Rahman, Abdul-Rahman and Abdulrahman are one word."""
    return _COMPOUND.sub(r"\1\2\3", text).split()


def name_tokens(text: str) -> list[str]:
    """The words of a name for comparison, sorted: spelling variants of a script unified, articles and titles removed."""
    return sorted({token for word in name_words(text) for token in word_tokens(word)})


def word_tokens(word: str) -> list[str]:
    """The comparable parts of one word: none for an article or title, several for a hyphenated word."""
    folded = unicodedata.normalize("NFKD", word.translate(_BIDI_MARKS)).casefold()
    folded = _ARABIC_DIACRITICS.sub("", "".join(mark for mark in folded if not unicodedata.combining(mark)))
    parts = re.findall(r"[^\W\d_]+", folded.translate(_ARABIC_UNIFIED))
    bare = (part.removeprefix("ال") if len(part) > 4 else part for part in parts)
    return [part for part in bare if len(part) > 1 and part not in _ARTICLES]


def sound_of(token: str) -> str:
    """A phonetic key of a word from its consonants, the same in both scripts: Mohammed, Muhamad and محمد are all `mmd`.

    Vowels and the letters that transliteration drops or adds (h, w, y) count only as the first sound. In a word with hardly
    any other consonant h, w and y count too: Haya and هيا are both `hy`, Maha and مها `mh`.
    """
    consonants = _consonants(token)
    return consonants if len(consonants) > 1 else _weak_consonants(token) or consonants


def _weak_consonants(token: str) -> str:
    """Consonants including h, w and y; an h or y that only spells a final vowel (ة, ى, -ah) is left out."""
    spells_a_vowel = token[-1:] in "هي" if len(token) > 2 else False
    bare = token[:-1] if spells_a_vowel or (token.endswith("ah") and len(token) > 3) else token
    letters = re.sub("[^a-z]", "", bare.translate(_WEAK_SOUNDS))
    return re.sub(r"(.)\1+", r"\1", re.sub("[aeou]", "", letters))


def _consonants(token: str) -> str:
    latin = _ATTACHED_ARTICLE.sub("", token).translate(_ARABIC_SOUNDS)
    for digraph, sound in _LATIN_DIGRAPHS:
        latin = latin.replace(digraph, sound)
    letters = latin.translate(_LATIN_SOUNDS)
    consonants = re.sub(r"([^a])\1+", r"\1", letters).replace("a", "")
    return f"a{consonants}" if letters.startswith("a") else consonants
