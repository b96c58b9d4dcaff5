"""The worked examples of the bridge's page come out of the chain as the page says."""

import re
from decimal import Decimal

import pytest

from reconciliation_assets.policy.model import BRIDGE_LINES
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Company
from reconciliation_assets_tests.rows import crm, lead, order, payment, refund

PAGE = (PROJECT_ROOT / "docs" / "definitions" / "bridge.md").read_text("utf-8")
WITHOUT_TAX = "Tax out of the basis"

# What happens in each example, by the words its row begins with.
CASES: dict[str, Company] = {
    "Part refund": {
        "orders": [order("A", value="500")],
        "payments": [payment("P", amount="500", order_id="A"), refund("R", amount="120", order_id="A")],
    },
    "Refused cash on delivery": {"orders": [order("A", status="refused", value="300")]},
    "Money kept on a cancelled order": {
        "orders": [order("A", status="cancelled", value="250")],
        "payments": [payment("P", amount="250", order_id="A")],
    },
    "Part kept on a cancelled order": {
        "orders": [order("A", status="cancelled", value="250")],
        "payments": [payment("P", amount="50", order_id="A")],
    },
    "Lost lead": {
        "leads": [lead("L", stated_value="2000")],
        "crm_records": [crm("D", stage="lost", lead_id="L")],
    },
    "Deposit": {
        "leads": [lead("L", stated_value="4000")],
        "crm_records": [crm("D", stage="won", lead_id="L", final_value="3740", currency="AED")],
        "payments": [payment("P", amount="1500", crm_id="D")],
    },
    "Over-payment": {
        "orders": [order("A", value="100")],
        "payments": [payment("P", amount="130", order_id="A")],
    },
    WITHOUT_TAX: {
        "orders": [order("A", value="105", tax="5")],
        "payments": [payment("P", amount="105", order_id="A")],
    },
    "Spam lead": {
        "leads": [lead("L", stated_value="500")],
        "crm_records": [crm("D", stage="spam", lead_id="L")],
        "payments": [payment("P", amount="200", crm_id="D")],
    },
    "Lost deal": {
        "leads": [lead("L")],
        "crm_records": [crm("D", stage="lost", lead_id="L", final_value="1000", currency="AED")],
    },
    "Won dispute": {
        "orders": [order("A", value="1800")],
        "payments": [
            payment("P", amount="1800", order_id="A"),
            refund("C", amount="1800", kind="chargeback", order_id="A"),
            payment("W", amount="1800", kind="chargeback_reversal", order_id="A"),
        ],
    },
    "Gift card": {
        "orders": [order("A", value="100")],
        "payments": [
            payment("G", amount="30", kind="credit", order_id="A"),
            payment("P", amount="70", order_id="A"),
        ],
    },
    "Edited order": {
        "orders": [order("A", value="300", current_value="250")],
        "payments": [payment("P", amount="250", order_id="A")],
    },
    "Goods sent back": {
        "orders": [order("A", value="100", returned_value="30")],
        "payments": [payment("P", amount="70", order_id="A")],
    },
    "Goods back, money kept": {
        "orders": [order("A", value="100", returned_value="30")],
        "payments": [payment("P", amount="100", order_id="A")],
    },
}


def examples() -> dict[str, list[str]]:
    """Rows of the page's table of cases: what happens, stated, collected, entries."""
    _, _, table = PAGE.partition("| case | stated | collected | entries |")
    lines = table.strip().partition("\n\n")[0].splitlines()[1:]
    return {line: [cell.strip() for cell in line.split("|")[1:-1]] for line in lines}


def test_every_example_of_the_page_is_tried() -> None:
    begun = [case for line in examples() for case in CASES if line.startswith(f"| {case}")]
    assert begun == list(CASES)
    assert len(examples()) == len(CASES)


@pytest.mark.parametrize("case", CASES)
def test_an_example_comes_out_as_told(case: str, build: Build) -> None:
    _, stated, collected, told = next(cells for line, cells in examples().items() if line.startswith(f"| {case}"))
    built = build(CASES[case], {"basis": {"include_tax": False}} if case == WITHOUT_TAX else None)
    record = built.one("matched_chain")
    assert (record["stated_value"], record["collected_value"]) == (_amount(stated), _amount(collected))
    entries = sorted((BRIDGE_LINES.index(entry["line"]), entry["amount"]) for entry in built.rows("bridge_entries"))
    assert entries == sorted(
        (int(line), _amount(amount)) for line, amount in re.findall(r"line (\d): ([-+][\d,]+)", told)
    )
    kinds = {row["kind"] for row in built.rows("exceptions")}
    assert set(re.findall(r"`(\w+)`", told)) <= kinds


def _amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))
