"""The daily schedule."""

from collections.abc import Iterator

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
        description="Every morning at 06:00 in the policy's zone.",
    )
    def daily_at_six(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        # Without a partition: the reporting days whose figures arrive are marked one by one, and no other shows as filled.
        yield dg.RunRequest(run_key=f"{context.scheduled_execution_time:%Y-%m-%d}")

    return daily_at_six
