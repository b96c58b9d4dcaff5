"""The log of changes: every version of the policy with what it defines otherwise, and every signed entry."""

from pathlib import Path
from typing import Any

import pytest

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Bench, Row, drop, policy_file
from reconciliation_assets_tests.rows import adjustment, lead, sign_off


def log(home: Path, *policies: dict[str, Any]) -> list[Row]:
    """The log after runs under one policy after the other."""
    bench = Bench(home)
    drop(bench.inbox, {"leads": [lead("L1")]})
    rows = bench.build().rows("change_log")
    for number, policy in enumerate(policies):
        bench.loaded = load_policy(policy_file(home, {"version": f"own-{number}", "approved_by": "CFO", **policy}))
        rows = bench.build().rows("change_log")
    bench.close()
    return rows


@pytest.mark.parametrize(
    ("policy", "area", "definition", "before", "after"),
    [
        ({"basis": {"include_tax": False}}, "financial", "basis.include_tax", "true", "false"),
        ({"matching": {"contact_window_days": 30}}, "attribution", "matching.contact_window_days", "90", "30"),
        ({"meta_ads": {"sources": ["snap"]}}, "naming", "meta_ads.sources", None, "snap"),
        ({"crm_stages": {"won": {"words": ["enrolled"]}}}, "stages", "crm_stages.won.words", None, "enrolled"),
        ({"owners": {"default": "ops"}}, "governance", "owners.default", "data", "ops"),
    ],
)
def test_a_new_version_tells_what_it_defines_otherwise(
    tmp_path: Path, policy: dict[str, Any], area: str, definition: str, before: str | None, after: str
) -> None:
    (row,) = [row for row in log(tmp_path, policy) if row["kind"] == "definition"]
    assert (row["area"], row["subject"], row["value_before"], row["value_after"]) == (area, definition, before, after)
    assert (row["changed_by"], row["reason"]) == ("CFO", "for a test")


def test_every_version_is_an_entry_and_names_the_one_before(tmp_path: Path) -> None:
    rows = [row for row in log(tmp_path, {}) if row["kind"] == "policy_version"]
    assert sorted((row["value_before"] or "", row["value_after"]) for row in rows) == [("", "4"), ("4", "own-0")]


def test_who_is_told_defines_nothing(tmp_path: Path) -> None:
    rows = log(tmp_path, {"alerts": {"remind_after_hours": 1}})
    assert [row for row in rows if row["kind"] == "definition"] == []


def test_adjustments_and_signatures_stand_with_name_and_reason(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1")],
            "manual_adjustments": [adjustment("A1", "-12.50")],
            "method_sign_offs": [sign_off("lead_crm", "exact_contact")],
        }
    )
    adjusted = built.one("change_log", kind="manual_adjustment")
    assert (adjusted["subject"], adjusted["amount"], adjusted["changed_by"]) == ("A1", -12.5, "team-finance")
    signed = built.one("change_log", kind="method_sign_off")
    assert (signed["subject"], signed["changed_by"]) == ("lead_crm, exact_contact", "data-lead")
