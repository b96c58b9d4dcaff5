"""Plots: what the UI shows at once says the same figures as the tables, in no more than it shows in place."""

from decimal import Decimal

import pytest

from reconciliation_assets.chain.plots import (
    PLOTS,
    SHOWN_AT_ONCE,
    KeptPictures,
    Plot,
    coverage_over_time,
    match_weights,
    two_numbers_by_campaign,
)
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import insight, lead, order, payment


@pytest.fixture(scope="module")
def built(build_once: Build) -> Built:
    """A company of forty campaigns with long names, over some months."""
    campaigns = [f"campaign {number:02} of a name that does not end " for number in range(40)]
    days = [f"2026-{month:02}-{day:02}" for month in (2, 3, 4) for day in (3, 17)]
    return build_once(
        {
            "meta_insights": [
                insight(
                    days[number % 6],
                    campaign_id=f"C{number}",
                    campaign_name=name,
                    ad_id=f"A{number}",
                    attributed_value=str(1000 + number),
                )
                for number, name in enumerate(campaigns)
            ],
            "leads": [
                lead(f"L{number}", days[number % 6], campaign_id=f"C{number}", ad_id=f"A{number}")
                for number, name in enumerate(campaigns)
            ],
            "orders": [
                order(f"SO{number}", days[number % 6], lead_id=f"L{number}", value="250") for number in range(40)
            ],
            "payments": [
                payment(f"P{number}", days[number % 6], "250", order_id=f"SO{number}") for number in range(0, 40, 2)
            ],
        }
    ).make_all()


@pytest.mark.parametrize("table", PLOTS)
def test_a_plot_is_seen_at_once_and_as_a_picture(table: str, built: Built) -> None:
    plot = PLOTS[table](built.warehouse)
    assert len(plot.text) < SHOWN_AT_ONCE
    assert len(plot.text.splitlines()) > 3
    assert plot.picture.startswith(b"\x89PNG")


def test_the_bridges_bars_carry_the_bridges_amounts(built: Built) -> None:
    text = PLOTS["bridge"](built.warehouse).text
    amounts: dict[str, Decimal] = {}
    for row in built.rows("bridge"):
        if row["campaign_id"] is not None:
            amounts[row["line"]] = amounts.get(row["line"], Decimal()) + row["amount"]
    for line, amount in amounts.items():
        shown = next(told for told in text.splitlines() if told.startswith(line.replace("_", " ")))
        assert shown.endswith(f" {amount:,.0f}"), (line, amount)
    longest = max(text.splitlines(), key=lambda told: told.count("█"))
    assert longest.startswith("platform attributed") or "collected" in longest


def test_what_does_not_fit_is_said_to_be_in_the_picture(built: Built) -> None:
    text = two_numbers_by_campaign(built.warehouse).text
    assert text.splitlines()[-2] == "… and more in the picture"
    assert "Meta says" in text.splitlines()[1]


def test_a_link_is_a_line_of_weeks_and_its_last_share(built: Built) -> None:
    (line,) = [
        line for line in coverage_over_time(built.warehouse).text.splitlines() if line.startswith("payment to order")
    ]
    assert line.endswith("% in the week of 2026-03-30"), line
    assert "█" in line


def test_a_picture_is_kept_until_its_chart_changes(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = (
        match_weights([{"comparison": "phone", "outcome": "same", "weight": weight}]) for weight in (1.0, -2.0)
    )
    drawn = KeptPictures(built.warehouse).of("inferred_lead_order", before)
    assert drawn == before.picture
    with monkeypatch.context() as patch:
        patch.setattr(Plot, "picture", None)
        assert KeptPictures(built.warehouse).of("inferred_lead_order", before) == drawn, "a later run draws nothing"
    other = KeptPictures(built.warehouse).of("inferred_lead_order", after)
    assert other == after.picture
    assert other != drawn
