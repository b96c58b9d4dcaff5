"""Which ad, or at least which campaign, a captured record came from, and whether one is expected at all."""

from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import AD, CAMPAIGN, decision, insight, lead, order

Row = dict[str, Any]
SPRING = [insight()]


def the_link(built: Built, record_id: str = "lead:L1") -> tuple[str, str, str]:
    row = built.one("record_ad_links", left_id=record_id)
    return row["right_id"], row["match_method"], row["evidence"]


def with_lead(build: Build, **cells: Any) -> Built:
    return build({"meta_insights": SPRING, "leads": [lead("L1", **cells)]})


def test_a_record_that_names_the_ad(build: Build) -> None:
    built = with_lead(build, ad_id=AD)
    assert the_link(built) == (AD, "exact_id", f"lead names ad {AD}")
    assert built.one("matched_chain")["campaign_id"] == CAMPAIGN


def test_a_link_tagged_with_the_ad(build: Build) -> None:
    assert the_link(with_lead(build, utm_content=AD)) == (AD, "exact_id", f"link is tagged with ad {AD}")


def test_a_record_that_names_only_the_campaign(build: Build) -> None:
    built = with_lead(build, campaign_id=CAMPAIGN)
    assert the_link(built)[1:] == ("exact_id", f"lead names campaign {CAMPAIGN} and no known ad")
    assert built.one("matched_chain")["ad_id"] is None


def test_a_link_tagged_with_the_campaigns_id(build: Build) -> None:
    assert the_link(with_lead(build, utm_campaign=CAMPAIGN))[1:] == (
        "exact_id",
        f"link is tagged with campaign {CAMPAIGN}",
    )


@pytest.mark.parametrize("tag", ["Spring", "spring", " SPRING "])
def test_a_campaign_known_by_its_name_is_inferred(build: Build, tag: str) -> None:
    built = with_lead(build, utm_campaign=tag)
    assert the_link(built)[1:] == ("inferred", f"link is tagged with the name of campaign {CAMPAIGN}")
    assert built.one("matched_chain")["ad_match_confidence"] == 0.6


def test_a_name_that_two_campaigns_share_says_nothing(build: Build) -> None:
    insights = [*SPRING, insight(campaign_id="12000000000000002", ad_id="12000000000000222")]
    built = build({"meta_insights": insights, "leads": [lead("L1", utm_campaign="spring", source="facebook")]})
    assert built.rows("record_ad_links") == []
    assert built.one("unmatched_records", link="record_ad")["source_id"] == "L1"


def test_the_ids_of_its_order(build: Build) -> None:
    built = build({"meta_insights": SPRING, "leads": [lead("L1")], "orders": [order("SO1", lead_id="L1", ad_id=AD)]})
    assert the_link(built) == (AD, "crm_relationship", f"its order SO1 names ad {AD}")


def test_an_order_without_a_lead_has_an_ad_of_its_own(build: Build) -> None:
    built = build({"meta_insights": SPRING, "orders": [order("SO1", ad_id=AD)]})
    assert the_link(built, "order:SO1")[:2] == (AD, "exact_id")


def test_a_decision_and_a_rejection(build: Build) -> None:
    company = {"meta_insights": SPRING, "leads": [lead("L1", ad_id=AD, campaign_id=CAMPAIGN)]}
    rejected = build({**company, "manual_matches": [decision("record_ad", "lead:L1", AD, "reject")]})
    assert the_link(rejected)[1:] == ("exact_id", f"lead names campaign {CAMPAIGN} and no known ad")
    other = insight(ad_id="12000000000000222", campaign_id="12000000000000002")
    accepted = build(
        {
            "meta_insights": [*SPRING, other],
            "leads": company["leads"],
            "manual_matches": [decision("record_ad", "lead:L1", "12000000000000222")],
        }
    )
    assert the_link(accepted)[:2] == ("12000000000000222", "manual_verified")
    assert accepted.one("matched_chain")["campaign_id"] == "12000000000000002"


@pytest.mark.parametrize(
    ("cells", "is_expected"),
    [
        ({"source": "facebook", "medium": "paid"}, True),
        ({"source": "IG", "medium": "cpc"}, True),
        ({"source": "Facebook Ads"}, True),
        ({"medium": "paid-social"}, True),
        ({"click_id": "fb.1.1770000000000.IwAR0abc"}, True),
        ({"campaign_id": "12099999999999999"}, True),
        ({"ad_id": "12099999999999999", "source": "facebook"}, True),
        ({"source": "facebook", "medium": "organic"}, False),
        ({"source": "google", "medium": "cpc"}, False),
        ({"source": "google", "campaign_id": "778899"}, False),
        ({"click_id": "Cj0KCQiA"}, False),
        ({}, False),
    ],
)
def test_what_says_that_it_came_from_a_meta_ad_is_expected_to_match(
    build: Build, cells: Row, is_expected: bool
) -> None:
    built = with_lead(build, **cells)
    assert bool(built.rows("unmatched_records", link="record_ad")) is is_expected
    assert built.one("matched_chain")["ad_match_method"] == ("unmatched" if is_expected else None)


def test_an_ad_counts_under_the_campaign_it_was_last_reported_in(build: Build) -> None:
    moved = insight("2026-04-01", campaign_id="12000000000000002")
    built = build({"meta_insights": [*SPRING, moved], "leads": [lead("L1", ad_id=AD)]})
    assert built.one("matched_chain")["campaign_id"] == "12000000000000002"
