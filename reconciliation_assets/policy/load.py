"""Load the policy: merge the company's file into the shipped default, validate it and compute its fingerprint."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciliation_assets.errors import PlainError
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.policy.problems import problems_of, yaml_of

_REQUIRED_KEYS = ("version", "change_reason")


class PolicyError(PlainError):
    """The policy file cannot be used; the message says where the problem is and how to fix it."""


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy with the fingerprint of everything it defines.

    Attributes:
        policy: the validated definitions.
        content_hash: SHA-256 of the definitions without the version's name and reason. The same definitions have the
            same hash, whatever the layout of the file.
        origin: where it was read from, for messages.
    """

    policy: Policy
    content_hash: str
    origin: str


def load_policy(path: Path | None) -> LoadedPolicy:
    """Read the shipped default and, if a path is given, override it with the company's file.

    Raises:
        PolicyError: the file is missing, is not YAML, has an unknown key, or changes definitions without its own
            version and change reason.
    """
    default = _shipped()
    if path is None:
        return _validated(default, "the shipped default policy")
    if not path.is_file():
        raise PolicyError(f"Policy file {path} does not exist. Set RECON_POLICY to an existing file or unset it.")
    own = _parse(_content(path), str(path))
    missing = [key for key in _REQUIRED_KEYS if not str(own.get(key) or "").strip()]
    if missing:
        raise PolicyError(
            f"{path} changes the shipped definitions but has no {' and no '.join(missing)}. Add to it a version of "
            "its own (any name not used before) and a change_reason that says why it differs."
        )
    return _validated(_merged(default, own), str(path))


def policy_problems(own: dict[str, Any]) -> str | None:
    """Validation problems of the definitions before they are saved as a company's file; None if they are valid."""
    try:
        Policy.model_validate(_merged(_shipped(), own))
    except ValidationError as error:
        return "; ".join(problems_of(error, "policy"))
    return None


@cache
def _shipped() -> dict[str, Any]:
    return _parse(resources.files(__package__).joinpath("default.yaml").read_bytes(), "the shipped policy")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PolicyError(f"Policy file {path} cannot be read ({error.strerror}). Let this user read it.") from None


def _parse(content: bytes, origin: str) -> dict[str, Any]:
    try:
        document = yaml_of(content)
    except ValueError as problem:
        raise PolicyError(f"{origin} is not readable as YAML: {problem}.") from None
    if not isinstance(document, dict):
        raise PolicyError(f"{origin} must be a YAML mapping of definitions, such as 'reporting_currency: AED'.")
    return document


def _merged(default: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(default)
    for key, value in own.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = _merged(below, value)
        elif isinstance(below, list) and isinstance(value, list) and all(isinstance(item, str) for item in value):
            merged[key] = list(dict.fromkeys([*below, *value]))
        else:
            merged[key] = value
    return merged


def _validated(content: dict[str, Any], origin: str) -> LoadedPolicy:
    try:
        policy = Policy.model_validate(content)
    except ValidationError as error:
        raise PolicyError(f"{origin} cannot be used: {'; '.join(problems_of(error, 'policy'))}") from None
    fingerprint = hashlib.sha256(
        json.dumps(policy.definitions, sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()
    return LoadedPolicy(policy, fingerprint, origin)
