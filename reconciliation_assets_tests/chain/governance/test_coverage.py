"""Coverage: what was expected to match and did, by method; never a rate where nothing was expected."""

from datetime import datetime
from pathlib import Path

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Bench, drop
from reconciliation_assets_tests.rows import crm, lead, order, payment


def test_rates_are_over_what_is_expected_by_records_and_by_value(build: Build) -> None:
    built = build(
        {
            "orders": [order("SO1"), order("SO2", value="300")],
            "payments": [
                payment("P1", order_id="SO1", amount="100"),
                payment("P2", order_id="SO9", amount="300"),
                payment("P3", amount="600", status="pending", order_id="SO2"),
            ],
        }
    )
    matched = built.one("match_coverage", link="order_payment", match_method="exact_id")
    missed = built.one("match_coverage", link="order_payment", match_method="unmatched")
    assert (matched["records"], matched["record_rate"], matched["value_rate"]) == (1, 0.5, 0.25)
    assert (missed["records"], missed["record_rate"], missed["value_rate"]) == (1, 0.5, 0.75)
    assert [row["source_id"] for row in built.rows("unmatched_records", link="order_payment")] == ["P2"]


def test_a_link_with_nothing_to_match_has_no_rate(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1")]})
    for link in ("lead_crm", "crm_payment", "record_ad", "lead_order"):
        row = built.one("match_coverage", link=link)
        assert (row["match_method"], row["records"], row["is_applicable"]) == ("unmatched", 0, False)
        assert row["record_rate"] is None
        assert row["value_rate"] is None
        answer = built.ask("match_coverage", f"{link}_above_floor")
        assert answer.passed
        assert answer.message.startswith("Not applicable")


def test_all_matched_is_a_hundred_percent_and_no_less(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1")]})
    assert built.one("match_coverage", link="order_payment", match_method="unmatched")["record_rate"] == 0
    assert built.one("match_coverage", link="order_payment", match_method="exact_id")["record_rate"] == 1


def test_valid_leads_are_expected_in_the_crm_and_tests_are_not(build: Build) -> None:
    leads = [lead("L1"), lead("L2"), lead("L3", is_test="true")]
    built = build({"leads": leads, "crm_records": [crm("D1", lead_id="L1")]})
    assert [row["source_id"] for row in built.rows("unmatched_records", link="lead_crm")] == ["L2"]
    assert built.one("match_coverage", link="lead_crm", match_method="exact_id")["record_rate"] == 0.5


def test_money_for_a_crm_record_is_expected_there(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1")],
            "crm_records": [crm("D1", lead_id="L1")],
            "payments": [payment("P1", crm_id="D1"), payment("P2", crm_id="D9")],
        }
    )
    assert built.one("unmatched_records", link="crm_payment")["source_id"] == "P2"
    assert built.one("match_coverage", link="order_payment")["is_applicable"] is False


def test_money_on_a_crm_record_without_a_lead_is_unmatched_wherever_it_is_asked(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1")],
            "crm_records": [crm("D1", lead_id="L1"), crm("D2")],
            "payments": [payment("P1", crm_id="D1", amount="3000"), payment("P2", crm_id="D2", amount="1000")],
        }
    )
    rates = {
        row["match_method"]: (row["records"], row["value"]) for row in built.rows("match_coverage", link="crm_payment")
    }
    assert rates == {"exact_id": (1, 3000), "unmatched": (1, 1000)}
    assert built.one("unmatched_records")["reason"] == "is linked to CRM record D2, which belongs to no lead"
    assert built.one("unmatched_revenue")["amount"] == 1000
    cash = built.one("cash_view")
    assert (cash["matched_value"], cash["unmatched_value"]) == (3000, 1000)
    assert built.one("match_links", right_id="P2")["match_method"] == "exact_id", "the link itself is right"
    assert "CRM record D2, which belongs to no lead" in built.one("exceptions", kind="unmatched_money")["detail"]


def test_unmatched_things_have_an_age_an_owner_and_a_reason(build: Build) -> None:
    built = build({"orders": [order("SO1")], "payments": [payment("P1", "2026-06-21")]})
    row = built.one("unmatched_records")
    assert (row["age_days"], row["owner"], row["value"], row["currency"]) == (9, "finance", 100, "AED")
    assert row["reason"].startswith("names no order")


