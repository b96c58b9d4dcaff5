"""The daily schedule."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from reconciliation_assets.operations.jobs import daily_reconciliation


def daily_schedule(zone: str) -> dg.ScheduleDefinition:
    """The daily reconciliation at 06:00 in the policy's zone, running unless somebody stops it.

    Args:
        zone: IANA zone of the policy.
    """

    @dg.schedule(
        name="daily_at_six",
        cron_schedule="0 6 * * *",
        execution_timezone=zone,
        job=daily_reconciliation,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every morning at 06:00 in the policy's zone, for the reporting day that has begun.",
    )
    def daily_at_six(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        day: datetime = context.scheduled_execution_time
        yield dg.RunRequest(run_key=f"{day:%Y-%m-%d}", partition_key=f"{day:%Y-%m-%d}")

    return daily_at_six
