"""The texts of reports in the language of the policy's locale, from the catalogues in `locale/`.

The English text is the key. A catalogue is a gettext `.po` file that is read directly, without a compile step. A language
without a catalogue gets English.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final, TypeVar

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Key = TypeVar("Key")


class Wording:
    """Translates English texts into one language, with its plural forms.

    Args:
        language: ISO code, as in a page's `lang` attribute.
        direction: `ltr` or `rtl`.
        catalogue: the translations.
    """

    def __init__(self, language: str, direction: str, catalogue: NullTranslations) -> None:
        self.language = language
        self.direction = direction
        self._catalogue = catalogue

    def __call__(self, english: str, /, **values: object) -> str:
        """The translation of a text, with its `{named}` values filled in."""
        said = self._catalogue.gettext(english) if english else english
        return said.format(**values) if values else said

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The translation of a text that contains a number, in the plural form for that number."""
        return self._catalogue.ngettext(one, many, number).format(**values)

    def all(self, words: dict[Key, str]) -> dict[Key, str]:
        """The mapping with translated texts."""
        return {key: self(text) for key, text in words.items()}

    def template(self, source: str) -> str:
        """A page's template with its text translated; expressions, blocks and table names stay."""
        return _each_text(source, self)


ENGLISH: Final = Wording("en", "ltr", NullTranslations())


@cache
def wording(locale: str) -> Wording:
    """The wording of a CLDR locale, such as ar_AE."""
    parsed = Locale.parse(locale)
    catalogue = files("reconciliation_assets.publish").joinpath("locale", parsed.language, "LC_MESSAGES", "reports.po")
    if not catalogue.is_file():
        return ENGLISH
    compiled = BytesIO()
    with catalogue.open("rb") as file:
        write_mo(compiled, read_po(file, locale=parsed.language))
    compiled.seek(0)
    return Wording(parsed.language, parsed.text_direction, GNUTranslations(compiled))


def texts_of(template: str) -> Iterator[str]:
    """All texts of a page's template as catalogue keys: expressions and table names become `{1}`, `{2}`, ..."""
    found: list[str] = []

    def collect(text: str) -> str:
        found.append(text)
        return text

    _each_text(template, collect)
    yield from found
    yield from re.findall(r'say\("([^"]+)"', template)


_FILLED_IN = re.compile(r"{{.*?}}|<code\b[^>]*>.*?</code>", re.DOTALL)
# A text ends at blocks, comments and tags, except `<code>` tags of table names; tags and texts may contain expressions.
_PART = re.compile(
    r'(?P<end>{%.*?%}|{#.*?#}|<(?!/?code\b)(?:{{.*?}}|{%.*?%}|"(?:{{.*?}}|{%.*?%}|[^"])*"|[^>"{]|{(?![{%]))*>)'
    r"|{{.*?}}|[^<{]+|.",
    re.DOTALL,
)
_READ_ALOUD = re.compile(r'((?:aria-label|data-label)=")((?:{{.*?}}|[^"])*)(")')


def _each_text(source: str, say: Callable[[str], str]) -> str:
    parts, text = [], ""
    for part in _PART.finditer(source):
        if part["end"] is None:
            text += part[0]
            continue
        parts += [
            _said(text, say),
            _READ_ALOUD.sub(lambda found: f"{found[1]}{_said(found[2], say)}{found[3]}", part[0]),
        ]
        text = ""
    return "".join([*parts, _said(text, say)])


def _said(text: str, say: Callable[[str], str]) -> str:
    filled_in: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        filled_in.append(found[0])
        return f"{{{len(filled_in)}}}"

    key = " ".join(_FILLED_IN.sub(numbered, text).split())
    if not re.search(r"[A-Za-z]", key):
        return text
    translated = say(key)
    if translated == key:
        return text
    before, after = re.match(r"\s*", text), re.search(r"\s*$", text)
    said = re.sub(r"{(\d+)}", lambda found: filled_in[int(found[1]) - 1], translated)
    return f"{before[0] if before else ''}{said}{after[0] if after else ''}"
