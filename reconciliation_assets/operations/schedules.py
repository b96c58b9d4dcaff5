"""The daily schedule."""

from collections.abc import Iterator
from datetime import time

import dagster as dg

from reconciliation_assets.operations.jobs import daily_reconciliation


def daily_schedule(zone: str, at: time) -> dg.ScheduleDefinition:
    """The schedule of the daily reconciliation, running by default.

    Args:
        zone: IANA zone of the policy.
        at: start time, to the minute, in that zone.
    """

    @dg.schedule(
        name="daily",
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=zone,
        job=daily_reconciliation,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every day at {at:%H:%M} in the policy's zone.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        # Without a partition: the raw asset marks exactly the reporting days whose figures arrive.
        yield dg.RunRequest(run_key=f"{context.scheduled_execution_time:%Y-%m-%d}")

    return daily
