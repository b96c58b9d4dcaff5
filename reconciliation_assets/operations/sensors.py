"""Sensors: new files in the inbox start a run; a match rate that fell tells somebody."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg

from reconciliation_assets.operations.alerts import Alert, DeliveryError, deliver
from reconciliation_assets.operations.check_history import evaluations_after
from reconciliation_assets.operations.jobs import daily_reconciliation
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.model import LINKS
from reconciliation_assets.settings import load_settings
from reconciliation_assets.sources.files import discover
from reconciliation_assets.sources.presets.library import load_presets

COVERAGE = dg.AssetKey("match_coverage")
WATCHED = tuple(dg.AssetCheckKey(COVERAGE, f"{kind}_{link}") for link in LINKS for kind in ("floor", "fall"))


@dg.sensor(
    job=daily_reconciliation,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when files were dropped into the inbox, changed or taken away, once they stay as they are.",
)
def new_files_in_inbox(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for a run when the inbox differs from what the last run was asked for, and lies still for a minute."""
    settings = load_settings()
    files, _ = discover(settings.inbox, load_presets(settings.presets_dir))
    seen = sorted((file.name, file.path.stat().st_size, file.path.stat().st_mtime_ns) for file in files)
    state = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    last = json.loads(context.cursor) if context.cursor else {"asked": None, "seen": None}
    if state == last["asked"]:
        yield dg.SkipReason("The inbox is as it was.")
        return
    context.update_cursor(json.dumps({"asked": state if state == last["seen"] else last["asked"], "seen": state}))
    if not files:
        yield dg.SkipReason("The inbox is empty.")
    elif state != last["seen"]:
        yield dg.SkipReason("The inbox changed; waiting until it lies still.")
    else:
        zone = load_policy(settings.policy_path).policy.timezone
        yield dg.RunRequest(run_key=state, partition_key=f"{settings.as_of.astimezone(zone):%Y-%m-%d}")


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Tells the log and the webhook of RECON_ALERT_WEBHOOK when a match rate fell against its own past or below the "
        "policy's floor: once when it breaks, once when it is over."
    ),
)
def match_rate_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Read the coverage checks' new evaluations; alert on each change from held to broken and back.

    The cursor moves only past delivered alerts: a failed delivery is tried again at the next tick.
    """
    state: dict[str, Any] = json.loads(context.cursor) if context.cursor else {"after": 0, "broken": []}
    broken: set[str] = set(state["broken"])
    after: int = state["after"]
    told = 0
    for position, key, evaluation in evaluations_after(context.instance, WATCHED, after):
        after = max(after, position)
        name = key.name
        if evaluation.passed == (name not in broken):
            continue
        alert = _alert(name, evaluation)
        webhook = load_settings().alert_webhook
        try:
            deliver(alert, webhook.get_secret_value() if webhook else None)
        except DeliveryError as problem:
            if not told:
                raise
            # A tick that raises loses its cursor, and what was delivered in it would be told again.
            return dg.SkipReason(f"{told} alerts told, the rest at the next tick: {problem}")
        context.log.warning("%s: %s", alert.title, alert.message)
        told += 1
        broken.symmetric_difference_update({name})
        context.update_cursor(json.dumps({"after": position, "broken": sorted(broken)}))
    context.update_cursor(json.dumps({"after": after, "broken": sorted(broken)}))
    return dg.SkipReason(f"{told} alerts told." if told else "No match rate changed its state.")


def _alert(name: str, evaluation: dg.AssetCheckEvaluation) -> Alert:
    kind, _, link = name.partition("_")
    what = {"floor": f"match rate of {link} below its floor", "fall": f"match rate of {link} fell"}[kind]
    return Alert(f"Over: {what}" if evaluation.passed else f"Broken: {what}", evaluation.description or "")