def test_a_floor_that_is_not_met_names_table_rate_and_what_to_do(build: Build) -> None:
    company = {"orders": [order("SO1")], "payments": [payment("P1", order_id="SO1"), payment("P2", amount="300")]}
    built = build(company, {"thresholds": {"match_rate_floors": {"order_payment": {"records": 0.5, "value": 0.9}}}})
    answer = built.ask("match_coverage", "order_payment_above_floor")
    assert (answer.passed, answer.severity) == (False, "ERROR")
    assert "order_payment matched 50.0% by records, 25.0% by value" in answer.message
    assert "unmatched_records" in answer.message
    assert [line.split(":")[0] for line in built.blocked_by() if "floor" in line] == [
        "match_coverage.order_payment_above_floor"
    ]


def test_a_floor_on_a_link_with_nothing_to_match_is_not_applicable(build: Build) -> None:
    floors = {"thresholds": {"match_rate_floors": {"crm_payment": {"records": 1.0}}}}
    assert build({"orders": [order("SO1")]}, floors).ask("match_coverage", "crm_payment_above_floor").passed


def test_a_fall_against_the_past_is_told_and_stops_nothing(build: Build) -> None:
    days = [f"2026-06-{day:02d}" for day in range(1, 31)]
    good = [payment(f"P{day}-{number}", day, order_id="SO1", amount="1") for day in days[:24] for number in range(5)]
    bad = [payment(f"Q{day}-{number}", day, amount="1") for day in days[24:] for number in range(5)]
    built = build({"orders": [order("SO1", "2026-05-01", value="200")], "payments": [*good, *bad]})
    answer = built.ask("coverage_daily", "order_payment_has_not_fallen")
    assert (answer.passed, answer.severity) == (False, "WARN")
    assert "payment to order fell from 100.0% to 0.0% since 25 June 2026" in answer.message


def test_too_few_records_are_no_fall(build: Build) -> None:
    company = {"orders": [order("SO1")], "payments": [payment("P1", "2026-06-28")]}
    assert build(company).ask("coverage_daily", "order_payment_has_not_fallen").passed


def test_coverage_by_day_and_segment_adds_up_to_the_whole(build: Build) -> None:
    built = build(
        {
            "leads": [
                lead("L1", "2026-03-01", form_id="f-1", source="facebook", market="AE"),
                lead("L2", "2026-03-01", form_id="f-2", source="facebook", market="SA"),
                lead("L3", "2026-03-02", source="google"),
            ],
            "crm_records": [crm("D1", "2026-03-02", lead_id="L1")],
        }
    )
    daily = built.rows("coverage_daily", link="lead_crm")
    assert {
        (row["segment"], row["match_method"]): row["records"] for row in daily if row["segment_kind"] == "form"
    } == {
        ("f-1", "exact_id"): 1,
        ("f-2", "unmatched"): 1,
        ("(none)", "unmatched"): 1,
    }
    by_kind: dict[str, int] = {}
    for row in daily:
        by_kind[row["segment_kind"]] = by_kind.get(row["segment_kind"], 0) + row["records"]
    assert set(by_kind.values()) == {3}, "every kind of segment holds every lead once"


def test_history_keeps_how_each_day_looked_on_the_mornings_after_it(tmp_path: Path) -> None:
    company = {"leads": [lead("L1", "2026-06-28"), lead("L2", "2026-05-01")]}
    bench = Bench(tmp_path, as_of=datetime.fromisoformat("2026-06-29T06:00:00+04:00"))
    drop(bench.inbox, company)
    seen = bench.build().rows("coverage_history", link="lead_crm", segment_kind="all")
    assert [(str(row["observed_on"]), str(row["day"]), row["match_method"]) for row in seen] == [
        ("2026-06-29", "2026-06-28", "unmatched")
    ]
    drop(bench.inbox, {**company, "crm_records": [crm("D1", "2026-06-29", lead_id="L1")]})
    bench.as_of = datetime.fromisoformat("2026-06-30T06:00:00+04:00")
    for _ in range(2):
        again = bench.build().rows("coverage_history", link="lead_crm", segment_kind="all")
        assert [(str(row["observed_on"]), row["match_method"]) for row in again] == [
            ("2026-06-29", "unmatched"),
            ("2026-06-30", "exact_id"),
        ], "a morning looked at twice is kept once"
    bench.close()
