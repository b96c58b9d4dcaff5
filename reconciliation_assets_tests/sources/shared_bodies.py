"""Real bodies and official specs from outside, which lie beside the project and are not part of it."""

import gzip
import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

_BESIDE_THE_PROJECT = Path(__file__).parents[2].parent / "shared"
API = Path(os.environ.get("RECON_SHARED", _BESIDE_THE_PROJECT)) / "data" / "api"


def shared_json(path: str) -> Any:
    """A JSON file under the shared API material, packed or not; skips the test where there is none."""
    return json.loads(_text(path))


def shared_yaml(path: str) -> Any:
    """A YAML file under the shared API material; skips the test where there is none."""
    return yaml.safe_load(_text(path))


def recorded(system: str, stream: str) -> list[dict[str, Any]]:
    """The bodies recorded of one kind of record; skips the test where there are none."""
    lines = map(json.loads, _text(f"{system}/recorded.jsonl").splitlines())
    return [line["data"] for line in lines if line["stream"] == stream]


def unlike(real: Mapping[str, Any], told: Mapping[str, Any], path: str = "") -> list[str]:
    """Fields of an invented body that a real one does not have, or has in another type; what is null on either side says nothing."""
    found = []
    for name, value in told.items():
        where = f"{path}{name}"
        if name not in real:
            found.append(f"{where} is not there")
        elif isinstance(value, Mapping) and isinstance(real[name], Mapping) and real[name]:
            found += unlike(real[name], value, f"{where}.")
        elif value is not None and real[name] is not None and _type_of(value) != _type_of(real[name]):
            found.append(f"{where} is {_type_of(real[name])}, not {_type_of(value)}")
    return found


def _type_of(value: object) -> str:
    if isinstance(value, bool | str):
        return type(value).__name__
    return "number" if isinstance(value, int | float | Decimal) else "list" if isinstance(value, list) else "object"


def _text(path: str) -> str:
    file = API / path
    if not file.exists():
        pytest.skip(f"needs ../shared/data/api/{path}, which is not part of the project")
    return gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text(encoding="utf-8")
