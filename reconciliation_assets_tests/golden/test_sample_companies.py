"""Generated companies come out as their truth says, whatever the seed and the instant."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets.policy.model import BRIDGE_LINES
from reconciliation_assets_tests.harness import Bench, Built
from reconciliation_assets_tests.lab.sample import CompanySpec, write_company

SPECS = [
    CompanySpec(orders=300, seed=85),
    CompanySpec(orders=400, seed=7, as_of=datetime.fromisoformat("2026-04-20T18:30:00+00:00")),
    CompanySpec(orders=500, seed=2026, as_of=datetime.fromisoformat("2026-12-31T00:00:00+04:00")),
    CompanySpec(orders=1_000, seed=41, as_of=datetime.fromisoformat("2026-06-01T03:15:00+04:00")),
    CompanySpec(orders=5_000, seed=11),
]


# The truth counts money that names nothing as unmatched until a person decides; what is inferred for it is held against the
# truth in test_matching_against_truth.
ONLY_WHAT_IS_KNOWN = {"matching": {"inferred": {"accept_from": 1.0}}}


@dataclass(frozen=True)
class Reconciled:
    built: Built
    truth: dict[str, Any]


@pytest.fixture(scope="module", params=SPECS, ids=lambda spec: f"{spec.orders}-orders-seed-{spec.seed}")
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconciled]:
    spec: CompanySpec = request.param
    home = tmp_path_factory.mktemp("company")
    write_company(spec, home)
    bench = Bench(home, policy=ONLY_WHAT_IS_KNOWN, as_of=spec.as_of)
    yield Reconciled(bench.build(), json.loads((home / "truth.json").read_text("utf-8")))
    bench.close()


# A fully paid order leaves nothing open, so the minor unit that converting its parts one by one may leave is `currency`
# on line 8; the truth knows no parts and counts it as open. The two lines share that unit and nothing more.
SHARING_A_ROUNDING = ("open", "value_and_basis")


def test_every_cell_of_the_bridge(company: Reconciled) -> None:
    found = {
        (f"{row['period_start']:%Y-%m}", row["campaign_id"], row["line"]): row["amount"]
        for row in company.built.rows("bridge")
    }
    known = {
        (group["month"], group["campaign_id"], line): Decimal(group[line])
        for group in company.truth["bridge"]
        for line in BRIDGE_LINES
    }
    records = {(group["month"], group["campaign_id"]): group["records"] for group in company.truth["bridge"]}
    assert found.keys() == known.keys()
    different = {cell: found[cell] - known[cell] for cell in known if found[cell] != known[cell]}
    assert {cell: gap for cell, gap in different.items() if cell[2] not in SHARING_A_ROUNDING} == {}
    for (month, campaign, _), difference in different.items():
        gaps = [different[month, campaign, each] for each in SHARING_A_ROUNDING]
        assert sum(gaps) == 0, (month, campaign)
        assert abs(difference) <= Decimal("0.01") * records[month, campaign]


def test_spend_by_month_and_campaign(company: Reconciled) -> None:
    found = {
        (f"{row['cohort_start']:%Y-%m}", row["campaign_id"]): row["spend_value"]
        for row in company.built.rows("collected_performance")
    }
    known = {(group["month"], group["campaign_id"]): Decimal(group["spend"]) for group in company.truth["bridge"]}
    assert found == known


@pytest.mark.parametrize("link", ["lead_crm", "lead_order", "order_payment", "crm_payment"])
def test_every_link_and_its_method(company: Reconciled, link: str) -> None:
    settled = {
        row["payment_id"] for row in company.built.rows("payments", is_settled=True)
    }  # only settled money is matched
    found = {
        (row["left_id"], row["right_id"], row["match_method"]) for row in company.built.rows("match_links", link=link)
    }
    known = {
        (left, right, method)
        for left, right, method in company.truth["links"].get(link, [])
        if not link.endswith("payment") or right in settled
    }
    assert found - known == set()
    assert known - found == set()


def test_methods_that_claim_orders_for_leads(company: Reconciled) -> None:
    found = Counter(row["match_method"] for row in company.built.rows("match_links", link="lead_order"))
    assert dict(found) == company.truth["lead_order"]


def test_duplicate_leads(company: Reconciled) -> None:
    assert len(company.built.rows("duplicate_records", source_table="leads")) == company.truth["duplicates"]


def test_records_captured_and_collected(company: Reconciled) -> None:
    rungs = Counter(row["rung"] for row in company.built.rows("matched_chain"))
    assert sum(rungs.values()) == company.truth["records"]
    assert {rung: rungs[rung] for rung in ("captured", "collected")} == {
        rung: company.truth["rungs"][rung] for rung in ("captured", "collected")
    }


def test_settled_money_is_linked_or_unmatched(company: Reconciled) -> None:
    linked = sum(row["collected_value"] for row in company.built.rows("matched_chain"))
    unmatched = {f"{row['month']:%Y-%m}": row["amount"] for row in company.built.rows("unmatched_revenue")}
    known = {month: Decimal(amount) for month, amount in company.truth["unmatched"].items()}
    assert unmatched == known
    assert linked + sum(unmatched.values()) == Decimal(company.truth["settled_net"])


def test_no_blocking_check_fails(company: Reconciled) -> None:
    assert company.built.blocked_by() == []
