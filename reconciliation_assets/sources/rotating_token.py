"""OAuth tokens whose refresh token is replaced with every use and may be used only once."""

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
    """An access token, and the refresh token that gets the next pair; without a repr, being secrets."""

    access_token: str
    refresh_token: str


class RotatingToken:
    """Bearer credentials out of a chain of token pairs.

    A renewal is made by one process at a time, and the new pair is saved before it is used. A process that finds the
    saved pair renewed by another takes that one instead.

    Between the system's answer and the save nobody else has the new pair: a process killed there loses it, and no order of
    steps can prevent that. So a renewal is noted, durably, before it is asked for. Where the note is still there and the
    token is refused, the next process can say what became of it. It may ask again: either the first question never
    arrived, or there is nothing left to lose.

    Args:
        source: the source's name, under which its pair is kept.
        tokens: where it is kept.
        first_refresh_token: of the installation; another one starts a new chain.
        grant: trades a refresh token for the next pair. Must not try twice.
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
        """The Authorization header, after a first grant where no pair is kept."""
        pair = self._pair or self._renewed()
        return {"Authorization": f"Bearer {pair.access_token}"}

    def renew(self) -> bool:
        """Replace the pair that was refused."""
        self._renewed()
        return True

    def _renewed(self) -> TokenPair:
        with self._tokens.hold(self._source):
            saved = self._saved()
            kept = _pair_of(saved)
            if kept is None or kept == self._pair:
                kept = self._granted(kept, saved.get(_ASKED_AT))
                self._save(kept)
            self._pair = kept
            return kept

    def _granted(self, kept: TokenPair | None, cut_short_at: str | None) -> TokenPair:
        """The next pair.

        Args:
            kept: the pair that was refused; None before the first.
            cut_short_at: when an earlier renewal was asked for whose outcome was never saved.

        Raises:
            ExpiredCredentials: the refresh token is no longer accepted.
        """
        self._save(kept, asked_at=cut_short_at or f"{self._now():%Y-%m-%d %H:%M} UTC")
        try:
            return self._grant(kept.refresh_token if kept else self._first)
        except ExpiredCredentials as refused:
            if cut_short_at is None:
                # A plain refusal loses nothing, so a later one must not be blamed on it.
                self._save(kept)
                raise
            happened = (
                f"the renewal of its token at {cut_short_at} was cut short before the new token was saved, which is lost "
                "with it: the old one is no longer accepted"
            )
            raise ExpiredCredentials(self._source, happened, refused.remedy) from None

    def _saved(self) -> dict[str, str]:
        """What is kept of this installation; empty before its first renewal."""
        text = self._tokens.load(self._source)
        saved: dict[str, str] = json.loads(text) if text else {}
        return saved if saved.get("installation") == self._installation() else {}

    def _save(self, pair: TokenPair | None, *, asked_at: str | None = None) -> None:
        tokens = {"access_token": pair.access_token, "refresh_token": pair.refresh_token} if pair else {}
        asked = {_ASKED_AT: asked_at} if asked_at else {}
        self._tokens.save(self._source, json.dumps({"installation": self._installation(), **tokens, **asked}))

    def _installation(self) -> str:
        """Tells chains apart without keeping the first token."""
        return hashlib.sha256(self._first.encode()).hexdigest()


def _pair_of(saved: Mapping[str, str]) -> TokenPair | None:
    return TokenPair(saved["access_token"], saved["refresh_token"]) if "access_token" in saved else None
