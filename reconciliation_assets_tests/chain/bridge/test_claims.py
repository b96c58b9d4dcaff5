"""Lines 0 to 3: from Meta's claims to what was captured, carried over exactly whichever side counts more."""

from decimal import Decimal

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import CAMPAIGN, adjustment, insight, lead, order, payment


def lines(built: Built, campaign: str | None = CAMPAIGN) -> dict[str, Decimal]:
    """The lines of a campaign's only group that hold something."""
    found = {row["line"]: row["amount"] for row in built.rows("bridge", campaign_id=campaign)}
    assert len(found) == 11
    return {line: amount for line, amount in found.items() if amount}


def captured(count: int, value: str) -> list[dict[str, str]]:
    return [lead(f"L{number}", campaign_id=CAMPAIGN, stated_value=value, currency="AED") for number in range(count)]


def test_results_beyond_the_captured_records_at_metas_average(build: Build) -> None:
    built = build({"meta_insights": [insight(results="5", attributed_value="1000")], "leads": captured(2, "300")})
    found = lines(built)
    assert found["platform_attributed"] == 1000
    assert found["claimed_not_captured"] == -600
    assert "captured_not_claimed" not in found
    assert found["valuation"] == 200, "two leads of 300 against two results of 200"
    assert found["open"] == -600


def test_captured_records_beyond_metas_results_at_the_captured_average(build: Build) -> None:
    built = build({"meta_insights": [insight(results="1", attributed_value="1000")], "leads": captured(4, "300")})
    found = lines(built)
    assert found["captured_not_claimed"] == 900
    assert found["valuation"] == -700
    assert found["platform_attributed"] + found["captured_not_claimed"] + found["valuation"] == 1200


def test_as_many_results_as_records_leaves_only_their_value(build: Build) -> None:
    built = build({"meta_insights": [insight(results="2", attributed_value="1000")], "leads": captured(2, "300")})
    assert lines(built) == {"platform_attributed": 1000, "valuation": -400, "open": -600}


def test_exact_halves_go_to_the_even_fils(build: Build) -> None:
    """1 of 8 results beyond 7 records: 0.20 / 8 = 0.025 goes to 0.02, and 0.60 / 8 = 0.075 to 0.08."""
    for value, beyond in (("0.20", "-0.02"), ("0.60", "-0.08")):
        built = build({"meta_insights": [insight(results="8", attributed_value=value)], "leads": captured(7, "1")})
        assert lines(built)["claimed_not_captured"] == Decimal(beyond)


def test_half_a_result_is_a_half(build: Build) -> None:
    built = build({"meta_insights": [insight(results="2.5", attributed_value="1000")], "leads": captured(2, "400")})
    assert lines(built)["claimed_not_captured"] == -200


def test_a_campaign_that_brought_nothing_is_all_claimed(build: Build) -> None:
    built = build({"meta_insights": [insight(results="3", attributed_value="1000")], "leads": []})
    assert lines(built) == {"platform_attributed": 1000, "claimed_not_captured": -1000}


def test_records_with_no_campaign_are_a_group_of_their_own(build: Build) -> None:
    built = build({"leads": [lead("L1", stated_value="300", currency="AED")]})
    assert lines(built, None) == {"captured_not_claimed": 300, "open": -300}


def test_metas_figures_join_the_cohort_of_their_day(build: Build) -> None:
    built = build({"meta_insights": [insight("2026-03-31"), insight("2026-04-01", attributed_value="7")]})
    found = {row["period_start"].month: row["amount"] for row in built.rows("bridge", line="platform_attributed")}
    assert found == {3: 1000, 4: 7}


@pytest.mark.parametrize(
    ("created", "month"), [("2026-03-31T19:59:59Z", 3), ("2026-03-31T20:00:00Z", 4), ("2026-04-01T00:30:00+04:00", 4)]
)
def test_a_record_joins_the_cohort_of_its_day_in_the_policys_zone(build: Build, created: str, month: int) -> None:
    built = build({"leads": [lead("L1", created)]})
    assert built.one("matched_chain")["cohort_date"].month == month


def test_adjustments_are_a_line_with_a_sign(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1", campaign_id=CAMPAIGN)],
            "payments": [payment("P1", order_id="SO1")],
            "manual_adjustments": [
                adjustment("A1", "-30", campaign_id=CAMPAIGN),
                adjustment("A2", "10", campaign_id=CAMPAIGN, currency="USD"),
            ],
        }
    )
    found = lines(built)
    assert found["manual_adjustment"] == Decimal("6.72"), "36.72 - 30: ten dollars at the peg, half-even"
    assert found["collected"] == Decimal("106.72")


def test_money_of_no_record_is_beside_the_bridge_and_never_in_it(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO9")]})
    assert "collected" not in lines(built, None)
    assert built.one("unmatched_revenue")["amount"] == 100
