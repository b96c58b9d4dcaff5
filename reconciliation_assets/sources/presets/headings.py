"""Headings as they compare: case, blanks, punctuation, vowel marks and forms of Arabic letters do not matter."""

import re
import unicodedata

CURRENCY = "*"
_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": None})
_APART = re.compile(rf"[^\w{re.escape(CURRENCY)}#%]+|_")


def folded(heading: str) -> str:
    """A heading for comparing; `#`, `%` and the `*` that stands for a currency keep their meaning."""
    decomposed = unicodedata.normalize("NFKD", heading.translate(_LETTERS))
    plain = "".join(letter for letter in decomposed if unicodedata.category(letter) not in {"Mn", "Cf"})
    return " ".join(_APART.sub(" ", plain.translate(_LETTERS).casefold()).split())


def currency_in(heading: str, pattern: str) -> str | None:
    """The currency code of a heading that fits a pattern with a `*`; None where it does not fit.

    Both are folded.
    """
    before, star, after = pattern.partition(CURRENCY)
    if not star:
        return None
    found = re.fullmatch(rf"{re.escape(before)}([a-z]{{3}}){re.escape(after)}", heading)
    return found.group(1).upper() if found else None


def fits(heading: str, pattern: str) -> bool:
    """Whether a folded heading is what a folded pattern says."""
    return heading == pattern or currency_in(heading, pattern) is not None
