"""Which rung of the ladder a record reached, by the policy's words and by its money."""

from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import crm, lead, order, payment


@pytest.mark.parametrize(
    ("stage", "cells", "rung"),
    [
        ("new", {}, "valid"),
        ("Contacted", {}, "valid"),
        ("SQL", {}, "qualified"),
        ("open", {"qualification_status": "qualified"}, "qualified"),
        ("Closed-Won", {}, "won"),
        ("lost", {}, "valid"),
        ("spam", {}, "captured"),
        ("open", {"qualification_status": "wrong number"}, "captured"),
        ("something else", {}, "valid"),
    ],
)
def test_stages_and_qualification_statuses(build: Build, stage: str, cells: dict[str, Any], rung: str) -> None:
    built = build({"leads": [lead("L1")], "crm_records": [crm("D1", stage=stage, lead_id="L1", **cells)]})
    assert built.one("matched_chain")["rung"] == rung


@pytest.mark.parametrize(
    ("status", "rung"),
    [
        ("placed", "valid"),
        ("Confirmed", "qualified"),
        ("in-transit", "qualified"),
        ("Delivered", "won"),
        ("test", "captured"),
    ],
)
def test_order_statuses(build: Build, status: str, rung: str) -> None:
    assert build({"orders": [order("SO1", status=status)]}).one("matched_chain")["rung"] == rung


def test_a_lead_without_a_crm_record_is_valid(build: Build) -> None:
    assert build({"leads": [lead("L1")]}).one("matched_chain")["rung"] == "valid"


@pytest.mark.parametrize("status", ["placed", "cancelled"])
def test_collected_money_reaches_the_top(build: Build, status: str) -> None:
    built = build({"orders": [order("SO1", status=status)], "payments": [payment("P1", order_id="SO1")]})
    assert built.one("matched_chain")["rung"] == "collected"


def test_money_given_back_does_not(build: Build) -> None:
    payments = [payment("P1", order_id="SO1"), payment("R1", order_id="SO1", kind="refund")]
    built = build({"orders": [order("SO1", status="returned")], "payments": payments})
    assert built.one("matched_chain")["rung"] != "collected"


def test_each_rung_counts_those_above_it(build: Build) -> None:
    orders = [order("SO1", status="placed"), order("SO2", status="confirmed"), order("SO3"), order("SO4")]
    built = build({"orders": orders, "payments": [payment("P1", order_id="SO4")]})
    funnel = built.one("funnel_performance")
    assert [funnel[rung] for rung in ("captured", "valid", "qualified", "won", "collected")] == [4, 4, 3, 2, 1]
    assert funnel["won_rate"] == pytest.approx(2 / 3)


def test_a_companys_own_word(build: Build) -> None:
    policy = {"order_statuses": {"fulfilled": {"words": ["تم التوصيل"]}}}
    built = build({"orders": [order("SO1", status="تم التوصيل")]}, policy)
    assert built.one("matched_chain")["rung"] == "won"
    assert built.rows("exceptions") == []
