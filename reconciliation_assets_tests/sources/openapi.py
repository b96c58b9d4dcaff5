"""Holding requests and answers against a system's official OpenAPI document."""

from typing import Any

import jsonschema  # type: ignore[import-untyped]


def violations(spec: dict[str, Any], schema: str, body: Any) -> list[str]:
    """What in a body is against a schema of the spec's components; empty properties are no violation."""
    document = {"$ref": f"#/components/schemas/{schema}", "components": spec["components"]}
    return [error.message for error in jsonschema.Draft4Validator(document).iter_errors(_without_nulls(body))]


def _without_nulls(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _without_nulls(value) for name, value in body.items() if value is not None}
    if isinstance(body, list):
        return [_without_nulls(value) for value in body]
    return body
