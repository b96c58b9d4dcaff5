"""What is stored of text that people wrote: never a contact; of free text only IDs and known words; of a URL only its page.

Names cannot be distinguished from other words, so free text is not searched for them: only known words are kept. Labels, such
as names of campaigns and stages, are kept as written except for contacts. docs/definitions/kept.md lists both with reasons.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from urllib.parse import unquote

from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.sources.contacts import international_phone, plain_digits

LEFT_OUT = "…"
"""Replaces words that are not kept."""

StandIn = Callable[[str], str]

_DECODED_AT_MOST = 4
# No label is longer; the search for contacts would take far too long in a very long cell.
_LONGEST = 1_000
# Every contact in ASCII has one of these: a special character, a run of digits, or an encoded part.
_SUSPECT = re.compile(r"[@%&\\=]|\bat\b|\d(?:[ ().\-/]{0,2}\d){6}|[A-Za-z0-9+/_=-]{10}", re.IGNORECASE)
_AT = r"(?:@|%40|\s*[(\[{<]\s*at\s*[)\]}>]\s*|\s+at\s+)"
_DOT = r"(?:\.|\s*[(\[{<]\s*dot\s*[)\]}>]\s*|\s+dot\s+)"
_ADDRESS = re.compile(rf"([\w.+-]+){_AT}([\w-]+(?:{_DOT}[\w-]{{2,}})+)", re.IGNORECASE)
_NAME_AT_DOMAIN = re.compile(rf"[\w.+-]+{_AT}domain\b", re.IGNORECASE)
_SIGN = re.compile(r"@|%40|\bat\b", re.IGNORECASE)
_PLAIN_ADDRESS = re.compile(r"([\w.+-]+)(?:@|%40)([\w-]+(?:\.[\w-]+)+)")
_PHONE = re.compile(r"(?<![\w.+])(?:p:|tel:)?(?:\+|00)?\(?\d(?:[ ().\-/]{0,2}\d){6,16}(?![\w.]*\w)")
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{10,}")
_PART = re.compile(r"[^\s,;|()\[\]{}\"“”«»،؛]+")
_ID = re.compile(r"(?=[^\d]*\d)[A-Za-z0-9#][A-Za-z0-9_./:#*-]*")
# Banks split IDs by spaces: FLX W10. Capitals without a vowel are a code, because a name has a vowel.
_CODE = re.compile(r"[B-DF-HJ-NP-TV-XZ]{2,5}")
_WORDS_OF_PART = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_QUERY = re.compile(r"[?#;].*$", re.DOTALL)
_USER_OF_URL = re.compile(r"^(\w+://)[^/@]*@")


def without_contacts(text: str, stand_in: StandIn) -> str:
    """The text with every e-mail address and phone number replaced; a text with an encoded contact is replaced as a whole.

    Args:
        text: an ID, a label, the path of a page.
        stand_in: returns the replacement of a normalised contact, or of a whole text.
    """
    if text.isascii() and not _SUSPECT.search(text):
        return text
    if len(text) > _LONGEST:
        return stand_in(text)
    plain = text
    if _SIGN.search(text):
        plain = _PLAIN_ADDRESS.sub(lambda found: stand_in(f"{found[1]}@{found[2]}".lower()), text)
    if any(map(_holds_address, _decodings(plain))):
        return stand_in(text)
    replaced = _PHONE.sub(lambda found: _without_phone(found[0], stand_in), plain_digits(plain))
    if replaced != plain_digits(plain):
        return replaced
    return stand_in(text) if any(_holds_phone(view) for view in _decodings(plain)) else plain


def known_words(text: str, stand_in: StandIn, own_words: frozenset[str] = frozenset()) -> str:
    """A text's IDs and known words; each run of other words is replaced by one mark.

    Args:
        text: what somebody wrote.
        stand_in: returns the replacement of a normalised contact, or of a whole text.
        own_words: words that the company keeps besides the known ones, in lower case.
    """
    if _ID.fullmatch(text) and not _SUSPECT.search(text):
        return text
    kept: list[str] = []
    for part in _PART.findall(without_contacts(text, stand_in)):
        word = part if _is_known(part, own_words) else LEFT_OUT
        if word != LEFT_OUT or kept[-1:] != [LEFT_OUT]:
            kept.append(word)
    return " ".join(kept)


def page(url: str, stand_in: StandIn) -> str:
    """The host and path of a URL without contacts: the query and fragment identify the visitor, not the page."""
    # Decode HTML entities first: a `#` or `;` may be part of one, and the text before it part of an e-mail address.
    address = html.unescape(html.unescape(url.strip())) if "&" in url else url.strip()
    path = _USER_OF_URL.sub(r"\1", _QUERY.sub("", address))
    return "/".join(without_contacts(part, stand_in) for part in path.split("/"))


def shown_heading(heading: str, place: int) -> str:
    """A heading that is not read, for storing and messages: as written if all its words are known, else its column number.

    Args:
        heading: the heading, or a JSON name.
        place: column number in the file, from 1.
    """
    known = known_words(heading, lambda _: LEFT_OUT)
    return " ".join(heading.split()) if known and LEFT_OUT not in known else f"column {place}"


def shown_name(path: Path) -> str:
    """A file's name for storing and messages: as written except for contacts, so that people can find the file."""
    return without_contacts(path.name, lambda _: LEFT_OUT)


