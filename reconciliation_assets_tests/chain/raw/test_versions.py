"""Which rows are current: parts of one ad and day, rows of one key in one file, and the instant as an edge of every table."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import (
    adjustment,
    at,
    crm,
    decision,
    insight,
    invoice,
    lead,
    order,
    payment,
    transfer,
)

JUNE = datetime.fromisoformat("2026-06-01T00:00:00+04:00")
HEADER = "account_id,account_currency,campaign_id,adset_id,ad_id,date,attribution_setting,spend,result_type,results,attributed_value"


def of_meta(build: Build, *lines: str, columns: str = "", name: str = "meta_insights.csv") -> Built:
    return build({}, files={name: "\n".join([HEADER + columns, *lines, ""]).encode()})


def line(spend: str, results: str = "1", setting: str = "7d_click", more: str = "", value: str = "50") -> str:
    return f"act_1,AED,C,AS,A,2026-03-01,{setting},{spend},lead,{results},{value}{more}"


# rows of one file with one key


def test_rows_broken_down_by_a_column_that_is_not_read_are_added_up(build: Build) -> None:
    built = of_meta(
        build, line("60", "2", more=",AE"), line("30", "1", more=",SA"), line("10", "0", more=",KW"), columns=",country"
    )
    row = built.one("platform_performance")
    assert (row["spend"], row["results"], row["attributed_value"], row["source_rows"]) == (100, 3, 150, 3)
    assert built.one("source_totals", source_table="meta_insights", measure="rows")["difference"] == 0
    assert built.one("meta_beliefs")["spend_value"] == 100


def test_parts_that_are_alike_in_all_that_is_read_are_still_two_parts(build: Build) -> None:
    built = of_meta(build, line("20", more=",18-24"), line("20", more=",25-34"), columns=",age")
    assert built.one("platform_performance")["spend"] == 40


def test_the_same_content_twice_is_one_row(build: Build) -> None:
    built = of_meta(build, line("20"), line("20"))
    assert built.one("platform_performance")["spend"] == 20
    totals = built.one("source_totals", source_table="meta_insights", measure="rows")
    assert (totals["accepted"], totals["superseded"]) == (1, 1)


def test_one_ad_and_day_under_two_attribution_settings_sets_the_file_aside(build: Build) -> None:
    built = of_meta(build, line("20"), line("25", setting="1d_click"))
    (landed,) = built.landed["meta_insights"]
    assert landed.set_aside_reason is not None
    assert "rows 2 and 3" in landed.set_aside_reason
    assert "attribution_setting" in landed.set_aside_reason


def test_an_attribution_setting_that_was_edited_between_two_files_is_a_newer_version(build: Build) -> None:
    built = build(
        {},
        files={
            "meta_insights-1.csv": f"{HEADER},pulled_at\n{line('100', '4', 'unreported', ',2026-03-06T02:00:00+04:00')}\n".encode(),
            "meta_insights-2.csv": f"{HEADER},pulled_at\n{line('100', '5', '7d_click', ',2026-03-10T02:00:00+04:00')}\n".encode(),
        },
    )
    row = built.one("platform_performance")
    assert (row["spend"], row["results"], row["attribution_setting"]) == (100, 5, "7d_click")


def test_two_rows_of_one_order_that_differ_are_told_and_the_later_counts(build: Build) -> None:
    built = build({"orders": [order("SO1", value="100"), order("SO2"), order("SO1", value="120")]})
    assert {row["order_id"]: row["gross_amount"] for row in built.rows("orders")} == {"SO1": 120, "SO2": 100}
    told = built.one("exceptions", kind="rows_of_one_key")
    assert told["source_id"] == "orders.csv, rows 2 and 4"
    assert "Rows 2 and 4 of orders.csv" in told["detail"]


def test_a_version_column_that_differs_makes_them_versions_and_nothing_to_tell(build: Build) -> None:
    built = build({"orders": [order("SO1", value="100"), order("SO1", value="120", updated_at="2026-03-06")]})
    assert built.one("orders")["gross_amount"] == 120
    assert built.rows("exceptions") == []


def test_an_invoice_told_twice_with_another_day_is_told_for_it_has_no_version_column(build: Build) -> None:
    built = build({"invoices": [invoice("I1", "2026-03-08"), invoice("I1", "2026-03-06")]})
    assert built.one("invoices")["issued_at"] == datetime.fromisoformat(at("2026-03-06"))
    assert built.one("exceptions")["kind"] == "rows_of_one_key"


# the instant


COMPANY: dict[str, list[dict[str, Any]]] = {
    "meta_insights": [insight("2026-05-31"), insight("2026-06-01")],
    "leads": [lead("L1", "2026-05-01", first_response_at=at("2026-06-02")), lead("L2", "2026-06-02")],
    "crm_records": [
        crm("D1", "2026-05-02", "won", lead_id="L1", won_at="2026-06-02", updated_at="2026-06-02", final_value="50"),
        crm("D2", "2026-06-02"),
    ],
    "crm_stage_changes": [
        {"crm_id": "D1", "stage": "new", "entered_at": at("2026-05-02")},
        {"crm_id": "D1", "stage": "won", "entered_at": at("2026-06-02")},
    ],
    "orders": [order("SO1", "2026-05-03", delivered_at=at("2026-06-02")), order("SO2", "2026-06-02")],
    "invoices": [invoice("I1", "2026-05-03"), invoice("I2", "2026-06-02")],
    "payments": [
        payment("P1", "2026-05-04", "30", order_id="SO1"),
        payment("P2", "2026-06-02", "70", order_id="SO1"),
    ],
    "transfers": [transfer("T1", "2026-05-05"), transfer("T2", "2026-06-02")],
    "fx_rates": [
        {"date": "2026-05-01", "currency": "EUR", "rate": "4"},
        {"date": "2026-06-02", "currency": "EUR", "rate": "5"},
    ],
    "manual_matches": [decision("order_payment", "SO1", "P1", verified_at=at("2026-06-02"))],
    "manual_adjustments": [adjustment("A1", "5", adjusted_at=at("2026-06-02"))],
}


def test_what_happened_after_the_instant_is_not_there_in_any_table_and_is_counted(build: Build) -> None:
    built = build(COMPANY, as_of=JUNE)
    totals = {row["source_table"]: row for row in built.rows("source_totals", measure="rows")}
    assert {table: totals[table]["after_as_of"] for table in COMPANY} == dict.fromkeys(COMPANY, Decimal(1))
    assert {table: totals[table]["excluded_because"] for table in COMPANY} == dict.fromkeys(COMPANY, "after as_of")
    assert {row["difference"] for row in built.rows("source_totals")} == {0}
    assert [row["record_id"] for row in built.rows("matched_chain")] == ["lead:L1", "order:SO1"]
    lines = {row["line"]: row["amount"] for row in built.rows("bridge") if row["amount"]}
    assert lines["open"] == -120, "the order owes 70, the deal of 50 is not won yet"
    assert lines["collected"] == 30
    assert built.one("order_outcomes")["outcome"] == "placed", "delivered after the instant"
    assert built.one("crm_records")["outcome"] == "open", "won after the instant"
    assert built.one("matched_chain", record_id="lead:L1")["first_response_at"] is None


def test_everything_is_there_once_the_instant_is_past_it(build: Build) -> None:
    built = build(COMPANY)
    assert {row["after_as_of"] for row in built.rows("source_totals")} == {0}
    assert len(built.rows("matched_chain")) == 4
    assert built.one("order_outcomes", order_id="SO1")["open_value"] == 0


def test_a_status_without_a_time_is_that_of_the_version_known_then(build: Build) -> None:
    versions = [
        order("SO1", "2026-05-03", "placed"),
        order("SO1", "2026-05-03", "cancelled", updated_at="2026-06-10"),
    ]
    assert build({"orders": versions}, as_of=JUNE).one("orders")["outcome"] == "placed"
    assert build({"orders": versions}).one("orders")["outcome"] == "cancelled"
    # Where no version was known yet, the one that is counts.
    assert build({"orders": versions[1:]}, as_of=JUNE).one("orders")["outcome"] == "cancelled"


@pytest.mark.parametrize(
    ("status", "times", "stood"),
    [
        ("returned", {"delivered_at": "2026-05-10", "returned_at": "2026-06-10"}, "fulfilled"),
        ("cancelled", {"shipped_at": "2026-05-10", "cancelled_at": "2026-06-10"}, "confirmed"),
        ("delivered", {"confirmed_at": "2026-05-10", "delivered_at": "2026-06-10"}, "confirmed"),
        ("shipped", {"shipped_at": "2026-06-10"}, "placed"),
        ("delivered", {"delivered_at": "2026-05-10"}, "fulfilled"),
    ],
)
def test_a_milestone_after_the_instant_gives_way_to_the_one_before(
    status: str, times: dict[str, str], stood: str, build: Build
) -> None:
    cells = {name: at(day) for name, day in times.items()}
    built = build({"orders": [order("SO1", "2026-05-03", status, updated_at="2026-06-20", **cells)]}, as_of=JUNE)
    assert built.one("orders")["outcome"] == stood


def test_a_stage_entered_after_the_instant_gives_way_to_the_last_one_before(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1", "2026-05-01")],
            "crm_records": [crm("D1", "2026-05-02", "lost", lead_id="L1", updated_at="2026-06-20", final_value="50")],
            "crm_stage_changes": [
                {"crm_id": "D1", "stage": stage, "entered_at": at(day)}
                for stage, day in (("new", "2026-05-02"), ("qualified", "2026-05-10"), ("lost", "2026-06-20"))
            ],
        },
        as_of=JUNE,
    )
    assert built.one("crm_records")["outcome"] == "qualified"
    assert built.one("matched_chain")["rung"] == "qualified"


def test_insights_pulled_after_the_instant_are_read_as_they_were_believed_then(build: Build) -> None:
    pulls = [
        insight("2026-05-20", results="4", pulled_at=at("2026-05-25")),
        insight("2026-05-20", results="9", pulled_at=at("2026-06-10")),
        insight("2026-05-21", results="3", pulled_at=at("2026-06-10")),
    ]
    built = build({"meta_insights": pulls}, as_of=JUNE)
    assert [row["results"] for row in built.rows("platform_performance")] == [4, 3]
    assert max(row["believed_from"] for row in built.rows("meta_beliefs")) <= JUNE + timedelta(days=10)
    assert [row["results"] for row in build({"meta_insights": pulls}).rows("platform_performance")] == [9, 3]


def test_columns_that_are_reserved_for_later_are_passed_over(build: Build) -> None:
    leads = b"lead_id,created_at,channel,ctwa_clid,messaging_user_id,message_id\nL1,2026-03-01,whatsapp,c,u,m\n"
    deals = b"crm_id,created_at,updated_at,stage,lead_id,messaging_user_id\nD1,2026-03-02,2026-03-02,won,L1,u\n"
    built = build({}, files={"leads.csv": leads, "crm_records.csv": deals})
    assert built.landed["leads"][0].set_aside_reason is None
    assert built.one("matched_chain")["crm_id"] == "D1"
    assert built.rows("quarantined_rows") == []
