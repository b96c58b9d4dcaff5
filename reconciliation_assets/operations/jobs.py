"""The jobs: the daily reconciliation, and Meta's history over many reporting days in one run."""

import dagster as dg

DAILY_JOB = "daily_reconciliation"
HISTORY_JOB = "meta_insights_history"

READ_INBOX_TAG = "reconcile/inbox"
"""Tag of a completed run of the command line, with the state of the inbox that it read."""

daily_reconciliation = dg.define_asset_job(
    DAILY_JOB,
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description=(
        "Everything: lands what is new (Meta's figures of today and the 28 days before, which Meta restates), rebuilds the "
        "chain, checks it and replaces the published copy. It needs no partition: every reporting day whose figures arrive "
        "is marked as filled."
    ),
)

meta_insights_history = dg.define_asset_job(
    HISTORY_JOB,
    selection=dg.AssetSelection.assets("raw_meta_insights"),
    executor_def=dg.in_process_executor,
    description="Meta's figures of a range of reporting days, in a single run.",
)
