"""Alerts: which findings become notices, and when. Pure functions: no clock, no network, no Dagster.

Collectors (`collectors.py`) find what broke or recovered; here every finding becomes at most one notice; `delivery.py` sends
notices; `sensors.py` runs the three at every tick.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from pydantic import BaseModel, Field

from reconciliation_assets.policy.model import AlertKind, Alerts, QuietHours
from reconciliation_assets.publish.wording import ENGLISH, Wording


class AlertState(BaseModel):
    """A finding: a problem is broken or healthy.

    Attributes:
        problem: key of the problem, the same at every tick.
        position: distinguishes findings of the same problem; a later one is larger.
        what: the problem in a few words.
        message: where, how much, and what to do; for a check its own message, in English.
        owner: the responsible team.
        link: URL in the UI.
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
    """A message to send.

    Attributes:
        notice_id: the same for every delivery attempt.
        channels: the channels that have not accepted it yet.
        is_over: whether it says that a problem has ended.
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
    """A reported problem that is not over."""

    finding: AlertState
    since: datetime
    last_said: datetime


class SensorState(BaseModel):
    """State of a sensor between ticks.

    Attributes:
        has_begun: whether there was a tick before; the first tick reports the current state, not its history.
        seen: position of the last finding by problem. One position for all problems would lose findings: Dagster numbers the
            checks of a run when it is planned, so a check that finishes later may have a smaller number.
        open: reported problems that are not over.
        outbox: notices that are still to be delivered.
    """

    has_begun: bool = False
    seen: dict[str, int] = Field(default_factory=dict)
    open: dict[str, OpenProblem] = Field(default_factory=dict)
    outbox: list[Notice] = Field(default_factory=list)


def update_state(
    state: SensorState, findings: Iterable[AlertState], now: datetime, alerts: Alerts, say: Wording = ENGLISH
) -> SensorState:
    """The state after new findings, with a notice for every new problem, every ended problem, and every due reminder.

    Args:
        findings: oldest first; a problem that is already open, or a healthy finding without one, creates no notice.
        now: time of the tick, from which the wait for a reminder counts.
        say: translates the texts of the notices.
    """
    seen, problems, outbox = dict(state.seen), dict(state.open), list(state.outbox)
    for finding in findings:
        seen[finding.problem] = max(seen.get(finding.problem, 0), finding.position)
        known = problems.get(finding.problem)
        if finding.is_broken and known is None:
            problems[finding.problem] = OpenProblem(finding=finding, since=now, last_said=now)
            outbox.append(_notice("Failing", say("Failing"), finding, alerts, say))
        elif finding.is_broken and known is not None:
            problems[finding.problem] = known.model_copy(update={"finding": finding})
        elif known is not None:
            del problems[finding.problem]
            outbox.append(_notice("Resolved", say("Resolved"), finding, alerts, say))
    waiting = {notice.problem for notice in outbox}
    for problem, known in problems.items():
        if problem not in waiting and now - known.last_said >= timedelta(hours=alerts.remind_after_hours):
            problems[problem] = known.model_copy(update={"last_said": now})
            days = (now - known.since).days
            title = say.plural("Still failing after {days} day", "Still failing after {days} days", days, days=days)
            # A killed tick is repeated later; the ID of its reminder depends on the last notice, so it stays the same.
            outbox.append(_notice("Still broken", title, known.finding, alerts, say, known.last_said))
    return SensorState(has_begun=True, seen=seen, open=problems, outbox=outbox)


def latest(findings: Iterable[AlertState]) -> list[AlertState]:
    """The last finding of every problem: at the first tick a sensor reports the current state, not its history."""
    return list({finding.problem: finding for finding in findings}.values())


def channels_of(kind: AlertKind, owner: str, alerts: Alerts) -> tuple[str, ...]:
    """The channels of all routes for the kind and the owner; `default` if there is none."""
    matching = [
        route.channel
        for route in alerts.routes
        if (not route.kinds or kind in route.kinds) and (not route.owners or owner in route.owners)
    ]
    return tuple(dict.fromkeys(matching)) or ("default",)


def may_go(notice: Notice, local_time: time, alerts: Alerts) -> bool:
    """Whether a notice may be sent at this time of day: urgent ones always, others not in quiet hours."""
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
        is_over=word == "Resolved",
        channels=channels_of(finding.kind, finding.owner, alerts),
    )
