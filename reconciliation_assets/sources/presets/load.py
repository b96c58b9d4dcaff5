"""Loading of presets: the shipped ones, and a company's own, which extend, replace or add to them."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciliation_assets.errors import PlainError
from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.problems import problems_of, yaml_of
from reconciliation_assets.sources.presets.draft import FILL_IN, Draft
from reconciliation_assets.sources.presets.model import Preset


class PresetError(PlainError):
    """A preset file cannot be used; the message names the place and what to do."""


def load_presets(folder: Path, assumed_currency: str | None = None) -> tuple[Preset, ...]:
    """The shipped presets and those in a company's folder, sorted by name; one of the same name replaces the shipped one.

    A file with `extends: <preset>` is merged into that preset: lists of headings grow, everything else is replaced.

    Args:
        folder: the folder of the company's own presets.
        assumed_currency: currency of files that name none; with None their rows go to quarantine.

    Raises:
        PresetError: a file is not YAML, names something unknown, or leaves a required column of its table empty.
    """
    assumed = {"assumed_currency": assumed_currency} if assumed_currency else {}
    presets = {preset.name: preset for preset in shipped_presets(assumed_currency)}
    for path in sorted(folder.glob("*.yaml") if folder.is_dir() else []):
        if path.is_file():
            origin = f"presets/{path.name}"
            content = _extended(_parsed(path.read_bytes(), origin), origin, _shipped())
            presets[path.stem] = _validated(path.stem, assumed | content, origin)
    return tuple(presets[name] for name in sorted(presets))


def save_preset(folder: Path, draft: Draft) -> Path:
    """Write a draft preset into a company's folder; returns its path.

    Raises:
        PresetError: a preset of that name already exists, or the draft is not completely filled in.
    """
    place = folder / f"{draft.name}.yaml"
    if place.exists():
        raise PresetError(f"presets/{place.name} is there already; put the lines above into it.")
    if FILL_IN in draft.text:
        raise PresetError(
            f"the preset still asks for something ({FILL_IN}); say --currency where that is it, or fill it in and save it as presets/{place.name}."
        )
    with atomic_file(place) as unfinished:
        unfinished.write_text(draft.text, encoding="utf-8")
    return place


@cache
def shipped_presets(assumed_currency: str | None = None) -> tuple[Preset, ...]:
    """The presets that come with the product.

    Args:
        assumed_currency: currency of files that name none; with None their rows go to quarantine.
    """
    assumed = {"assumed_currency": assumed_currency} if assumed_currency else {}
    return tuple(
        _validated(name, assumed | content, f"the shipped preset {name}")
        for name, content in sorted(_shipped().items())
    )


def fingerprint(preset: Preset) -> str:
    """A hash of a preset's content (16 hex digits): files are read again when their preset changes."""
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
