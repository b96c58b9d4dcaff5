"""Views by segment: what the record says of itself, (none) where it says nothing, adding up to the whole."""

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import crm, insight, lead, order, payment


@pytest.fixture(scope="module")
def company(build_once: Build) -> Built:
    return build_once(
        {
            "meta_insights": [insight()],
            "leads": [
                lead("L1", market="AE", device="mobile", form_id="F1", landing_page="https://x.example/a?fbclid=1"),
                lead("L2", market="SA", device="mobile", form_id="F2", landing_page="https://x.example/a?fbclid=2"),
                lead("L3", form_id="F2"),
            ],
            "crm_records": [
                crm(
                    "D1",
                    stage="won",
                    lead_id="L1",
                    owner="sara",
                    won_at="2026-03-04",
                    final_value="500",
                    currency="AED",
                )
            ],
            "orders": [
                order("SO1", device="desktop", payment_method="COD"),
                order("SO2", lead_id="L2", payment_method="card"),
            ],
            "payments": [
                payment("P1", order_id="SO1"),
                payment("P2", crm_id="D1", amount="300", method="Bank Transfer"),
                payment("P3", order_id="SO2", amount="40", method="cash"),
            ],
        }
    )


def collected(company: Built, kind: str) -> dict[str, tuple[int, int]]:
    rows = company.rows("segment_collected", segment_kind=kind)
    return {row["segment"]: (row["captured"], row["collected_value"]) for row in rows}


def test_a_segment_is_what_the_record_says_and_none_where_it_says_nothing(company: Built) -> None:
    assert collected(company, "market") == {"AE": (1, 300), "SA": (1, 40), "(none)": (2, 100)}
    assert collected(company, "device") == {"mobile": (2, 340), "desktop": (1, 100), "(none)": (1, 0)}
    assert collected(company, "owner") == {"sara": (1, 300), "(none)": (3, 140)}


def test_a_landing_page_is_one_whatever_its_query(company: Built) -> None:
    assert collected(company, "landing_page") == {"https://x.example/a": (2, 340), "(none)": (2, 100)}


def test_the_orders_say_how_it_is_paid_and_without_them_the_money_does(company: Built) -> None:
    methods = {"cod": (1, 100), "bank_transfer": (1, 300), "card": (1, 40), "(none)": (1, 0)}
    assert collected(company, "payment_method") == methods


def test_several_methods_are_told_as_such(build: Build) -> None:
    company = build(
        {
            "leads": [lead("L1")],
            "orders": [
                order("SO1", lead_id="L1", payment_method="card"),
                order("SO2", lead_id="L1", payment_method="cod"),
            ],
        }
    )
    assert company.one("matched_chain")["payment_method"] == "(several)"


def test_money_is_told_by_how_sure_its_links_are(build: Build) -> None:
    company = build(
        {
            "leads": [lead("L1", email="a@example.com", market="AE")],
            "orders": [order("SO1", email="a@example.com")],
            "payments": [payment("P1", order_id="SO1")],
        }
    )
    row = company.one("segment_collected", segment_kind="market")
    assert (row["collected_exact_value"], row["collected_contact_value"], row["collected_value"]) == (0, 100, 100)


@pytest.mark.parametrize("table", ["segment_funnel", "segment_collected", "segment_cohorts"])
def test_the_segments_of_a_kind_add_up_to_the_whole(company: Built, table: str) -> None:
    assert company.ask(table, "adds_up_by_segment").passed


def test_cohorts_of_a_segment_mature_as_those_of_a_campaign_do(company: Built) -> None:
    whole = {row["maturity_day"]: row["collected_value"] for row in company.rows("segment_cohorts", segment_kind="all")}
    by_campaign: dict[int, int] = {}
    for row in company.rows("cohort_snapshots"):
        by_campaign[row["maturity_day"]] = by_campaign.get(row["maturity_day"], 0) + row["collected_value"]
    assert whole == by_campaign


@pytest.mark.parametrize("table", ["segment_funnel", "segment_collected", "segment_cohorts"])
def test_a_record_that_is_lost_from_a_segment_stops_the_run(build: Build, table: str) -> None:
    company = build({"orders": [order("SO1", market="AE")], "payments": [payment("P1", order_id="SO1")]}).make_all()
    company.warehouse.execute(f"delete from views.{table} where segment_kind = 'market'")
    answer = company.ask(table, "adds_up_by_segment")
    assert not answer.passed
    assert "market" in answer.message
