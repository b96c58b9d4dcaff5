"""The jobs: the daily reconciliation, and Meta's history over many reporting days in one run."""

import dagster as dg

DAILY_JOB = "daily_reconciliation"
HISTORY_JOB = "meta_insights_history"

daily_reconciliation = dg.define_asset_job(
    DAILY_JOB,
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description=(
        "Everything, for one reporting day: lands what is new (Meta's figures of that day and the 28 before, which Meta "
        "restates), rebuilds the chain, checks it and replaces the published copy."
    ),
)

meta_insights_history = dg.define_asset_job(
    HISTORY_JOB,
    selection=dg.AssetSelection.assets("raw_meta_insights"),
    executor_def=dg.in_process_executor,
    description="Meta's figures of a range of reporting days, in a single run.",
)
