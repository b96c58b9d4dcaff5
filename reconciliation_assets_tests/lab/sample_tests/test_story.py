"""A manager can find what went wrong: a campaign Meta loves, a form without tracking, a remittance that came late."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets_tests.lab.sample import CAMPAIGNS, INCIDENTS, CompanySpec, LateRemittance, LostTracking
from reconciliation_assets_tests.lab.sample_tests.reading import Extract, Row, instant

LOVED = "KSA | Free Career Test | Instant form | AR"
OPENED = CompanySpec(orders=500).opened


def returns(extract: Extract) -> dict[str, tuple[float, float]]:
    """Reported and collected return on the spend of each campaign."""
    names = {row["campaign_id"]: str(row["campaign_name"]) for row in extract.rows("meta_insights")}
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for row in extract.truth["bridge"]:
        if row["campaign_id"] is not None:
            figures = (row["spend"], row["platform_attributed"], row["collected"])
            known = sums[names[row["campaign_id"]]]
            sums[names[row["campaign_id"]]] = [one + Decimal(other) for one, other in zip(known, figures, strict=True)]
    return {name: (float(value / spend), float(money / spend)) for name, (spend, value, money) in sums.items()}


def test_the_campaign_with_the_best_reported_return_collects_least(larger: Extract) -> None:
    reported = {name: pair[0] for name, pair in returns(larger).items()}
    collected = {name: pair[1] for name, pair in returns(larger).items()}
    assert max(reported, key=lambda name: reported[name]) == LOVED
    assert min(collected, key=lambda name: collected[name]) == LOVED


def test_collected_returns_are_those_of_real_campaigns(larger: Extract) -> None:
    collected = {name: pair[1] for name, pair in returns(larger).items()}
    assert set(collected) == {row.name for row in CAMPAIGNS if row.account}
    assert all(0.6 < value < 8 for value in collected.values()), collected


def test_one_form_lost_its_tracking_in_one_week(larger: Extract) -> None:
    incident = next(row for row in INCIDENTS if isinstance(row, LostTracking))
    first = datetime.combine(OPENED + timedelta(days=incident.first_day), datetime.min.time(), tzinfo=UTC) - timedelta(
        hours=4
    )
    identifiers = ("campaign_id", "adset_id", "ad_id", "meta_lead_id", "click_id")

    def lost(row: Row) -> bool:
        return (
            str(row["medium"]) in {"paid", "paid_social", "cpc"}
            and row["source"] != "google"
            and not any(row[name] for name in identifiers)
        )

    concerned = [row for row in larger.current("leads") if lost(row)]
    assert len(concerned) > 20
    assert len({row["form_id"] for row in concerned}) == 1
    assert {row["market"] for row in concerned} == {"SA"}
    for row in concerned:
        assert timedelta(0) <= instant(row["created_at"]) - first < timedelta(days=incident.days)


def test_the_form_without_tracking_can_be_seen_in_a_small_company(small: Extract) -> None:
    untracked = [
        row
        for row in small.current("leads")
        if row["event_type"] == "instant_form" and not row["ad_id"] and not row["meta_lead_id"]
    ]
    assert len(untracked) >= 5


def test_one_courier_remitted_two_weeks_of_cash_a_month_late(larger: Extract) -> None:
    incident = next(row for row in INCIDENTS if isinstance(row, LateRemittance))
    orders = {row["waybill"]: row for row in larger.current("orders") if row["waybill"]}
    waits: dict[bool, list[int]] = {True: [], False: []}
    for row in larger.current("payments"):
        if row["waybill"] and row["status"] == "settled":
            delivered = instant(orders[row["waybill"]]["delivered_at"])
            week = ((delivered + timedelta(hours=4)).astimezone(UTC).date() - OPENED).days // 7
            late = (
                str(row["settlement_id"]).startswith(incident.courier)
                and 0 <= week - incident.first_week < incident.weeks
            )
            waits[late].append((instant(row["paid_at"]) - delivered).days)
    assert len(waits[True]) > 20
    assert min(waits[True]) > 30
    assert max(waits[False]) < 20


def test_a_settlement_carries_many_waybills_at_one_instant(larger: Extract) -> None:
    instants: dict[str | None, set[datetime]] = defaultdict(set)
    waybills: dict[str | None, int] = defaultdict(int)
    for row in larger.current("payments"):
        if row["settlement_id"]:
            instants[row["settlement_id"]].add(instant(row["paid_at"]))
            waybills[row["settlement_id"]] += 1
    assert {len(moments) for moments in instants.values()} == {1}
    assert max(waybills.values()) > 10


def test_the_latest_cohort_is_immature(larger: Extract) -> None:
    share = {}
    for month in ("2026-03", "2026-06"):
        rows = [row for row in larger.truth["bridge"] if row["month"] == month]
        stated = sum(
            sum(
                Decimal(row[line])
                for line in ("platform_attributed", "claimed_not_captured", "captured_not_claimed", "valuation")
            )
            for row in rows
        )
        share[month] = -sum(Decimal(row["open"]) for row in rows) / stated
    assert share["2026-06"] > Decimal("1.3") * share["2026-03"]


@pytest.mark.parametrize("market", ["AE", "SA", "KW"])
def test_refusals_at_the_door_are_those_of_the_gulf(larger: Extract, market: str) -> None:
    words = {"refused", "failed-delivery", "rto"}
    cash = [row for row in larger.current("orders") if row["payment_method"] == "cod" and row["market"] == market]
    tried = [row for row in cash if row["delivered_at"] or str(row["status"]).lower() in words]
    refused = [row for row in tried if not row["delivered_at"]]
    assert date(2026, 2, 1) == OPENED
    assert 0.13 < len(refused) / len(tried) < 0.27
