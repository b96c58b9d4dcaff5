"""Finding presets: the shipped ones, with a company's own laid over or beside them."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciliation_assets.policy.problems import problems_of, yaml_of
from reconciliation_assets.sources.presets.model import Preset


class PresetError(ValueError):
    """A preset file cannot be used; the message says where and what to do."""


def load_presets(folder: Path) -> tuple[Preset, ...]:
    """The shipped presets and those of a company's folder, by name; one of the same name replaces the shipped one.

    A file that says `extends: <preset>` is laid over that one: lists of headings grow, everything else is replaced.

    Raises:
        PresetError: a file is not YAML, names something unknown, or leaves a required column of its table empty.
    """
    presets = {preset.name: preset for preset in shipped_presets()}
    for path in sorted(folder.glob("*.yaml") if folder.is_dir() else []):
        if path.is_file():
            origin = f"presets/{path.name}"
            content = _extended(_parsed(path.read_bytes(), origin), origin, _shipped())
            presets[path.stem] = _validated(path.stem, content, origin)
    return tuple(presets[name] for name in sorted(presets))


@cache
def shipped_presets() -> tuple[Preset, ...]:
    """The presets that come with the product."""
    return tuple(_validated(name, content, name) for name, content in sorted(_shipped().items()))


def fingerprint(preset: Preset) -> str:
    """A short code of a preset's content: files are read anew under a changed preset."""
    return hashlib.sha256(preset.model_dump_json().encode()).hexdigest()[:16]


@cache
def _shipped() -> Mapping[str, dict[str, Any]]:
    folder = resources.files(__package__)
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return {file.name.removesuffix(".yaml"): _parsed(file.read_bytes(), file.name) for file in files}


def _parsed(content: bytes, origin: str) -> dict[str, Any]:
    try:
        document = yaml_of(content)
    except ValueError as problem:
        raise PresetError(
            f"{origin} is not readable as YAML: {problem}. Write it as docs/sources/files.md shows."
        ) from None
    if not isinstance(document, dict):
        raise PresetError(f"{origin} must be a YAML mapping. Write it as docs/sources/files.md shows.")
    return document


def _extended(content: dict[str, Any], origin: str, shipped: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    base = content.get("extends")
    if base is None:
        return content
    if base not in shipped:
        raise PresetError(f"{origin} extends {base!r}, which is not shipped. Use one of: {', '.join(sorted(shipped))}.")
    return _laid_over(shipped[base], {key: value for key, value in content.items() if key != "extends"})


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = _laid_over(under, value)
        elif key == "headings" and isinstance(under, list) and isinstance(value, list):
            merged[key] = list(dict.fromkeys([*under, *value]))
        else:
            merged[key] = value
    return merged


def _validated(name: str, content: dict[str, Any], origin: str) -> Preset:
    try:
        return Preset.model_validate({**content, "name": name})
    except ValidationError as error:
        problems = "; ".join(problems_of(error, "preset"))
        raise PresetError(f"{origin} cannot be used: {problems}. Write it as docs/sources/files.md shows.") from None
