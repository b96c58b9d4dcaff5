"""Rotating tokens: on disk for their owner only, one process at a time, never half written, never traded twice."""

import os
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciliation_assets.sources.errors import ExpiredCredentials, SourceUnavailable
from reconciliation_assets.sources.rotating_token import RotatingToken, TokenPair
from reconciliation_assets.sources.tokens import FileTokenStore


class Bank:
    """Trades each refresh token once, as Salla does."""

    def __init__(self) -> None:
        self.current = "first"
        self.trades = 0

    def trade(self, refresh_token: str) -> TokenPair:
        assert refresh_token == self.current, "a refresh token was used twice"
        self.trades += 1
        self.current = f"refresh-{self.trades}"
        return TokenPair(f"access-{self.trades}", self.current)


def rotating(store: FileTokenStore, grant: Callable[[str], TokenPair], first: str = "first") -> RotatingToken:
    return RotatingToken("shop", store, first, grant, lambda: datetime(2026, 7, 1, 12, tzinfo=UTC))


def refuse(_: str) -> TokenPair:
    raise ExpiredCredentials("shop", "the token is not accepted", "Install the app again")


def lose(_: str) -> TokenPair:
    raise SourceUnavailable("shop", "the answer broke off", "Run again later")


def test_a_token_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "tokens")
    assert store.load("shop") is None
    store.save("shop", "secret")
    assert store.load("shop") == "secret"
    (file,) = (tmp_path / "tokens").glob("*.token")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tokens").stat().st_mode) == 0o700


def test_sources_keep_their_tokens_apart(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path)
    store.save("one", "first")
    store.save("other", "second")
    assert (store.load("one"), store.load("other")) == ("first", "second")


def test_a_save_that_was_cut_short_leaves_the_old_token(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path)
    store.save("shop", "old")
    (tmp_path / ".shop.token.unfinished").write_text("hal")
    assert store.load("shop") == "old"


def test_a_token_and_its_swap_are_flushed_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    FileTokenStore(tmp_path).save("shop", "secret")
    assert flushed == [False, True]


def test_many_at_once_trade_the_token_once(tmp_path: Path) -> None:
    bank = Bank()
    holders = [rotating(FileTokenStore(tmp_path), bank.trade) for _ in range(8)]
    threads = [threading.Thread(target=holder.headers) for holder in holders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bank.trades == 1
    assert {holder.headers()["Authorization"] for holder in holders} == {"Bearer access-1"}


def test_the_new_pair_is_on_disk_before_it_is_used(tmp_path: Path) -> None:
    bank, store = Bank(), FileTokenStore(tmp_path)
    used = rotating(store, bank.trade).headers()
    after_a_crash = rotating(FileTokenStore(tmp_path), bank.trade)
    assert after_a_crash.headers() == used
    after_a_crash.renew()
    assert after_a_crash.headers() == {"Authorization": "Bearer access-2"}


def test_a_failed_trade_keeps_the_old_pair(tmp_path: Path) -> None:
    bank = Bank()
    rotating(FileTokenStore(tmp_path), bank.trade).headers()
    broken = rotating(FileTokenStore(tmp_path), lose)
    broken.headers()
    with pytest.raises(SourceUnavailable):
        broken.renew()
    mended = rotating(FileTokenStore(tmp_path), bank.trade)
    mended.headers()
    mended.renew()
    assert bank.trades == 2


def test_a_token_lost_with_a_renewal_that_was_cut_short_is_told_as_that_each_time(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        rotating(FileTokenStore(tmp_path), lose).headers()
    for _ in range(2):
        with pytest.raises(ExpiredCredentials, match=r"2026-07-01 12:00 UTC was cut short .* Install the app again"):
            rotating(FileTokenStore(tmp_path), refuse).headers()


def test_a_refusal_without_a_renewal_cut_short_is_told_as_the_system_tells_it(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ExpiredCredentials, match="the token is not accepted"):
            rotating(FileTokenStore(tmp_path), refuse).headers()


def test_a_renewal_that_was_cut_short_before_the_system_took_the_token_is_asked_for_again(tmp_path: Path) -> None:
    bank = Bank()
    with pytest.raises(SourceUnavailable):
        rotating(FileTokenStore(tmp_path), lose).headers()
    again = rotating(FileTokenStore(tmp_path), bank.trade)
    assert again.headers() == {"Authorization": "Bearer access-1"}
    again.renew()
    assert bank.trades == 2


def test_a_new_installation_makes_good_for_a_lost_token(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        rotating(FileTokenStore(tmp_path), lose).headers()
    bank = Bank()
    bank.current = "of the new installation"
    assert rotating(FileTokenStore(tmp_path), bank.trade, bank.current).headers() == {
        "Authorization": "Bearer access-1"
    }


def test_neither_token_is_shown(tmp_path: Path) -> None:
    assert "access" not in repr(TokenPair("access", "refresh"))
    assert "access-1" not in repr(rotating(FileTokenStore(tmp_path), Bank().trade))
