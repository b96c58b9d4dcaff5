"""What Meta's figures were believed to be on a given day, how they moved since, and which closed month changed."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built, Row
from reconciliation_assets_tests.rows import CAMPAIGN, insight, lead, lock, payment

OTHER = "12000000000000002"


def pull(read_on: str | None, value: str, day: str = "2026-03-01", **cells: Any) -> Row:
    return insight(day, attributed_value=value, pulled_at=f"{read_on}T06:00:00+04:00" if read_on else "", **cells)


def company(*pulls: Row, **tables: list[Row]) -> dict[str, list[Row]]:
    return {"meta_insights": list(pulls), "leads": [lead("L1")], "payments": [payment("P1")], **tables}


def believed(built: Built, day: str) -> dict[str, Decimal]:
    """The query of the docs: what was believed of each campaign at the end of a day."""
    built.make_all()
    return dict(
        built.warehouse.rows(
            """
            select campaign_id, sum(attributed_value_reporting) from governance.meta_beliefs
            where (believed_from is null or believed_from < $instant) and (believed_until is null or believed_until >= $instant)
            group by campaign_id
            """,
            {"instant": datetime.fromisoformat(f"{day}T23:59:59+04:00")},
        )
    )


def month(built: Built, campaign_id: str = CAMPAIGN) -> Row:
    return built.one("meta_restatements", period_kind="month", campaign_id=campaign_id)


def closed_months_moved(built: Built) -> list[tuple[str, Decimal]]:
    return [(row["source_id"], row["value"]) for row in built.rows("exceptions", kind="closed_month_restated")]


def test_every_day_has_the_figures_that_were_believed_on_it(build: Build) -> None:
    built = build(company(pull("2026-03-02", "1000"), pull("2026-03-05", "1400"), pull("2026-03-09", "1250")))
    assert believed(built, "2026-03-01") == {}
    assert believed(built, "2026-03-04") == {CAMPAIGN: 1000}
    assert believed(built, "2026-03-05") == {CAMPAIGN: 1400}
    assert believed(built, "2026-06-30") == {CAMPAIGN: 1250}


def test_a_pull_that_changes_nothing_is_no_new_belief(build: Build) -> None:
    built = build(company(pull("2026-03-02", "1000"), pull("2026-03-03", "1000"), pull("2026-03-04", "1100")))
    assert [row["attributed_value_reporting"] for row in built.rows("meta_beliefs")] == [1000, 1100]
    assert month(built)["beliefs"] == 2


def test_a_campaign_is_the_sum_of_its_ads_each_as_last_read(build: Build) -> None:
    other_ad = {"ad_id": "12000000000000112"}
    built = build(company(pull("2026-03-02", "1000"), pull("2026-03-03", "300", **other_ad), pull("2026-03-04", "900")))
    assert believed(built, "2026-03-02") == {CAMPAIGN: 1000}
    assert believed(built, "2026-03-03") == {CAMPAIGN: 1300}
    assert believed(built, "2026-03-04") == {CAMPAIGN: 1200}


def test_an_ad_that_changes_its_campaign_leaves_the_one_for_the_other(build: Build) -> None:
    built = build(company(pull("2026-03-02", "1000"), pull("2026-03-04", "1000", campaign_id=OTHER)))
    assert believed(built, "2026-03-02") == {CAMPAIGN: 1000}
    assert believed(built, "2026-03-04") == {CAMPAIGN: 0, OTHER: 1000}
    assert built.ask("meta_restatements", "believed_now").passed


def test_figures_without_a_time_were_believed_before_all_others(build: Build) -> None:
    built = build(company(pull(None, "800"), pull("2026-03-05", "1400")))
    assert believed(built, "2020-01-01") == {CAMPAIGN: 800}
    first, _ = sorted(built.rows("meta_beliefs"), key=lambda row: row["attributed_value_reporting"])
    assert first["believed_from"] is None
    assert month(built)["first_attributed_value"] == 800


def test_a_month_is_told_as_first_believed_and_now(build: Build) -> None:
    built = build(
        company(
            pull("2026-03-02", "1000"),
            pull("2026-03-05", "1400"),
            pull("2026-03-03", "200", day="2026-03-02", spend="50", results="3"),
        )
    )
    row = month(built)
    assert (row["first_attributed_value"], row["attributed_value_reporting"]) == (1200, 1600)
    assert row["attributed_difference"] == 400
    assert (row["spend_value"], row["spend_difference"], row["results"]) == (150, 0, 4)


def test_what_moves_before_the_month_is_closed_is_no_exception(build: Build) -> None:
    built = build(company(pull("2026-03-02", "1000"), pull("2026-04-28", "1400")))
    assert month(built)["attributed_moved_since_close"] == 0
    assert closed_months_moved(built) == []


def test_a_closed_month_that_moved_waits_for_marketing(build: Build) -> None:
    built = build(company(pull("2026-03-02", "1000"), pull("2026-04-28", "1400"), pull("2026-05-02", "1350")))
    assert month(built)["attributed_moved_since_close"] == -50
    assert closed_months_moved(built) == [(f"act_1 {CAMPAIGN} 2026-03", Decimal(50))]
    told = built.one("exceptions", kind="closed_month_restated")
    assert told["owner"] == "marketing"
    assert "attributed value by -50.00, spend by 0.00, results by 0." in told["detail"]


def test_a_lock_closes_a_month_sooner(build: Build) -> None:
    built = build(
        company(pull("2026-03-02", "1000"), pull("2026-04-28", "1400"), period_locks=[lock("2026-03", "2026-04-10")])
    )
    assert month(built)["attributed_moved_since_close"] == 400


def test_history_read_long_after_is_believed_for_the_first_time_and_moves_nothing(build: Build) -> None:
    built = build(company(pull("2026-06-20", "1000"), pull("2026-06-20", "500", day="2026-03-31")))
    assert closed_months_moved(built) == []


def test_a_campaign_that_appears_in_a_closed_month_moves_it(build: Build) -> None:
    late = pull("2026-06-20", "700", campaign_id=OTHER, ad_id="12000000000000222")
    built = build(company(pull("2026-03-02", "1000"), late))
    assert month(built, OTHER)["attributed_moved_since_close"] == 700


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_the_order_of_files_says_nothing_of_what_was_believed(build: Build, names: tuple[str, str]) -> None:
    head = ",".join(pull("2026-03-02", "0"))
    older, newer = (",".join(pull(*read).values()) for read in (("2026-03-02", "1000"), ("2026-03-05", "1400")))
    files = {
        f"meta_insights-{names[0]}.csv": f"{head}\n{older}\n".encode(),
        f"meta_insights-{names[1]}.csv": f"{head}\n{newer}\n".encode(),
    }
    built = build({"leads": [lead("L1")], "payments": [payment("P1")]}, files=files)
    assert believed(built, "2026-03-03") == {CAMPAIGN: 1000}
    assert believed(built, "2026-03-06") == {CAMPAIGN: 1400}


def test_foreign_figures_move_in_the_reporting_currency(build: Build) -> None:
    built = build(
        company(
            *(pull(day, value, account_currency="USD") for day, value in (("2026-03-02", "100"), ("2026-03-05", "140")))
        )
    )
    assert month(built)["attributed_difference"] == Decimal("146.90")
    assert built.ask("meta_restatements", "believed_now").passed
