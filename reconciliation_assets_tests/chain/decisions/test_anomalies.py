"""Anomalies: what stands out in the whole history is named with its figures; companies where nothing does have none."""

import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Bench, Built, Row
from reconciliation_assets_tests.rows import insight, lead, order, payment

SAMPLE = PROJECT_ROOT / "data" / "sample"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    home = tmp_path_factory.mktemp("sample")
    shutil.copytree(SAMPLE / "inbox", home / "inbox")
    bench = Bench(home, as_of=datetime.fromisoformat(json.loads((SAMPLE / "truth.json").read_text("utf-8"))["as_of"]))
    yield bench.build()
    bench.close()


def test_the_sample_tells_its_whole_story(sample: Built) -> None:
    told = {row["anomaly"]: row for row in reversed(sample.rows("anomalies"))}
    loved = sample.one("anomalies", subject_name="KSA | Free Career Test | Instant form | AR")
    assert loved["anomaly"] == "overrated_by_meta"
    assert (
        "first by what Meta reports (17.92 per 1 spent; the others 4.68), last by collected money" in loved["finding"]
    )
    assert (told["tracking_lost"]["started_on"], told["tracking_lost"]["ended_on"]) == (
        date(2026, 4, 13),
        date(2026, 4, 18),
    )
    assert (told["tracking_lost"]["subject_name"], told["tracking_lost"]["records"]) == ("8350000000000003", 9)
    late = sample.rows("anomalies", anomaly="remittance_late")
    assert {row["subject_name"] for row in late} == {"NJD-SAR-W005", "NJD-SAR-W006"}
    assert all("40 days after delivery" in row["finding"] for row in late)


def campaign(number: int, orders: int, reported: int, **cells: Any) -> tuple[list[Row], list[Row], list[Row]]:
    """A campaign of 1,000 spent in March, with so many orders of 100 that were paid."""
    ids = {"campaign_id": f"1200000000000000{number}", "ad_id": f"1200000000000090{number}"}
    made = [order(f"O{number}-{n}", campaign_id=ids["campaign_id"], ad_id=ids["ad_id"]) for n in range(orders)]
    return (
        [insight(**ids, campaign_name=f"Campaign {number}", spend=1000, attributed_value=reported, **cells)],
        made,
        [payment(f"P{number}-{n}", order_id=f"O{number}-{n}") for n in range(orders)],
    )


def company(*campaigns: tuple[list[Row], list[Row], list[Row]]) -> dict[str, list[Row]]:
    names = ("meta_insights", "orders", "payments")
    return {name: [row for each in campaigns for row in each[place]] for place, name in enumerate(names)}


def test_a_campaign_that_meta_rates_higher_and_that_collected_surely_less_is_overrated(build: Build) -> None:
    rows = build(company(campaign(1, 2, 9000), campaign(2, 30, 3000), campaign(3, 40, 3000))).rows("anomalies")
    assert [(row["anomaly"], row["subject_name"], row["records"]) for row in rows] == [
        ("overrated_by_meta", "Campaign 1", 2)
    ]
    assert rows[0]["value"] == Decimal(8800)
    assert (
        "first by what Meta reports (9.00 per 1 spent; the others 3.00), last by collected money (0.20; the others 3.50)"
        in (rows[0]["finding"])
    )


def test_a_few_sales_less_are_luck(build: Build) -> None:
    assert build(company(campaign(1, 4, 9000), campaign(2, 6, 3000), campaign(3, 7, 3000))).rows("anomalies") == []


def test_immature_months_prove_nothing(build: Build) -> None:
    rivals = (campaign(1, 2, 9000), campaign(2, 30, 3000))
    early = datetime.fromisoformat("2026-04-20T00:00:00+04:00")
    assert build(company(*rivals), as_of=early).rows("anomalies") == []
    assert len(build(company(*rivals)).rows("anomalies")) == 1


def test_a_landing_page_is_told_where_no_form_is_known(build: Build) -> None:
    page = {"source": "facebook", "medium": "paid", "landing_page": "https://shop.example/ar"}
    tagged = {"campaign_id": "12000000000000001", "ad_id": "12000000000000111"}
    days = [f"2026-03-{n:02d}" for n in range(1, 29)]
    leads = [
        lead(f"L{day}{n}", day, **page, **({} if 10 <= int(day[-2:]) <= 12 else tagged))
        for day in days
        for n in range(3)
    ]
    built = build({"meta_insights": [insight()], "leads": leads})
    row = built.one("anomalies", anomaly="tracking_lost")
    assert row["subject"] == "landing page https://shop.example/ar"
    assert (row["started_on"], row["ended_on"], row["records"]) == (date(2026, 3, 10), date(2026, 3, 12), 9)
    assert (
        "from 2026-03-10 to 2026-03-12: 9 of its 9 records from Meta name no ad, against 0% on its other days"
        in row["finding"]
    )


def parcels(waits: list[int]) -> dict[str, list[Row]]:
    """Settlements of one parcel each, delivered on 1 March and paid over so many days later."""
    delivered = "2026-03-01"
    orders = [
        order(f"O{n}", "2026-02-25", waybill=f"W{n}", delivered_at="2026-03-01T12:00:00+04:00", payment_method="cod")
        for n in range(len(waits))
    ]
    paid = [
        payment(
            f"P{n}",
            str(date.fromordinal(date.fromisoformat(delivered).toordinal() + days)),
            waybill=f"W{n}",
            settlement_id=f"S{n}",
        )
        for n, days in enumerate(waits)
    ]
    return {"orders": orders, "payments": paid}


def test_a_remittance_far_beyond_the_others_is_late_and_the_sentence_says_what_is_usual(build: Build) -> None:
    row = build(parcels([8, 9, 9, 10, 10, 11, 9, 8, 41])).one("anomalies")
    assert (row["anomaly"], row["subject_name"], row["ended_on"], row["value"]) == (
        "remittance_late",
        "S8",
        date(2026, 4, 11),
        Decimal(100),
    )
    assert "41 days after delivery; in AED 9 days are usual" in row["finding"]


@pytest.mark.parametrize(
    "waits",
    [
        pytest.param([8, 9, 9, 10, 10, 11, 9, 8, 18], id="no later than a transfer may take"),
        pytest.param([5, 9, 13, 20, 25, 30, 9, 8, 41], id="they differ that much anyway"),
        pytest.param([8, 9, 9, 10, 41], id="too few to know what is usual"),
    ],
)
def test_what_is_usual_or_unknown_is_not_late(build: Build, waits: list[int]) -> None:
    assert build(parcels(waits)).rows("anomalies") == []
