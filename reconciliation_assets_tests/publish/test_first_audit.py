"""The first audit names what hinders matching, and nobody's contact."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from reconciliation_assets.publish.first_audit import naming_findings, write_first_audit

PATTERN = [("1", "UAE | Sofa | AR"), ("2", "KSA | Sofa | AR"), ("3", "KWT | Sofa | EN")]


def test_names_of_one_pattern_leave_nothing_to_discuss() -> None:
    assert naming_findings(PATTERN) == []


def test_a_name_that_leaves_the_pattern_is_named() -> None:
    assert naming_findings([*PATTERN, ("4", "New campaign")]) == [
        "“New campaign” has 1 parts between “|”, where most names have 3."
    ]


def test_a_name_of_two_campaigns_is_named_in_any_case() -> None:
    (finding,) = naming_findings([*PATTERN, ("4", "uae | sofa | ar ")])
    assert finding.startswith("The name “uae | sofa | ar” is shared by 2 campaigns")
    assert finding.endswith(": 1, 4.")


def test_renamed_and_nameless_campaigns_are_told() -> None:
    assert naming_findings([*PATTERN, ("3", "KWT | Chair | EN"), ("5", None)]) == [
        "Campaign 5 has no name.",
        "Campaign 3 was renamed: “KWT | Chair | EN”, “KWT | Sofa | EN”.",
    ]


def test_names_without_any_pattern_ask_for_one() -> None:
    (finding,) = naming_findings([("1", "spring"), ("2", "Eid offer")])
    assert "follow no common pattern" in finding


def copy_with_unplaced_payments(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables of a published copy that the audit asks, with little in them."""
    connection.execute("""
        create schema reporting;
        create table reporting.platform_performance as select '1' as campaign_id, 'spring' as campaign_name;
        create table reporting.unmatched_records as
          select 'order_payment' as link, 'names order WEB-' || n || ', which is not in the orders' as reason,
                 'finance' as owner from range(2) r(n);
        create table reporting.matched_chain as
          select 'lead' as record_type, null as campaign_id, null as ad_id, 'AE' as market, null as source, true as is_valid;
        create table reporting.duplicate_records as select 'leads' as source_table, 'same phone' as rule, '7' as duplicate_of;
        create table reporting.match_coverage as
          select * from (values ('record_ad', 'exact_id', 3, 0.75::double, 0.5::double, true),
                                ('record_ad', 'unmatched', 1, 0.25::double, 0.5::double, true))
          as t(link, match_method, records, record_rate, value_rate, is_applicable);
    """)


def test_the_page_counts_what_is_missing_duplicated_and_matched(tmp_path: Path) -> None:
    copy = tmp_path / "published.duckdb"
    with duckdb.connect(str(copy)) as connection:
        copy_with_unplaced_payments(connection)
    page = write_first_audit(copy, tmp_path / "reports", datetime(2026, 7, 1, tzinfo=UTC)).read_text("utf-8")
    assert "| order_payment | names order …, which is not in the orders | finance | 2 |" in page
    assert "| lead | 1 | 1 | 1 | 0 | 1 |" in page
    assert "| leads | same phone | 1 | 1 |" in page
    assert "| record_ad | 4 | 3 | 75.0% | 50.0% |" in page
