"""Sensors: new files in the inbox start a run; problems send alerts."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import dagster as dg

from reconciliation_assets.errors import without_values
from reconciliation_assets.operations.alerts import SensorState, latest, update_state
from reconciliation_assets.operations.collectors import Collector, Tick, broken_runs, failed_checks, stale_copy
from reconciliation_assets.operations.delivery import DeliveryLog, deliver, unusable_channels
from reconciliation_assets.operations.digests import DIGEST, digests, initial_state, last_day
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
    """Request a run if the inbox differs from the last requested or read state and has not changed for a minute."""
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
    """Send each owner a digest of its open exceptions, from the published copy."""
    return send_digests(context, datetime.now(UTC))


def alert_sensors(checks: Iterable[dg.AssetCheckKey]) -> list[dg.SensorDefinition]:
    """One sensor per kind of problem; alerts are sent through the channels of RECON_ALERT_CHANNELS.

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
        return notify(context, collect, datetime.now(UTC))

    return tell


def notify(context: dg.SensorEvaluationContext, collect: Collector, now: datetime) -> dg.SkipReason:
    """One tick of an alert sensor. A channel that refuses raises no error: the notice stays in the cursor's outbox."""
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    before = SensorState.model_validate_json(context.cursor) if context.cursor else SensorState()
    found = collect(Tick(context.instance, before, policy, settings.ui_url.rstrip("/"), now))
    after = update_state(
        before, found if before.has_begun else latest(found), now, policy.alerts, wording(policy.locale)
    )
    return _deliver_notices(context, after, now)


def send_digests(context: dg.SensorEvaluationContext, now: datetime) -> dg.SkipReason:
    """One tick of the digest sensor."""
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    local = now.astimezone(policy.timezone)
    digest = policy.alerts.digest
    if digest is None:
        return dg.SkipReason("The policy wants no digest.")
    state = SensorState.model_validate_json(context.cursor) if context.cursor else initial_state(local, digest)
    day = last_day(local, digest)
    if day.toordinal() > state.seen.get(DIGEST, 0) and settings.published_path.is_file():
        with Published(settings.published_path) as published:
            notices = digests(published, day, policy, settings)
        state = state.model_copy(update={"seen": {DIGEST: day.toordinal()}, "outbox": [*state.outbox, *notices]})
    return _deliver_notices(context, state, now)


def _deliver_notices(context: dg.SensorEvaluationContext, state: SensorState, now: datetime) -> dg.SkipReason:
    """Deliver the notices of a sensor state, and save the rest in the cursor."""
    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    state, delivered, refused = deliver(
        state,
        settings.alert_channels,
        DeliveryLog(settings.alert_log_path),
        now.astimezone(policy.timezone),
        policy.alerts,
    )
    for notice in delivered:
        context.log.warning("%s\n%s", notice.title, notice.text)
    context.update_cursor(state.model_dump_json())
    waiting = f" {len(state.outbox)} wait for the next tick or the end of quiet hours." if state.outbox else ""
    refusals = f" Not taken by: {', '.join(refused)}; look at its URL in RECON_ALERT_CHANNELS." if refused else ""
    unusable = "".join(f" {problem}" for problem in unusable_channels(settings.alert_channels))
    return dg.SkipReason(f"{len(delivered)} told.{waiting}{refusals}{unusable}")
