"""OAuth tokens with single-use refresh tokens: every use returns a new one."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciliation_assets.sources.errors import ExpiredCredentials
from reconciliation_assets.sources.tokens import TokenStore

_ASKED_AT = "asked_at"


@dataclass(frozen=True, repr=False)
class TokenPair:
    """An access token, and the refresh token for the next pair; without a repr, because they are secrets."""

    access_token: str
    refresh_token: str


class RotatingToken:
    """Bearer credentials from a chain of token pairs.

    Only one process renews at a time, and the new pair is saved before it is used. A process that finds a pair saved by
    another process uses that one.

    Between the system's answer and the save only this process has the new pair: if it is killed there, the pair is lost, and
    nothing can prevent that. So a renewal is recorded durably before it is requested. If the record is still there and the
    token is refused, the next process can explain why. It may request again: either the first request never arrived, or
    nothing is left to lose.

    Args:
        source: the source's name, under which its pair is stored.
        tokens: stores the pair.
        first_refresh_token: of the installation; a different one starts a new chain.
        grant: exchanges a refresh token for the next pair. Must not retry.
        now: the clock.
    """

    def __init__(
        self,
        source: str,
        tokens: TokenStore,
        first_refresh_token: str,
        grant: Callable[[str], TokenPair],
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._tokens = tokens
        self._first = first_refresh_token
        self._grant = grant
        self._now = now
        self._pair: TokenPair | None = None

    def headers(self) -> Mapping[str, str]:
        """The Authorization header; requests a first pair if none is stored."""
        pair = self._pair or self._next_pair()
        return {"Authorization": f"Bearer {pair.access_token}"}

    def renew(self) -> bool:
        """Replace the pair that was refused."""
        self._next_pair()
        return True

    def _next_pair(self) -> TokenPair:
        with self._tokens.hold(self._source):
            saved = self._load()
            kept = _pair_of(saved)
            if kept is None or kept == self._pair:
                kept = self._request_pair(kept, saved.get(_ASKED_AT))
                self._save(kept)
            self._pair = kept
            return kept

    def _request_pair(self, kept: TokenPair | None, cut_short_at: str | None) -> TokenPair:
        """The next pair.

        Args:
            kept: the pair that was refused; None before the first.
            cut_short_at: when an earlier renewal was requested whose result was never saved.

        Raises:
            ExpiredCredentials: the refresh token is no longer accepted.
        """
        self._save(kept, asked_at=cut_short_at or f"{self._now():%Y-%m-%d %H:%M} UTC")
        try:
            return self._grant(kept.refresh_token if kept else self._first)
        except ExpiredCredentials as refused:
            if cut_short_at is None:
                # A plain refusal loses no token, so remove the record: a later refusal must not be attributed to it.
                self._save(kept)
                raise
            happened = (
                f"the renewal of its token at {cut_short_at} was cut short before the new token was saved, which is lost "
                "with it: the old one is no longer accepted"
            )
            raise ExpiredCredentials(self._source, happened, refused.remedy) from None

    def _load(self) -> dict[str, str]:
        """The stored state of this installation; empty before its first renewal."""
        text = self._tokens.load(self._source)
        saved: dict[str, str] = json.loads(text) if text else {}
        return saved if saved.get("installation") == self._installation() else {}

    def _save(self, pair: TokenPair | None, *, asked_at: str | None = None) -> None:
        tokens = {"access_token": pair.access_token, "refresh_token": pair.refresh_token} if pair else {}
        asked = {_ASKED_AT: asked_at} if asked_at else {}
        self._tokens.save(self._source, json.dumps({"installation": self._installation(), **tokens, **asked}))

    def _installation(self) -> str:
        """Identifies the chain without storing the first token."""
        return hashlib.sha256(self._first.encode()).hexdigest()


def _pair_of(saved: Mapping[str, str]) -> TokenPair | None:
    return TokenPair(saved["access_token"], saved["refresh_token"]) if "access_token" in saved else None
