"""A person's decision that no longer applies is told, accepted or rejected, with the reason."""

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import Row, crm, decision, lead, order, payment

LEAD, ORDER, MERGED = lead("L1"), order("SO1", lead_id="L1"), crm("D1", lead_id="L1", merged_into="D2")


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (decision("lead_order", "L9", "SO1"), "Accepted by Sara, but its left end L9 no longer exists."),
        (decision("lead_order", "L1", "SO9", "reject"), "Rejected by Sara, but its right end SO9 no longer exists."),
        (decision("lead_crm", "L1", "D1", "reject"), "Rejected by Sara, but its CRM record D1 was merged into D2."),
        (decision("order_payment", "SO1", "P1"), "but another accepted decision holds, or its payment is not settled."),
    ],
)
def test_it_is_told_why(build: Build, row: Row, detail: str) -> None:
    built = build(
        {
            "leads": [LEAD],
            "orders": [ORDER],
            "crm_records": [MERGED, crm("D2")],
            "payments": [payment("P1", status="pending")],
            "manual_matches": [row | {"verified_by": "Sara"}],
        }
    )
    assert detail.removesuffix(".") in built.one("exceptions", kind="manual_match_not_used")["detail"]


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_one_that_applies_is_not(build: Build, verdict: str) -> None:
    decided = [decision("lead_order", "L1", "SO1", verdict)]
    built = build({"leads": [LEAD], "orders": [ORDER], "manual_matches": decided})
    assert built.rows("exceptions", kind="manual_match_not_used") == []
