"""Rotating tokens: on disk for their owner only, one process at a time, never half written, never traded twice."""

import stat
import threading
from pathlib import Path

import pytest

from reconciliation_assets.sources.errors import SourceUnavailable
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
    (tmp_path / "shop.token.new").write_text("hal")
    assert store.load("shop") == "old"


def test_many_at_once_trade_the_token_once(tmp_path: Path) -> None:
    bank = Bank()
    holders = [RotatingToken("shop", FileTokenStore(tmp_path), "first", bank.trade) for _ in range(8)]
    threads = [threading.Thread(target=holder.headers) for holder in holders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bank.trades == 1
    assert {holder.headers()["Authorization"] for holder in holders} == {"Bearer access-1"}


def test_the_new_pair_is_on_disk_before_it_is_used(tmp_path: Path) -> None:
    bank, store = Bank(), FileTokenStore(tmp_path)
    used = RotatingToken("shop", store, "first", bank.trade).headers()
    after_a_crash = RotatingToken("shop", FileTokenStore(tmp_path), "first", bank.trade)
    assert after_a_crash.headers() == used
    after_a_crash.renew()
    assert after_a_crash.headers() == {"Authorization": "Bearer access-2"}


def test_a_failed_trade_keeps_the_old_pair(tmp_path: Path) -> None:
    bank = Bank()
    RotatingToken("shop", FileTokenStore(tmp_path), "first", bank.trade).headers()

    def fail(_: str) -> TokenPair:
        raise SourceUnavailable("shop", "no answer", "Run again later")

    broken = RotatingToken("shop", FileTokenStore(tmp_path), "first", fail)
    broken.headers()
    with pytest.raises(SourceUnavailable):
        broken.renew()
    mended = RotatingToken("shop", FileTokenStore(tmp_path), "first", bank.trade)
    mended.headers()
    mended.renew()
    assert bank.trades == 2


def test_neither_token_is_shown(tmp_path: Path) -> None:
    assert "access" not in repr(TokenPair("access", "refresh"))
    assert "access-1" not in repr(RotatingToken("shop", FileTokenStore(tmp_path), "first", Bank().trade))
