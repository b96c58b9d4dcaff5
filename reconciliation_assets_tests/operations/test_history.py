"""Meta's figures of many reporting days land in a single run, and every day that came shows as materialised."""

from pathlib import Path

import dagster as dg
import pytest

from reconciliation_assets_tests.harness import drop
from reconciliation_assets_tests.rows import insight

pytestmark = pytest.mark.slow
RAW = dg.AssetKey("raw_meta_insights")


def test_a_range_of_days_is_one_run(home: Path, instance: dg.DagsterInstance) -> None:
    from reconciliation_assets.build import build_defs

    drop(home / "inbox", {"meta_insights": [insight(f"2026-03-{day:02d}") for day in range(1, 29)]})
    result = (
        build_defs()
        .resolve_job_def("meta_insights_history")
        .execute_in_process(
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": "2026-03-01",
                "dagster/asset_partition_range_end": "2026-03-28",
            },
        )
    )
    assert result.success
    materialised = instance.get_materialized_partitions(RAW)
    assert {f"2026-03-{day:02d}" for day in range(1, 29)} <= materialised
    assert len(instance.get_runs()) == 1
