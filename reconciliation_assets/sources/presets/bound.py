"""Texts from outside as parameters of SQL: words of presets and headings of files are never part of a statement."""

import re


class BoundTexts:
    """Parameters of statements, made one text after another."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, text: str | None) -> str:
        """What stands for a text in SQL."""
        return "cast(null as varchar)" if text is None else f"${self._names.setdefault(text, f't{len(self._names)}')}"

    def of(self, sql: str) -> dict[str, str]:
        """The parameters that a statement names; the engine refuses any other."""
        named = set(re.findall(r"\$(t\d+)", sql))
        return {name: text for text, name in self._names.items() if name in named}
