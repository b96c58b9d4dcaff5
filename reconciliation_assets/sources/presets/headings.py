"""Comparison of headings: case, blanks, punctuation, vowel marks and forms of Arabic letters do not matter."""

import re
import unicodedata
from functools import lru_cache

CURRENCY = "*"
_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": None})
_APART = re.compile(rf"[^\w{re.escape(CURRENCY)}#%]+|_")

# Currency names that headings have in brackets, folded, longer ones first. A name that several currencies share has no code.
_UNITS = {
    **dict.fromkeys(("درهم اماراتي", "درهم", "د ا", "dirhams", "dirham", "dhs", "aed"), "AED"),
    **dict.fromkeys(("ريال سعودي", "ر س", "sr", "sar"), "SAR"),
    **dict.fromkeys(("ريال قطري", "ر ق", "qr", "qar"), "QAR"),
    **dict.fromkeys(("ريال عماني", "ر ع", "omr"), "OMR"),
    **dict.fromkeys(("دينار كويتي", "د ك", "kd", "kwd"), "KWD"),
    **dict.fromkeys(("دينار بحريني", "د ب", "bd", "bhd"), "BHD"),
    **dict.fromkeys(("دولار", "usd"), "USD"),
    **{code.lower(): code for code in ("EUR", "GBP", "EGP", "JOD")},
    **dict.fromkeys(("ريال", "riyals", "riyal", "دينار", "dinars", "dinar"), ""),
}


def folded(heading: str) -> str:
    """A heading in the form used for comparison; `#`, `%` and `*` (the placeholder of a currency) are kept."""
    decomposed = unicodedata.normalize("NFKD", heading.translate(_LETTERS))
    plain = "".join(letter for letter in decomposed if unicodedata.category(letter) not in {"Mn", "Cf"})
    return " ".join(_APART.sub(" ", plain.translate(_LETTERS).casefold()).split())


def currency_in(heading: str, pattern: str) -> str | None:
    """The currency code in a heading that fits a pattern with a `*`; None if it does not fit.

    Both are folded.
    """
    before, star, after = pattern.partition(CURRENCY)
    if not star:
        return None
    found = re.fullmatch(rf"{re.escape(before)}([a-z]{{3}}){re.escape(after)}", heading)
    return found.group(1).upper() if found else None


# Cached, because each heading is compared with those of every preset.
@lru_cache(maxsize=4096)
def unit_of(heading: str) -> tuple[str, str | None]:
    """A folded heading without the currency name at its end, and the currency code.

    The code is None if there is no currency name, and empty if several currencies share the name, such as riyal.
    """
    for unit, code in _UNITS.items():
        before = heading.removesuffix(f" {unit}")
        if before != heading:
            return before, code
    return heading, None


def fits(heading: str, pattern: str) -> bool:
    """Whether a folded heading fits a folded pattern, with or without a currency name at its end."""
    return heading == pattern or currency_in(heading, pattern) is not None or unit_of(heading)[0] == pattern
