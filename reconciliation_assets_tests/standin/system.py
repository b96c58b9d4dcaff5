"""What every stand-in system is: a table of routes, its own way to refuse, and replies as plain data."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from reconciliation_assets_tests.standin.company import Company

TOKEN = "standin-secret-token"


@dataclass
class Request:
    """One request as the systems see it; `body` is parsed JSON or a form's fields."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Reply:
    """One reply; a body of None is sent empty."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        return b"" if self.body is None else json.dumps(self.body, default=_number, ensure_ascii=False).encode()


Handler = Callable[[Request], Reply]


class System:
    """One outside system.

    Args:
        company: whose data it holds.
    """

    name: str

    def __init__(self, company: Company) -> None:
        self.company = company

    def routes(self) -> Mapping[str, Callable[..., Reply]]:
        """`METHOD /path/(?P<name>...)` to the handler; the handler's name is the kind of call."""
        raise NotImplementedError

    def authorised(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def refuse(self, kind: str) -> Reply:
        """The system's own answer to `expired_token`, `missing_permission`, `rate_limited` and `server_error`."""
        status = {"expired_token": 401, "missing_permission": 403, "rate_limited": 429, "server_error": 503}[kind]
        return Reply({"message": kind}, status, {"Retry-After": "1"} if status == 429 else {})

    def is_open(self, call: str) -> bool:
        """Whether a call needs no token, such as the one that grants it."""
        return call.startswith("grant")

    def find(self, request: Request) -> tuple[str, Callable[[], Reply]] | None:
        """The kind of call a request is, and what answers it."""
        for route, handler in self.routes().items():
            matched = re.fullmatch(route, f"{request.method} {request.path}")
            if matched:
                return handler.__name__, partial(handler, request, **matched.groupdict())
        return None


def page_of(records: list[Any], start: int, size: int) -> tuple[list[Any], bool]:
    """A slice of records, and whether more follow."""
    return records[start : start + size], start + size < len(records)


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(type(value).__name__)
