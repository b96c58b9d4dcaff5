"""Alerts: what is broken, what is to be said about it, and when. Pure: no clock, no network, no Dagster.

A collector (`collectors.py`) finds what broke or recovered; here each finding becomes at most one notice; `delivery.py`
brings notices to people; `sensors.py` runs the three, tick after tick.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from pydantic import BaseModel, Field

from reconciliation_assets.policy.model import AlertKind, Alerts, QuietHours
from reconciliation_assets.publish.wording import ENGLISH, Wording


class AlertState(BaseModel):
    """That something is broken, or is not.

    Attributes:
        problem: what may break, the same from tick to tick.
        position: what makes this finding another one than the last of the same problem; a later one is larger.
        what: the problem in a few words.
        message: where, how much, and what to do; of a check as the check said it, in English.
        owner: the team that acts.
        link: where the UI shows it.
    """

    problem: str
    position: int
    kind: AlertKind
    is_broken: bool
    what: str
    message: str
    owner: str
    link: str


class Notice(BaseModel):
    """Something to be said.

    Attributes:
        notice_id: the same however often it is tried.
        channels: the channels that have not taken it yet.
        is_over: it tells that a problem has ended.
    """

    notice_id: str
    problem: str
    kind: AlertKind
    owner: str
    title: str
    text: str
    channels: tuple[str, ...]
    is_over: bool = False


class OpenProblem(BaseModel):
    """A problem that was told and is not over."""

    finding: AlertState
    since: datetime
    last_said: datetime


class SensorState(BaseModel):
    """What a sensor remembers between ticks.

    Attributes:
        has_begun: whether a tick was ever noted; one that begins tells how things stand, not their history.
        seen: the position of the last finding of each problem. One position for all would lose findings: Dagster numbers the
            checks of a run when it is planned, so that of two checks the later answer may have the smaller number.
        open: what was told and is not over.
        outbox: what is still to be delivered.
    """

    has_begun: bool = False
    seen: dict[str, int] = Field(default_factory=dict)
    open: dict[str, OpenProblem] = Field(default_factory=dict)
    outbox: list[Notice] = Field(default_factory=list)


def noted(
    book: SensorState, findings: Iterable[AlertState], now: datetime, alerts: Alerts, say: Wording = ENGLISH
) -> SensorState:
    """The book after new findings: a notice for each break, each end, and each open problem that is due a reminder.

    Args:
        findings: oldest first; a break that was told already, and health that is no news, are passed over.
        now: when it is noted, which starts the wait for a reminder.
        say: the words around what was found.
    """
    seen, problems, outbox = dict(book.seen), dict(book.open), list(book.outbox)
    for finding in findings:
        seen[finding.problem] = max(seen.get(finding.problem, 0), finding.position)
        known = problems.get(finding.problem)
        if finding.is_broken and known is None:
            problems[finding.problem] = OpenProblem(finding=finding, since=now, last_said=now)
            outbox.append(_notice("Broken", say("Broken"), finding, alerts, say))
        elif finding.is_broken and known is not None:
            problems[finding.problem] = known.model_copy(update={"finding": finding})
        elif known is not None:
            del problems[finding.problem]
            outbox.append(_notice("Over", say("Over"), finding, alerts, say))
    waiting = {notice.problem for notice in outbox}
    for problem, known in problems.items():
        if problem not in waiting and now - known.last_said >= timedelta(hours=alerts.remind_after_hours):
            problems[problem] = known.model_copy(update={"last_said": now})
            days = (now - known.since).days
            title = say.plural("Still broken after {days} day", "Still broken after {days} days", days, days=days)
            # A tick that was killed is repeated at another time; its reminder is the same, the one after that last word.
            outbox.append(_notice("Still broken", title, known.finding, alerts, say, known.last_said))
    return SensorState(has_begun=True, seen=seen, open=problems, outbox=outbox)


def latest(findings: Iterable[AlertState]) -> list[AlertState]:
    """The last finding of each problem: a sensor that begins tells how things stand, not their history."""
    return list({finding.problem: finding for finding in findings}.values())


def channels_of(kind: AlertKind, owner: str, alerts: Alerts) -> tuple[str, ...]:
    """The channels of all routes that ask for the kind and the owner; `default` where none does."""
    asked = [
        route.channel
        for route in alerts.routes
        if (not route.kinds or kind in route.kinds) and (not route.owners or owner in route.owners)
    ]
    return tuple(dict.fromkeys(asked)) or ("default",)


def may_go(notice: Notice, local_time: time, alerts: Alerts) -> bool:
    """Whether a notice goes out at this time of day: what is urgent always does, the rest waits for the morning."""
    hours = alerts.quiet_hours
    return hours is None or alerts.urgent.get(notice.kind, False) or not _is_quiet(local_time, hours)


def _is_quiet(local_time: time, hours: QuietHours) -> bool:
    if hours.begin <= hours.end:
        return hours.begin <= local_time < hours.end
    return local_time >= hours.begin or local_time < hours.end


def _notice(
    word: str, title: str, finding: AlertState, alerts: Alerts, say: Wording, after: datetime | None = None
) -> Notice:
    identity = (
        f"{finding.problem}|reminder after {after.isoformat()}"
        if after
        else f"{finding.problem}|{word}|{finding.position}"
    )
    return Notice(
        notice_id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        problem=finding.problem,
        kind=finding.kind,
        owner=finding.owner,
        title=f"{title}: {finding.what}",
        text="\n".join(
            (
                finding.message,
                say("Owner: {owner}", owner=finding.owner),
                say("Open in the UI: {link}", link=finding.link),
            )
        ),
        is_over=word == "Over",
        channels=channels_of(finding.kind, finding.owner, alerts),
    )
