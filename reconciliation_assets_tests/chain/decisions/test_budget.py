"""Scale, hold or stop: the rule, and what a campaign's weeks say of its money."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from reconciliation_assets.chain.decisions.budget import Evidence, decide
from reconciliation_assets.chain.decisions.maturity import AtAge
from reconciliation_assets.chain.decisions.returns import Ratio, collection_curve, poisson_interval, project_roas, ratio
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import CAMPAIGN, insight, lead, order, payment

RULE = load_policy(None).policy.budget


def mature(low: float, high: float) -> AtAge[Ratio]:
    return AtAge("Mature spend", 90, Ratio((low + high) / 2, low, high))


def young(low: float, high: float) -> AtAge[Ratio]:
    return AtAge("Newer spend", 90, Ratio((low + high) / 2, low, high))


GOOD = Evidence(
    mature=mature(3.2, 4.0),
    young=young(2.9, 3.8),
    weeks=12,
    ad_coverage=0.95,
    money_coverage=0.95,
    recent_leads=40,
    busy_leads=4,
    silent_days=0,
)
BAD = replace(GOOD, mature=mature(0.2, 0.7), young=young(0.1, 0.6))


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        (GOOD, "scale"),
        (replace(GOOD, young=None), "scale"),
        (replace(GOOD, mature=mature(2.9, 6.0)), "hold"),
        (replace(GOOD, young=young(1.0, 2.5)), "hold"),
        (replace(GOOD, busy_leads=20), "hold"),
        (replace(GOOD, money_coverage=0.5), "hold"),
        (BAD, "stop"),
        (replace(BAD, mature=mature(0.2, 1.1)), "hold"),
        (replace(BAD, young=young(0.8, 1.6)), "hold"),
        (replace(BAD, ad_coverage=0.5), "hold"),
        (replace(BAD, weeks=5), "not_enough_yet"),
        (replace(BAD, mature=None, weeks=0), "not_enough_yet"),
        (replace(BAD, silent_days=29), "not_running"),
    ],
)
def test_the_rule(seen: Evidence, action: str) -> None:
    decided, reason = decide(seen, RULE)
    assert decided == action
    assert reason.endswith(".")
    assert reason.count(". ") <= 1


def test_the_reason_carries_the_figures() -> None:
    assert "3.60 per 1 spent (3.20 to 4.00) at 90 days" in decide(GOOD, RULE)[1]
    assert "20 of its 40 leads" in decide(replace(GOOD, busy_leads=20), RULE)[1]


def test_weeks_that_differ_make_the_range_wide() -> None:
    even, uneven = (ratio(np.array(money), np.full(4, 100.0)) for money in ([200.0] * 4, [0.0, 0.0, 0.0, 800.0]))
    assert even
    assert uneven
    assert even.value == uneven.value == 2
    assert even.high == 2
    assert uneven.high > 5


def test_no_sale_proves_little() -> None:
    assert poisson_interval(0) == (0.0, pytest.approx(3.69, abs=0.01))
    assert poisson_interval(10) == (pytest.approx(4.80, abs=0.01), pytest.approx(18.39, abs=0.01))


def test_young_spend_is_held_against_the_share_that_is_in_at_its_age() -> None:
    final = np.full(8, 400.0)
    curve = collection_curve({7: final * 0.25, 90: final}, 90)
    assert curve
    expected = project_roas(np.full(4, 100.0), np.full(4, 100.0), np.full(4, 50.0), [7] * 4, curve)
    assert expected
    roas, share = expected
    assert (roas.value, share.value) == (pytest.approx(4.0), pytest.approx(0.25))
    assert roas.low == pytest.approx(2.0), "through exact links only"


def campaign(weeks: int, ticket: str, last: date = date(2026, 6, 30)) -> dict[str, list[dict[str, Any]]]:
    """A hundred spent a day, and an order of `ticket` placed every day and paid the same day, for some weeks."""
    days = [str(last - timedelta(days=back)) for back in range(weeks * 7)]
    placed = [order(f"SO{day}", day, value=ticket, campaign_id=CAMPAIGN) for day in days]
    paid = [payment(f"P{day}", day, amount=ticket, order_id=f"SO{day}") for day in days]
    return {"meta_insights": [insight(day) for day in days], "orders": placed, "payments": paid}


@pytest.mark.parametrize(("ticket", "action", "safe"), [("500", "scale", 120), ("150", "hold", 100), ("10", "stop", 0)])
def test_a_campaign_from_its_own_money(build: Build, ticket: str, action: str, safe: int) -> None:
    row = build(campaign(30, ticket)).one("budget_actions")
    assert (row["action"], row["daily_spend"], row["safe_daily_spend"]) == (action, 100, safe)
    assert row["collected_roas"] == pytest.approx(int(ticket) / 100)
    assert row["window_end"] + timedelta(days=90) <= date(2026, 7, 1), "only mature spend"


def test_a_campaign_without_one_sale_is_not_stopped_while_one_would_turn_it(build: Build) -> None:
    sold = campaign(30, "5000")
    poor = [row | {"campaign_id": "777", "ad_id": "7771", "spend": "10"} for row in sold["meta_insights"]]
    row = build(sold | {"meta_insights": [*sold["meta_insights"], *poor]}).one("budget_actions", campaign_id="777")
    assert row["collected_roas"] == 0
    assert row["action"] == "hold"


def test_spend_that_is_not_old_enough_decides_nothing(build: Build) -> None:
    row = build(campaign(13, "500")).one("budget_actions")
    assert (row["action"], row["safe_daily_spend"]) == ("not_enough_yet", None)


def test_a_campaign_that_stopped_is_told_as_such(build: Build) -> None:
    row = build(campaign(20, "500", last=date(2026, 4, 30))).one("budget_actions")
    assert row["action"] == "not_running"
    assert "62 days" in row["reason"]


def test_full_owners_hold_a_good_campaign(build: Build) -> None:
    rows = campaign(30, "500")
    leads = [lead(f"L{number}", "2026-06-20", campaign_id=CAMPAIGN) for number in range(12)]
    records = [
        {"crm_id": f"D{number}", "created_at": "2026-06-20T13:00:00+04:00", "updated_at": "2026-06-20T13:00:00+04:00",
         "stage": "new", "lead_id": f"L{number}", "owner": "sara"}
        for number in range(12)
    ]  # fmt: skip
    built = build(rows | {"leads": leads, "crm_records": records}, {"budget": {"busy_open_leads": 10}})
    row = built.one("budget_actions")
    assert (row["action"], row["busy_leads"]) == ("hold", 12)
    assert "without room for more" in row["reason"]
