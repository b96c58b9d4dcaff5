"""Meta's figures of many reporting days land in a single run, and every day that came shows as materialised."""

from pathlib import Path

import dagster as dg
import pytest

from reconciliation_assets_tests.harness import drop
from reconciliation_assets_tests.rows import insight, order, payment

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


def test_a_daily_run_fills_the_days_whose_figures_arrived_and_no_other(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciliation_assets.build import build_defs

    monkeypatch.setenv("RECON_AS_OF", "2026-03-09T06:00:00+04:00")
    drop(
        home / "inbox",
        {
            "meta_insights": [insight(day) for day in ("2026-03-03", "2026-03-05")],
            "orders": [order("O1", "2026-03-04")],
            "payments": [payment("P1", "2026-03-06", order_id="O1")],
        },
    )
    assert build_defs().resolve_job_def("daily_reconciliation").execute_in_process(instance=instance).success
    assert instance.get_materialized_partitions(RAW) == {"2026-03-03", "2026-03-05"}
    days = build_defs().resolve_asset_graph().get(RAW).partitions_def
    assert days is not None
    begun = [f"2026-03-{day:02d}" for day in range(3, 10)]
    assert list(days.get_partition_keys()) == begun, "from where the data begins to the instant the run speaks for"
