"""OAuth tokens whose refresh token is replaced with every use and may be used only once."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciliation_assets.sources.tokens import TokenStore


@dataclass(frozen=True, repr=False)
class TokenPair:
    """An access token, and the refresh token that gets the next pair; without a repr, being secrets."""

    access_token: str
    refresh_token: str


class RotatingToken:
    """Bearer credentials out of a chain of token pairs.

    A renewal is made by one process at a time, and the new pair is saved before it is used. A process that finds the
    saved pair renewed by another takes that one instead.

    Args:
        source: the source's name, under which its pair is kept.
        tokens: where it is kept.
        first_refresh_token: of the installation; another one starts a new chain.
        grant: trades a refresh token for the next pair. Must not try twice.
    """

    def __init__(
        self, source: str, tokens: TokenStore, first_refresh_token: str, grant: Callable[[str], TokenPair]
    ) -> None:
        self._source = source
        self._tokens = tokens
        self._first = first_refresh_token
        self._grant = grant
        self._pair: TokenPair | None = None

    def headers(self) -> Mapping[str, str]:
        """The Authorization header, after a first grant where no pair is kept."""
        pair = self._pair or self._renewed()
        return {"Authorization": f"Bearer {pair.access_token}"}

    def renew(self) -> bool:
        """Replace the pair that was refused."""
        self._renewed()
        return True

    def _renewed(self) -> TokenPair:
        with self._tokens.hold(self._source):
            kept = self._kept()
            if kept is None or kept == self._pair:
                kept = self._grant(kept.refresh_token if kept else self._first)
                self._keep(kept)
            self._pair = kept
            return kept

    def _kept(self) -> TokenPair | None:
        text = self._tokens.load(self._source)
        saved = json.loads(text) if text else {}
        if saved.get("installation") != self._installation():
            return None
        return TokenPair(saved["access_token"], saved["refresh_token"])

    def _keep(self, pair: TokenPair) -> None:
        saved = {
            "installation": self._installation(),
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
        }
        self._tokens.save(self._source, json.dumps(saved))

    def _installation(self) -> str:
        """Tells chains apart without keeping the first token."""
        return hashlib.sha256(self._first.encode()).hexdigest()