def _is_known(part: str, own_words: frozenset[str]) -> bool:
    if _ID.fullmatch(part.rstrip(".:-")) or _CODE.fullmatch(part):
        return True
    words = _WORDS_OF_PART.findall(part)
    return (bool(words) or not any(map(str.isalnum, part))) and all(
        folded in _known() or folded in own_words
        for folded in (word.lower().replace("'", "").replace("’", "") for word in words)
    )


@cache
def _known() -> frozenset[str]:
    lines = resources.files(__package__).joinpath("known_words.txt").read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.partition(":")[2].split()}
    columns = {word for table in INPUT_TABLES for column in table for word in column.name.split("_")}
    return frozenset(words | columns)


def _decodings(text: str) -> Iterator[str]:
    """The text and its repeated decodings."""
    seen = {text}
    layer = [text]
    yield text
    for _ in range(_DECODED_AT_MOST):
        layer = [view for each in layer for view in _decoded(each) if view not in seen]
        seen.update(layer)
        yield from layer


def _decoded(text: str) -> Iterator[str]:
    if not text.isascii():
        yield unicodedata.normalize("NFKC", "".join(mark for mark in text if unicodedata.category(mark) != "Cf"))
    if "&" in text:
        yield html.unescape(text)
    if "%" in text:
        yield unquote(text)
    if "\\" in text or "=" in text:
        yield re.sub(r"(?:\\u00|\\x|=)([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)
    for token in _TOKEN.findall(text):
        yield from _decoded_token(token)


def _decoded_token(token: str) -> Iterator[str]:
    """The token decoded from hexadecimal or base64, if the result is text."""
    if token.isdigit() or (token.isalpha() and (token.islower() or token.istitle())):
        return
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    for decode in (bytes.fromhex, lambda coded: base64.b64decode(coded, validate=True), base64.urlsafe_b64decode):
        try:
            text = decode(token if decode == bytes.fromhex else padded).decode("utf-8")
        except (ValueError, binascii.Error):
            continue
        if text.isprintable():
            yield text


def _without_phone(found: str, stand_in: StandIn) -> str:
    """A run of digits with every phone number replaced; other numbers may be next to it."""
    parts = found.split(" ")
    for length in range(len(parts), 0, -1):
        for start in range(len(parts) - length + 1):
            end = start + length
            if number := international_phone(" ".join(parts[start:end])):
                around = [" ".join(parts[:start]), stand_in(number), " ".join(parts[end:])]
                return " ".join(
                    part if part is around[1] else _without_phone(part, stand_in) for part in around if part
                )
    return found


def _holds_address(text: str) -> bool:
    # Look for the sign first: the search for a whole address takes quadratic time.
    return bool(_SIGN.search(text) and (_ADDRESS.search(text) or _NAME_AT_DOMAIN.search(text)))


def _holds_phone(text: str) -> bool:
    return any(international_phone(found) for found in _PHONE.findall(plain_digits(text)))
