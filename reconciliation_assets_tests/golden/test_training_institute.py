"""A training institute that is paid weeks later and offline: 121,330 AED of ads brought 912,550 AED in, 7.52 for one.

Its students sign for 3,740 AED each and have paid 3,650.20 of it, so that what was sold and what was collected converge,
while Meta, which sees forms and no money, says something else.
"""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import AD, CAMPAIGN, crm, insight, lead, payment

LEADS, STUDENTS = 600, 250
SPEND, COLLECTED, SOLD = Decimal("121330.00"), Decimal("912550.00"), Decimal("935000.00")
PAID_BACK_BY_META = Decimal("1500000.00")


@pytest.fixture(scope="module")
def institute(build_once: Build) -> Built:
    first = date(2026, 1, 1)
    leads = [
        lead(f"L{number}", f"{first + timedelta(days=number % 28)}", campaign_id=CAMPAIGN, ad_id=AD, source="facebook")
        for number in range(LEADS)
    ]
    students = [
        crm(f"D{number}", "2026-02-01", "closed won", lead_id=f"L{number}", final_value="3740", currency="AED")
        for number in range(STUDENTS)
    ]
    others = [crm(f"D{number}", "2026-02-01", "lost", lead_id=f"L{number}") for number in range(STUDENTS, LEADS)]
    deposits = [payment(f"deposit {number}", "2026-02-10", "1500", crm_id=f"D{number}") for number in range(STUDENTS)]
    rests = [
        payment(f"transfer {number}", "2026-03-20", "2150.20", crm_id=f"D{number}", method="bank transfer")
        for number in range(STUDENTS)
    ]
    return build_once(
        {
            "meta_insights": [
                insight(f"2026-01-{day:02d}", spend="12133", results="65", attributed_value="150000")
                for day in range(1, 11)
            ],
            "leads": leads,
            "crm_records": [*students, *others],
            "payments": [*deposits, *rests],
        }
    )


def test_collected_return_is_seven_and_a_half(institute: Built) -> None:
    performance = institute.one("collected_performance", campaign_id=CAMPAIGN)
    assert performance["spend_value"] == SPEND
    assert performance["collected_value"] == COLLECTED
    assert round(performance["collected_roas"], 2) == 7.52
    assert round(performance["collected_roas_exact"], 2) == 7.52, "every link is by ID, so there is no doubt about it"


def test_sold_and_collected_converge_whatever_meta_says(institute: Built) -> None:
    chain = institute.rows("matched_chain", campaign_id=CAMPAIGN)
    sold = sum(record["final_value"] for record in chain)
    assert sold == SOLD
    assert 1 > COLLECTED / sold > Decimal("0.97")
    assert institute.one("two_numbers", campaign_id=CAMPAIGN)["platform_value"] == PAID_BACK_BY_META


def test_the_bridge_leads_from_metas_number_to_the_money(institute: Built) -> None:
    lines = {row["line"]: row["amount"] for row in institute.rows("bridge", campaign_id=CAMPAIGN)}
    assert lines["platform_attributed"] == PAID_BACK_BY_META
    assert lines["open"] == COLLECTED - SOLD, "what the students still owe"
    assert lines["collected"] == COLLECTED
    assert sum(amount for line, amount in lines.items() if line != "collected") == COLLECTED


def test_the_funnel_shows_how_far_the_leads_came(institute: Built) -> None:
    funnel = institute.one("funnel_performance", campaign_id=CAMPAIGN)
    assert (funnel["captured"], funnel["won"], funnel["collected"]) == (LEADS, STUDENTS, STUDENTS)
