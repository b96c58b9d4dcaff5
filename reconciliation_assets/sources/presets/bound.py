"""Texts from presets and file headings as bound SQL parameters; they are never part of a statement."""

import re


class BoundTexts:
    """Collects texts as named SQL parameters."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, text: str | None) -> str:
        """The SQL placeholder for a text; a null of type varchar for None."""
        return "cast(null as varchar)" if text is None else f"${self._names.setdefault(text, f't{len(self._names)}')}"

    def of(self, sql: str) -> dict[str, str]:
        """The parameters that a statement names; the engine rejects any others."""
        named = set(re.findall(r"\$(t\d+)", sql))
        return {name: text for text, name in self._names.items() if name in named}
