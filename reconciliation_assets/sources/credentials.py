"""Credentials: secrets are read from named environment variables and sent in headers, never in the URL."""

import base64
import os
from collections.abc import Callable, Mapping
from typing import Protocol

from reconciliation_assets.sources.errors import Misconfigured


class Credentials(Protocol):
    """Authenticates requests."""

    def headers(self) -> Mapping[str, str]:
        """The headers that authenticate one request."""

    def renew(self) -> bool:
        """Replace the refused credentials; False if only a person can."""


class FixedHeaders:
    """Credentials that only a person can replace: an API key, a long-lived token."""

    def __init__(self, **headers: str) -> None:
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def headers(self) -> Mapping[str, str]:
        """The headers as given."""
        return self._headers

    def renew(self) -> bool:
        """Always False: only a person can replace them."""
        return False


class GrantedToken:
    """A short-lived bearer token; a new one is requested whenever the system refuses the last one.

    Args:
        grant: requests a token from the system.
        scheme: the word before the token in the Authorization header.
    """

    def __init__(self, grant: Callable[[], str], scheme: str = "Bearer") -> None:
        self._grant = grant
        self._scheme = scheme
        self._token: str | None = None

    def headers(self) -> Mapping[str, str]:
        """The Authorization header; requests a first token if there is none."""
        if self._token is None:
            self._token = self._grant()
        return {"Authorization": f"{self._scheme} {self._token}"}

    def renew(self) -> bool:
        """Request a new token."""
        self._token = self._grant()
        return True


def bearer(token: str) -> FixedHeaders:
    """The usual Authorization header for a token."""
    return FixedHeaders(Authorization=f"Bearer {token}")


def basic(user: str, password: str) -> FixedHeaders:
    """HTTP basic authentication."""
    return FixedHeaders(Authorization="Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def secret(system: str, variable: str) -> str:
    """The secret in an environment variable.

    Raises:
        Misconfigured: the variable is not set.
    """
    value = os.environ.get(variable, "").strip()
    if not value:
        raise Misconfigured(
            system, f"the environment variable {variable} is not set", "Set it to the source's credential"
        )
    return value
