"""Collectors: what broke and what recovered, read from Dagster's own records, never from the warehouse."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from reconciliation_assets.chain.tables import output_tables
from reconciliation_assets.operations.alerts import AlertState, SensorState
from reconciliation_assets.operations.check_history import evaluations_after
from reconciliation_assets.operations.jobs import DAILY_JOB
from reconciliation_assets.policy.model import AlertKind, Policy
from reconciliation_assets.publish.wording import Wording, wording

COPY = dg.AssetKey("published_copy")

_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_RUNS_LOOKED_AT = 50
_PER_SECOND = 1_000_000

# Suffixes of the names of match-rate checks, after the link.
_ABOVE_FLOOR, _HAS_NOT_FALLEN = "_above_floor", "_has_not_fallen"


@dataclass(frozen=True)
class Tick:
    """Input of a collector.

    Attributes:
        book: the sensor's state.
        ui: URL of the Dagster UI, without a trailing slash.
        now: time of the tick.
    """

    instance: dg.DagsterInstance
    book: SensorState
    policy: Policy
    ui: str
    now: datetime


Collector = Callable[[Tick], Iterable[AlertState]]


def kind_of(check: dg.AssetCheckKey) -> AlertKind:
    """The kind of alert for a failure of the check."""
    if check.name.endswith((_ABOVE_FLOOR, _HAS_NOT_FALLEN)):
        return "match_rate"
    if check.name == "newest_row_is_recent" or check.asset_key.to_user_string().startswith("pull_"):
        return "source"
    return "check"


def failed_checks(kind: AlertKind, checks: Iterable[dg.AssetCheckKey]) -> Collector:
    """A collector of the evaluations of one kind of checks since the last tick."""
    watched = [check for check in checks if kind_of(check) == kind]

    def collect(tick: Tick) -> Iterable[AlertState]:
        say = wording(tick.policy.locale)
        seen = {check: tick.book.seen.get(_problem(check), 0) for check in watched}
        for position, check, evaluation in evaluations_after(tick.instance, seen):
            table = check.asset_key.to_user_string()
            yield AlertState(
                problem=_problem(check),
                position=position,
                kind=kind,
                is_broken=not evaluation.passed,
                what=_what(table, check.name, say),
                message=evaluation.description or _held(table, check.name, say, passed=evaluation.passed),
                owner=_owner(check, tick.policy),
                link=f"{tick.ui}/assets/{table}?view=checks&checkDetail={check.name}",
            )

    return collect


def _problem(check: dg.AssetCheckKey) -> str:
    return f"{check.asset_key.to_user_string()}.{check.name}"


def _held(table: str, check: str, say: Wording, *, passed: bool) -> str:
    if passed:
        return say("{table}: check {check} passes.", table=table, check=check)
    return say("{table}: check {check} failed.", table=table, check=check)


def broken_runs(tick: Tick) -> Iterable[AlertState]:
    """Daily runs that ended since the last tick, without runs stopped by a check, which has its own alert."""
    say = wording(tick.policy.locale)
    filters = dg.RunsFilter(job_name=DAILY_JOB, statuses=list(_ENDED))
    # Sorted by end time: a run may wait in the queue while a later one ends.
    ended = [
        (round(record.end_time * _PER_SECOND), record.dagster_run)
        for record in tick.instance.get_run_records(filters, limit=_RUNS_LOOKED_AT)
        if record.end_time
    ]
    for position, run in sorted(ended, key=lambda each: each[0]):
        if position <= tick.book.seen.get(DAILY_JOB, 0) or _stopped_by_a_check(tick.instance, run.run_id):
            continue
        succeeded = run.status is dg.DagsterRunStatus.SUCCESS
        yield AlertState(
            problem=DAILY_JOB,
            position=position,
            kind="run",
            is_broken=not succeeded,
            what=say("the daily run"),
            message=(
                say("The run succeeded; all figures are up to date.")
                if succeeded
                else say(
                    "The run ended with status {status}. The published copy was not replaced. Run it again; if it fails again, its log "
                    "in the UI names the step.",
                    status=run.status.value.lower(),
                )
            ),
            owner=tick.policy.owners.default,
            link=f"{tick.ui}/runs/{run.run_id}",
        )


def stale_copy(tick: Tick) -> Iterable[AlertState]:
    """Whether the published copy is older than the policy allows; no finding if none was ever written."""
    say = wording(tick.policy.locale)
    newest = tick.instance.get_latest_materialization_event(COPY)
    if newest is None:
        return
    age = tick.now - datetime.fromtimestamp(newest.timestamp, tick.now.tzinfo)
    limit = timedelta(hours=tick.policy.alerts.copy_stale_hours)
    yield AlertState(
        problem="published_copy",
        position=int(newest.timestamp),
        kind="stale_copy",
        is_broken=age > limit,
        what=say("the published copy is out of date"),
        message=(
            say(
                "Last updated {hours} hours ago; the policy allows {allowed}. People are reading old figures: find out why no run "
                "has succeeded since.",
                hours=f"{age.total_seconds() / 3600:.0f}",
                allowed=tick.policy.alerts.copy_stale_hours,
            )
            if age > limit
            else say("It has been updated.")
        ),
        owner=tick.policy.owners.default,
        link=f"{tick.ui}/assets/published_copy",
    )


def _stopped_by_a_check(instance: dg.DagsterInstance, run_id: str) -> bool:
    evaluations = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    failed = (
        entry.dagster_event.asset_check_evaluation_data
        for entry in evaluations
        if entry.dagster_event and not entry.dagster_event.asset_check_evaluation_data.passed
    )
    return any(each.blocking and each.severity is dg.AssetCheckSeverity.ERROR for each in failed)


def _what(table: str, check: str, say: Wording) -> str:
    link = _link(check)
    if check.endswith(_ABOVE_FLOOR):
        return say("match rate of {link} below its floor", link=link)
    if check.endswith(_HAS_NOT_FALLEN):
        return say("match rate of {link} fell", link=link)
    return say("check {check} of {table}", check=check, table=table)


def _link(check: str) -> str:
    return check.removesuffix(_ABOVE_FLOOR).removesuffix(_HAS_NOT_FALLEN)


def _owner(check: dg.AssetCheckKey, policy: Policy) -> str:
    """The link's owner for a match rate, else the table's, else the policy's default."""
    owners: dict[str, str] = {str(link): owner for link, owner in policy.owners.links.items()}
    by_link = owners.get(_link(check.name)) if kind_of(check) == "match_rate" else None
    table = output_tables().get(check.asset_key.to_user_string())
    return by_link or (table.owner if table else policy.owners.default)
