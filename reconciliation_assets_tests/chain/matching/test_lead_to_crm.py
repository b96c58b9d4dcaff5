"""Which lead a CRM record belongs to, by which method and on what evidence."""

from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import crm, decision, lead

Row = dict[str, Any]
PHONE = {"phone": "0501234567", "market": "AE"}


def links(build: Build, leads: list[Row], records: list[Row], decisions: list[Row] | None = None) -> dict[str, Row]:
    built = build({"leads": leads, "crm_records": records, "manual_matches": decisions or []})
    return {row["right_id"]: row for row in built.rows("lead_crm_links")}


def test_a_record_that_names_the_lead_is_an_exact_id(build: Build) -> None:
    found = links(build, [lead("L1")], [crm("D1", lead_id="L1")])["D1"]
    assert (found["left_id"], found["match_method"], found["match_confidence"]) == ("L1", "exact_id", 1)
    assert found["evidence"] == "CRM record names lead L1"


def test_metas_lead_id_is_an_exact_id(build: Build) -> None:
    found = links(build, [lead("L1", meta_lead_id="784000001")], [crm("D1", meta_lead_id="784000001")])["D1"]
    assert (found["left_id"], found["match_method"]) == ("L1", "exact_id")
    assert found["evidence"] == "CRM record names Meta lead 784000001"


def test_a_meta_lead_id_that_two_leads_carry_is_no_unique_id(build: Build) -> None:
    leads = [lead("L1", meta_lead_id="784000001"), lead("L2", meta_lead_id="784000001")]
    assert links(build, leads, [crm("D1", meta_lead_id="784000001")]) == {}


@pytest.mark.parametrize(
    ("contact", "named"),
    [
        ({"phone": "+971501234567"}, "phone"),
        ({"email": "AMAL@example.com"}, "e-mail"),
        ({"phone": "+971501234567", "email": "amal@example.com"}, "e-mail and phone"),
    ],
)
def test_the_same_contact_inside_the_window(build: Build, contact: Row, named: str) -> None:
    found = links(build, [lead("L1", email="amal@example.com", **PHONE)], [crm("D1", "2026-03-11", **contact)])["D1"]
    assert (found["left_id"], found["match_method"], found["match_confidence"]) == ("L1", "exact_contact", 0.95)
    assert found["evidence"] == f"same {named}, lead 10 days before"


@pytest.mark.parametrize(
    ("lead_day", "is_linked"),
    [
        ("2026-03-02T11:59:59+04:00", False),
        ("2026-03-02T12:00:00+04:00", True),
        ("2026-05-31", True),
        ("2026-06-01", False),
    ],
)
def test_the_window_is_ninety_days_before_and_never_after(build: Build, lead_day: str, is_linked: bool) -> None:
    found = links(build, [lead("L1", lead_day, **PHONE)], [crm("D1", "2026-05-31", phone="+971501234567")])
    assert bool(found) is is_linked


def test_of_several_leads_the_latest_before_it(build: Build) -> None:
    leads = [lead("L1", "2026-03-01", **PHONE), lead("L2", "2026-03-20", **PHONE), lead("L3", "2026-04-20", **PHONE)]
    found = links(build, leads, [crm("D1", "2026-04-01", phone="+971501234567")])["D1"]
    assert (found["left_id"], found["candidates"]) == ("L2", 2)
    assert found["match_confidence"] == pytest.approx(0.95 * 0.75), "two leads could be meant"


def test_a_switchboard_is_not_a_person(build: Build) -> None:
    leads = [lead(f"L{number}", **PHONE) for number in range(51)]
    assert links(build, leads, [crm("D1", "2026-04-01", phone="+971501234567")]) == {}


def test_an_id_is_stronger_than_a_contact(build: Build) -> None:
    leads = [lead("L1"), lead("L2", "2026-03-01", **PHONE)]
    assert links(build, leads, [crm("D1", lead_id="L1", phone="+971501234567")])["D1"]["left_id"] == "L1"


def test_a_record_merged_into_this_one_names_the_lead(build: Build) -> None:
    records = [crm("D1", lead_id="L1", merged_into="D2"), crm("D2")]
    found = links(build, [lead("L1")], records)["D2"]
    assert (found["left_id"], found["match_method"], found["match_confidence"]) == ("L1", "crm_relationship", 0.9)
    assert found["evidence"] == "merged from D1, which names lead L1"


def test_a_chain_of_merges_leads_to_the_one_that_stands(build: Build) -> None:
    records = [crm("D1", lead_id="L1", merged_into="D2"), crm("D2", merged_into="D3"), crm("D3")]
    assert links(build, [lead("L1")], records)["D3"]["left_id"] == "L1"


def test_two_records_merged_into_one_are_one_candidate(build: Build) -> None:
    records = [crm("D1", lead_id="L1", merged_into="D3"), crm("D2", lead_id="L1", merged_into="D3"), crm("D3")]
    found = links(build, [lead("L1")], records)["D3"]
    assert (found["candidates"], found["evidence"]) == (1, "merged from D1, which names lead L1")


def test_merges_that_form_a_loop_end_at_one_record_which_is_told(build: Build) -> None:
    records = [crm("D1", lead_id="L1", merged_into="D2"), crm("D2", merged_into="D1")]
    built = build({"leads": [lead("L1")], "crm_records": records})
    assert {row["source_id"] for row in built.rows("exceptions", kind="merge_without_survivor")} == {"D1"}
    answer = built.ask("duplicate_records", "merges_resolved")
    assert (answer.passed, answer.severity) == (False, "WARN")
    assert "D1" in answer.message


def test_a_merged_record_is_listed_as_a_duplicate_and_counts_once(build: Build) -> None:
    records = [
        crm("D1", stage="won", lead_id="L1", merged_into="D2", final_value="500", currency="AED"),
        crm("D2", stage="won", lead_id="L1", final_value="500", currency="AED"),
    ]
    built = build({"leads": [lead("L1")], "crm_records": records})
    assert built.one("duplicate_records")["duplicate_of"] == "D2"
    assert built.one("matched_chain")["final_value"] == 500


def test_a_person_decides_over_everything(build: Build) -> None:
    found = links(build, [lead("L1"), lead("L2")], [crm("D1", lead_id="L1")], [decision("lead_crm", "L2", "D1")])["D1"]
    assert (found["left_id"], found["match_method"]) == ("L2", "manual_verified")
    assert found["evidence"] == "accepted by team-finance: seen on the bank statement"


def test_a_rejected_pair_falls_back_to_the_next_best(build: Build) -> None:
    leads = [lead("L1"), lead("L2", **PHONE)]
    records = [crm("D1", lead_id="L1", phone="+971501234567")]
    found = links(build, leads, records, [decision("lead_crm", "L1", "D1", "reject")])["D1"]
    assert (found["left_id"], found["match_method"]) == ("L2", "exact_contact")


def test_the_latest_verdict_on_a_pair_holds(build: Build) -> None:
    decisions = [
        decision("lead_crm", "L1", "D1", "accept", verified_at="2026-04-01T00:00:00Z"),
        decision("lead_crm", "L1", "D1", "reject", verified_at="2026-04-02T00:00:00Z"),
    ]
    assert links(build, [lead("L1")], [crm("D1")], decisions) == {}
