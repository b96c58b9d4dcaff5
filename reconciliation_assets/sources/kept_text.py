"""What is kept of text that people wrote: no contact in any spelling, of free text its IDs and known words, of an address its page.

Names cannot be told from other words, so free text is not searched for them: it is kept only as far as its words are known.
Labels, such as the names of campaigns and stages, are kept as written but for contacts; docs/definitions/kept.md lists them and why.
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
"""What stands for words that were left out."""

StandIn = Callable[[str], str]

_DECODED_AT_MOST = 4
# No label is as long; whoever puts a book into a cell would keep the search for contacts busy for ever.
_LONGEST = 1_000
# What any spelling of a contact in ASCII has: a sign, digits in a row, or a code.
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
# Banks break IDs at blanks: FLX W10. Capitals without a vowel are a code; a name has one.
_CODE = re.compile(r"[B-DF-HJ-NP-TV-XZ]{2,5}")
_WORDS_OF_PART = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_QUERY = re.compile(r"[?#;].*$", re.DOTALL)
_USER_OF_URL = re.compile(r"^(\w+://)[^/@]*@")


def without_contacts(text: str, stand_in: StandIn) -> str:
    """A text with every e-mail address and phone number in it replaced; one that hides any in a code is replaced whole.

    Args:
        text: an ID, a label, the path of a page.
        stand_in: what to write for a contact, given as it is compared, or for a whole text.
    """
    if text.isascii() and not _SUSPECT.search(text):
        return text
    if len(text) > _LONGEST:
        return stand_in(text)
    plain = text
    if _SIGN.search(text):
        plain = _PLAIN_ADDRESS.sub(lambda found: stand_in(f"{found[1]}@{found[2]}".lower()), text)
    if any(map(_holds_address, _views(plain))):
        return stand_in(text)
    replaced = _PHONE.sub(lambda found: _without_phone(found[0], stand_in), plain_digits(plain))
    if replaced != plain_digits(plain):
        return replaced
    return stand_in(text) if any(_holds_phone(view) for view in _views(plain)) else plain


def known_words(text: str, stand_in: StandIn) -> str:
    """A text's IDs and known words; for the others, however many, stands one mark."""
    if _ID.fullmatch(text) and not _SUSPECT.search(text):
        return text
    kept: list[str] = []
    for part in _PART.findall(without_contacts(text, stand_in)):
        said = part if _is_known(part) else LEFT_OUT
        if said != LEFT_OUT or kept[-1:] != [LEFT_OUT]:
            kept.append(said)
    return " ".join(kept)


def page(url: str, stand_in: StandIn) -> str:
    """The host and path of a page's address: what is behind them says who came, not where to."""
    # A `#` or `;` may be part of a letter's code, and what stands before it of an address.
    said = html.unescape(html.unescape(url.strip())) if "&" in url else url.strip()
    path = _USER_OF_URL.sub(r"\1", _QUERY.sub("", said))
    return "/".join(without_contacts(part, stand_in) for part in path.split("/"))


def shown_heading(heading: str, place: int) -> str:
    """A heading that is not read, as it is kept and told: as written if all its words are known, else by where it stands.

    Args:
        heading: the heading, or a name of JSON.
        place: which of the file's columns it is, from 1.
    """
    known = known_words(heading, lambda _: LEFT_OUT)
    return " ".join(heading.split()) if known and LEFT_OUT not in known else f"column {place}"


def shown_name(path: Path) -> str:
    """A file's name as it is kept and told: people must find the file by it, so it is as written but for contacts."""
    return without_contacts(path.name, lambda _: LEFT_OUT)


def _is_known(part: str) -> bool:
    if _ID.fullmatch(part.rstrip(".:-")) or _CODE.fullmatch(part):
        return True
    words = _WORDS_OF_PART.findall(part)
    return (bool(words) or not any(map(str.isalnum, part))) and all(
        word.lower().replace("'", "").replace("’", "") in _known() for word in words
    )


@cache
def _known() -> frozenset[str]:
    lines = resources.files(__package__).joinpath("known_words.txt").read_text("utf-8").splitlines()
    listed = {word for line in lines if not line.startswith("#") for word in line.partition(":")[2].split()}
    columns = {word for table in INPUT_TABLES for column in table for word in column.name.split("_")}
    return frozenset(listed | columns)


def _views(text: str) -> Iterator[str]:
    """The text, and what it is when it is decoded, again and again."""
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
        yield from _readable(token)


def _readable(token: str) -> Iterator[str]:
    """What a token says in hexadecimal or base64, where that is text."""
    if token.isdigit() or (token.isalpha() and (token.islower() or token.istitle())):
        return
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    for decode in (bytes.fromhex, lambda coded: base64.b64decode(coded, validate=True), base64.urlsafe_b64decode):
        try:
            said = decode(token if decode == bytes.fromhex else padded).decode("utf-8")
        except (ValueError, binascii.Error):
            continue
        if said.isprintable():
            yield said


def _without_phone(found: str, stand_in: StandIn) -> str:
    """Digits in a row with every phone number among them replaced: another number may stand right beside it."""
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
    # The sign first: looking for the whole of an address takes the square of a text's length.
    return bool(_SIGN.search(text) and (_ADDRESS.search(text) or _NAME_AT_DOMAIN.search(text)))


def _holds_phone(text: str) -> bool:
    return any(international_phone(found) for found in _PHONE.findall(plain_digits(text)))
