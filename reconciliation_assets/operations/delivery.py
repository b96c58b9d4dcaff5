"""Delivery: sends notices to channels through Apprise, and logs what every channel accepted.

A channel's URL may contain a token, so it is never logged and never part of a message.
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

from reconciliation_assets.errors import sentence_of
from reconciliation_assets.operations.alerts import Notice, SensorState, may_go
from reconciliation_assets.policy.model import Alerts

DEFAULT_CHANNEL = "default"
_LOGGER = logging.getLogger(__name__)

# Apprise logs unusable URLs including their tokens; `unusable_channels` reports them without.
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False


class DeliveryLog:
    """Log of deliveries, one JSON line per notice and channel, on disk before the next notice is sent.

    The sensor's cursor is saved only at the end of a tick; the log prevents that notices of a killed tick are sent twice.

    Args:
        path: the file; created with its folder on first use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def delivered(self) -> set[tuple[str, str]]:
        """Notice ID and channel of every delivery; an incomplete line is ignored."""
        if not self.path.is_file():
            return set()
        found = set()
        for line in self.path.read_text("utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            found.add((entry["notice_id"], entry["channel"]))
        return found

    def record(self, notice: Notice, channel: str, now: datetime) -> None:
        """Record that a channel accepted a notice."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        entry = {
            "at": now.isoformat(),
            "channel": channel,
            **notice.model_dump(include={"notice_id", "problem", "kind", "owner", "title"}),
        }
        with self.path.open("a+b") as log:
            # A killed process may have left half a line; start a new one.
            is_cut = log.tell() > 0 and not self.path.read_bytes().endswith(b"\n")
            log.write((b"\n" if is_cut else b"") + json.dumps(entry).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())


REFUSALS_OF_A_DOWN_CHANNEL = 3
"""After this many refusals in one tick a channel counts as down and is not used again until the next tick."""


def deliver(
    state: SensorState, channels: Mapping[str, SecretStr], log: DeliveryLog, now: datetime, alerts: Alerts
) -> tuple[SensorState, list[Notice], list[str]]:
    """Send the notices that may be sent now; refused ones move to the end of the outbox for the next tick.

    So a notice that a channel never accepts does not block others. Notices of one problem keep their order: its end is never
    reported before its start.

    Args:
        channels: Apprise URLs by channel; a channel without URL uses `default`.
        now: in the policy's zone, like quiet hours.

    Returns:
        The state without delivered notices, the notices delivered to all their channels, and the channels that refused.
    """
    done = log.delivered()
    refusals: Counter[str] = Counter()
    blocked: set[tuple[str, str]] = set()
    waiting: list[Notice] = []
    refused: list[Notice] = []
    delivered: list[Notice] = []
    for notice in state.outbox:
        left: list[str] = []
        is_refused = False
        for channel in notice.channels:
            if (notice.notice_id, channel) in done:
                continue
            if (
                not may_go(notice, now.time(), alerts)
                or refusals[channel] >= REFUSALS_OF_A_DOWN_CHANNEL
                or (notice.problem, channel) in blocked
            ):
                left.append(channel)
            elif _send(notice, channels.get(channel) or channels.get(DEFAULT_CHANNEL)):
                try:
                    log.record(notice, channel, now)
                except OSError as problem:
                    # The log protects against a kill. Without it the cursor still remembers; an error would repeat the alert at every tick.
                    _LOGGER.warning("Alerts are sent, but %s cannot be written. %s", log.path, sentence_of(problem))
            else:
                refusals[channel] += 1
                is_refused = True
                left.append(channel)
        blocked |= {(notice.problem, channel) for channel in left}
        if left:
            # Later notices of the same problem also move to the end, so that their order is kept.
            behind = is_refused or any(notice.problem == other.problem for other in refused)
            (refused if behind else waiting).append(notice.model_copy(update={"channels": tuple(left)}))
        else:
            delivered.append(notice)
    return state.model_copy(update={"outbox": [*waiting, *refused]}), delivered, sorted(refusals)


def unusable_channels(channels: Mapping[str, SecretStr]) -> list[str]:
    """Messages about unusable channel URLs, without the URLs."""
    return [
        f"The URL of channel {name!r} ({_scheme(url)}) is none that Apprise understands: correct it in RECON_ALERT_CHANNELS; "
        "docs/alerts.md shows the form."
        for name, url in sorted(channels.items())
        if apprise.Apprise.instantiate(url.get_secret_value(), suppress_exceptions=True) is None
    ]


def _scheme(url: SecretStr) -> str:
    """The scheme of a URL, which is no secret; only schemes that Apprise knows are shown."""
    scheme, found, _ = url.get_secret_value().partition("://")
    is_known = found and scheme.lower() in _schemes()
    return f"{scheme.lower()}://..." if is_known else "with no scheme that it knows"


@cache
def _schemes() -> frozenset[str]:
    services = apprise.Apprise().details()["schemas"]
    return frozenset(
        scheme for service in services for kind in ("protocols", "secure_protocols") for scheme in service[kind] or ()
    )


def _send(notice: Notice, url: SecretStr | None) -> bool:
    """Whether the channel accepted the notice. Without a URL the sensor's own log is the only channel, and always accepts."""
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
