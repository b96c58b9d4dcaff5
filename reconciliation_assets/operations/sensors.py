"""Sensors: new files in the inbox start a run; what broke tells somebody."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import dagster as dg

from reconciliation_assets.errors import without_values
from reconciliation_assets.operations.alerts import SensorState, latest, noted
from reconciliation_assets.operations.collectors import Collector, Tick, broken_runs, failed_checks, stale_copy
from reconciliation_assets.operations.delivery import DeliveryLog, deliver, unusable_channels
from reconciliation_assets.operations.digests import DIGEST, begun, digests, last_day
from reconciliation_assets.operations.jobs import READ_INBOX_TAG, daily_reconciliation
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.publish.figures import Published
from reconciliation_assets.publish.wording import wording
from reconciliation_assets.settings import load_settings
from reconciliation_assets.sources.files import discover, inbox_state
from reconciliation_assets.sources.presets.load import load_presets


@dg.sensor(
    job=daily_reconciliation,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when files were dropped into the inbox, changed or taken away, once they stay as they are.",
)
def new_files_in_inbox(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for a run when the inbox differs from what a run was asked for or has read, and lies still for a minute."""
    settings = load_settings()
    with without_values():
        files, _ = discover(settings.inbox, load_presets(settings.presets_dir))
        state = inbox_state(files)
    last = json.loads(context.cursor) if context.cursor else {"asked": None, "seen": None}
    if state == last["asked"]:
        yield dg.SkipReason("The inbox is as it was.")
        return
    if context.instance.get_runs(dg.RunsFilter(tags={READ_INBOX_TAG: state}), limit=1):
        context.update_cursor(json.dumps({"asked": state, "seen": state}))
        yield dg.SkipReason("A run has read the inbox as it is.")
        return
    context.update_cursor(json.dumps({"asked": state if state == last["seen"] else last["asked"], "seen": state}))
    if not files:
        yield dg.SkipReason("The inbox is empty.")
    elif state != last["seen"]:
        yield dg.SkipReason("The inbox changed; waiting until it lies still.")
    else:
        yield dg.RunRequest(run_key=state)


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells each owner once a week, at the policy's day and hour, which exceptions wait for it.",
)
def exception_digests(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell each owner what waits for it, of the published copy."""
    return _digest(context, datetime.now(UTC))


def alert_sensors(checks: Iterable[dg.AssetCheckKey]) -> list[dg.SensorDefinition]:
    """A sensor for each kind of problem, telling through the channels of RECON_ALERT_CHANNELS.

    Args:
        checks: all checks of the graph.
    """
    watched = list(checks)
    return [
        _alert_sensor(
            "match_rate_alerts",
            "Tells when a match rate fell against its own past or below the policy's floor.",
            failed_checks("match_rate", watched),
        ),
        _alert_sensor(
            "source_alerts",
            "Tells when a source could not be reached, came back empty or fell silent.",
            failed_checks("source", watched),
        ),
        _alert_sensor("check_alerts", "Tells when any other check does not hold.", failed_checks("check", watched)),
        _alert_sensor("run_alerts", "Tells when the daily run broke otherwise than by a check.", broken_runs),
        _alert_sensor("stale_copy_alerts", "Tells when the published copy was not replaced in time.", stale_copy),
    ]


def _alert_sensor(name: str, description: str, collect: Collector) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"{description} Once when it breaks, again while it stays so, once when it is over.",
    )
    def tell(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _tell(context, collect, datetime.now(UTC))

    return tell


def _tell(context: dg.SensorEvaluationContext, collect: Collector, now: datetime) -> dg.SkipReason:
    """One tick. It never raises for a channel that refuses: what was not taken stays in the cursor's outbox."""
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    before = SensorState.model_validate_json(context.cursor) if context.cursor else SensorState()
    found = collect(Tick(context.instance, before, policy, settings.ui_url.rstrip("/"), now))
    after = noted(before, found if before.has_begun else latest(found), now, policy.alerts, wording(policy.locale))
    return _bring(context, after, now)


def _digest(context: dg.SensorEvaluationContext, now: datetime) -> dg.SkipReason:
    """One tick of the weekly digests."""
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    local = now.astimezone(policy.timezone)
    digest = policy.alerts.digest
    if digest is None:
        return dg.SkipReason("The policy wants no digest.")
    book = SensorState.model_validate_json(context.cursor) if context.cursor else begun(local, digest)
    day = last_day(local, digest)
    if day.toordinal() > book.seen.get(DIGEST, 0) and settings.published_path.is_file():
        with Published(settings.published_path) as published:
            notices = digests(published, day, policy, settings)
        book = book.model_copy(update={"seen": {DIGEST: day.toordinal()}, "outbox": [*book.outbox, *notices]})
    return _bring(context, book, now)


def _bring(context: dg.SensorEvaluationContext, book: SensorState, now: datetime) -> dg.SkipReason:
    """Deliver what a book has to tell, and remember the rest."""
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    book, told, refused = deliver(
        book,
        settings.alert_channels,
        DeliveryLog(settings.alert_log_path),
        now.astimezone(policy.timezone),
        policy.alerts,
    )
    for notice in told:
        context.log.warning("%s\n%s", notice.title, notice.text)
    context.update_cursor(book.model_dump_json())
    waiting = f" {len(book.outbox)} wait for the next tick or the end of quiet hours." if book.outbox else ""
    refusals = f" Not taken by: {', '.join(refused)}; look at its URL in RECON_ALERT_CHANNELS." if refused else ""
    unusable = "".join(f" {problem}" for problem in unusable_channels(settings.alert_channels))
    return dg.SkipReason(f"{len(told)} told.{waiting}{refusals}{unusable}")
