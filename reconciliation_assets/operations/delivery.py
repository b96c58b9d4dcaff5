"""Delivery: notices to channels through Apprise, and the log of what every channel took.

A channel's URL may carry a token, so it is never logged and never part of a message.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

import apprise
from pydantic import SecretStr

from reconciliation_assets.operations.alerts import Notice, SensorState, may_go
from reconciliation_assets.policy.model import Alerts

DEFAULT_CHANNEL = "default"

# Apprise logs the URLs that it cannot use, tokens and all; what is wrong is said by `unusable_channels` instead.
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False


class DeliveryLog:
    """What was delivered where, one JSON line each, on disk before the next is sent.

    The sensor's cursor is saved only at the end of a tick; the log is what keeps a tick that was killed from telling
    again what it told.

    Args:
        path: the file; made with its folder on first use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def delivered(self) -> set[tuple[str, str]]:
        """Notice and channel of all that was delivered; a line that a kill cut short counts as not written."""
        if not self._path.is_file():
            return set()
        found = set()
        for line in self._path.read_text("utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            found.add((entry["notice_id"], entry["channel"]))
        return found

    def record(self, notice: Notice, channel: str, now: datetime) -> None:
        """Write down that a channel took a notice."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        entry = {
            "at": now.isoformat(),
            "channel": channel,
            **notice.model_dump(include={"notice_id", "problem", "kind", "owner", "title"}),
        }
        with self._path.open("a+b") as log:
            # A kill may have left half a line; what follows must not continue it.
            is_cut = log.tell() > 0 and not self._path.read_bytes().endswith(b"\n")
            log.write((b"\n" if is_cut else b"") + json.dumps(entry).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())


REFUSALS_OF_A_DOWN_CHANNEL = 3
"""After this many refusals in one tick a channel counts as down, and is not asked again before the next tick."""


def deliver(
    book: SensorState, channels: Mapping[str, SecretStr], log: DeliveryLog, now: datetime, alerts: Alerts
) -> tuple[SensorState, list[Notice], list[str]]:
    """Deliver what may go out now; what a channel refused stays for the next tick, behind what it was not asked yet.

    So a notice that a channel never takes holds up no other. Notices of one problem keep their order: that it is over
    is not told before that it broke.

    Args:
        channels: Apprise URLs by channel; a route to a channel that has none goes to `default`.
        now: in the policy's zone, which quiet hours are in.

    Returns:
        The book without what was delivered, the notices that went out in full, and the channels that refused.
    """
    done = log.delivered()
    refusals: Counter[str] = Counter()
    held: set[tuple[str, str]] = set()
    waiting: list[Notice] = []
    refused: list[Notice] = []
    told: list[Notice] = []
    for notice in book.outbox:
        left: list[str] = []
        is_refused = False
        for channel in notice.channels:
            if (notice.notice_id, channel) in done:
                continue
            if (
                not may_go(notice, now.time(), alerts)
                or refusals[channel] >= REFUSALS_OF_A_DOWN_CHANNEL
                or (notice.problem, channel) in held
            ):
                left.append(channel)
            elif _sent(notice, channels.get(channel) or channels.get(DEFAULT_CHANNEL)):
                log.record(notice, channel, now)
            else:
                refusals[channel] += 1
                is_refused = True
                left.append(channel)
        held |= {(notice.problem, channel) for channel in left}
        if left:
            # Behind those that follow it, but for its own problem's: they go where it goes.
            behind = is_refused or any(notice.problem == other.problem for other in refused)
            (refused if behind else waiting).append(notice.model_copy(update={"channels": tuple(left)}))
        else:
            told.append(notice)
    return book.model_copy(update={"outbox": [*waiting, *refused]}), told, sorted(refusals)


def unusable_channels(channels: Mapping[str, SecretStr]) -> list[str]:
    """What is wrong with the URLs of channels, in words that give none of them away."""
    return [
        f"The URL of channel {name!r} ({_scheme(url)}) is none that Apprise understands: correct it in RECON_ALERT_CHANNELS; "
        "docs/alerts.md shows the form."
        for name, url in sorted(channels.items())
        if apprise.Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True) is None
    ]


def _scheme(url: SecretStr) -> str:
    """What stands before `://`, which carries no secret; only schemes that Apprise knows are shown."""
    scheme, found, _ = url.get_secret_value().partition("://")
    is_known = found and scheme.lower() in _schemes()
    return f"{scheme.lower()}://..." if is_known else "with no scheme that it knows"


@cache
def _schemes() -> frozenset[str]:
    services = apprise.Apprise().details()["schemas"]
    return frozenset(
        scheme for service in services for kind in ("protocols", "secure_protocols") for scheme in service[kind] or ()
    )


def _sent(notice: Notice, url: SecretStr | None) -> bool:
    """Whether the channel took it. Without any URL the sensor's own log is the only channel, and always takes it."""
    if url is None:
        return True
    messenger = apprise.Apprise()
    if not messenger.add(url.get_secret_value()):
        return False
    return bool(messenger.notify(title=notice.title, body=notice.text, notify_type=_tone(notice)))


def _tone(notice: Notice) -> apprise.NotifyType:
    if notice.kind == "digest":
        return apprise.NotifyType.INFO
    return apprise.NotifyType.SUCCESS if notice.is_over else apprise.NotifyType.WARNING
