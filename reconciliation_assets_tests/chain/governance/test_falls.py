"""A match rate that falls is told with the segment that broke; a fall that chance explains is not."""

import pandas as pd
import pytest

from reconciliation_assets.checks.coverage import culprit, fall_by_chance
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Row
from reconciliation_assets_tests.rows import crm, lead


def leads_of(form: str, days: range, *, broken: bool) -> tuple[list[Row], list[Row]]:
    """Four leads a day of June, with their CRM records or without."""
    names = [(f"{form}-{day}-{number}", f"2026-06-{day:02d}T10:00:00+04:00") for day in days for number in range(4)]
    leads = [lead(name, created_at=at, form_id=form) for name, at in names]
    return leads, [] if broken else [crm(f"C-{name}", lead_id=name) for name, _ in names]


def test_the_message_names_the_form_that_broke(build: Build) -> None:
    parts = [
        leads_of("dubai-ar-3", range(1, 25), broken=False),
        leads_of("dubai-ar-3", range(25, 31), broken=True),
        leads_of("riyadh-en-1", range(1, 31), broken=False),
    ]
    built = build(
        {"leads": [row for part, _ in parts for row in part], "crm_records": [row for _, part in parts for row in part]}
    )
    answer = built.ask("coverage_daily", "fall_lead_crm")
    assert not answer.passed
    assert answer.figures["segment"] == "form dubai-ar-3"
    assert "lead_crm fell from 100.0% to 50.0%" in answer.message
    assert "100% of the fall is form dubai-ar-3" in answer.message


@pytest.mark.parametrize(
    ("recent", "missed", "past", "missed_before", "is_chance"),
    [(400, 80, 1200, 96, False), (40, 8, 120, 10, True), (100, 8, 400, 32, True)],
)
def test_the_same_points_are_a_fall_only_where_enough_records_show_it(
    recent: int, missed: int, past: int, missed_before: int, *, is_chance: bool
) -> None:
    assert (fall_by_chance(recent, missed, past, missed_before) > 0.001) is is_chance


def test_the_smallest_segment_that_holds_the_fall_is_named_not_the_market_around_it() -> None:
    segments = pd.DataFrame(
        [
            ("all", "", 200, 60, 900.0, 800, 40),
            ("market", "AE", 150, 57, 880.0, 600, 30),
            ("form", "ar-3", 60, 53, 700.0, 200, 10),
            ("form", "en-1", 140, 7, 200.0, 600, 30),
        ],
        columns=["segment_kind", "segment", "recent", "recent_unmatched", "value_unmatched", "past", "past_unmatched"],
    )
    assert culprit(segments) == ("form", "ar-3", pytest.approx(1.0), 700.0)
