"""Holding requests and answers against a system's official OpenAPI document."""

from decimal import Decimal
from typing import Any

import jsonschema  # type: ignore[import-untyped]


def violations(spec: dict[str, Any], schema: str, body: Any) -> list[str]:
    """What in a body is against a schema of the spec's components; empty properties are no violation."""
    document = {"$ref": f"#/components/schemas/{schema}", "components": spec["components"]}
    return [error.message for error in jsonschema.Draft4Validator(document).iter_errors(_plain(body))]


def schema_violations(schema: dict[str, Any], body: Any) -> list[str]:
    """What in a body is against a JSON schema."""
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(_plain(body))]


def _plain(body: Any) -> Any:
    """A body as it is on the wire, less its empty properties."""
    if isinstance(body, dict):
        return {name: _plain(value) for name, value in body.items() if value is not None}
    if isinstance(body, list):
        return [_plain(value) for value in body]
    return float(body) if isinstance(body, Decimal) else body
