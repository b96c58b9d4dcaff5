"""Rows of the input tables with everything filled in that a test does not care about.

Times are written as a day or as ISO 8601; a bare day means noon of it in Dubai.
"""

from typing import Any

import pyarrow as pa

from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.sources.protect import ContactProtector

Row = dict[str, Any]

CAMPAIGN, ADSET, AD = "12000000000000001", "12000000000000011", "12000000000000111"


def at(day: str) -> str:
    """Noon of a day in Dubai; anything longer than a day is left as it is."""
    return f"{day}T12:00:00+04:00" if len(day) == len("2026-03-01") else day


def insight(day: str = "2026-03-01", **cells: Any) -> Row:
    row: Row = {
        "account_id": "act_1",
        "account_currency": "AED",
        "campaign_id": CAMPAIGN,
        "campaign_name": "Spring",
        "adset_id": ADSET,
        "ad_id": AD,
        "date": day,
        "attribution_setting": "7d_click_1d_view",
        "spend": "100",
        "result_type": "lead",
        "results": "1",
        "attributed_value": "1000",
    }
    return row | cells


def lead(lead_id: str, day: str = "2026-03-01", **cells: Any) -> Row:
    return {"lead_id": lead_id, "created_at": at(day), **cells}


def crm(crm_id: str, day: str = "2026-03-02", stage: str = "new", **cells: Any) -> Row:
    times = {name: at(cells.pop(name)) for name in ("updated_at", "won_at", "lost_at") if cells.get(name)}
    return {"crm_id": crm_id, "created_at": at(day), "updated_at": at(day), "stage": stage, **cells, **times}


def order(order_id: str, day: str = "2026-03-05", status: str = "delivered", value: Any = "100", **cells: Any) -> Row:
    row: Row = {
        "order_id": order_id,
        "created_at": at(day),
        "updated_at": at(cells.pop("updated_at", day)),
        "status": status,
        "gross_value": value,
        "currency": "AED",
    }
    return row | cells


def transfer(transfer_id: str, day: str = "2026-03-12", amount: Any = "100", **cells: Any) -> Row:
    return {"transfer_id": transfer_id, "transferred_at": at(day), "amount": amount, "currency": "AED", **cells}


def payment(payment_id: str, day: str = "2026-03-10", amount: Any = "100", **cells: Any) -> Row:
    row: Row = {
        "payment_id": payment_id,
        "kind": "payment",
        "status": "settled",
        "paid_at": at(day),
        "amount": amount,
        "currency": "AED",
    }
    return row | cells


def refund(payment_id: str, day: str = "2026-03-20", amount: Any = "100", **cells: Any) -> Row:
    return payment(payment_id, day, amount, **{"kind": "refund", **cells})


def invoice(invoice_id: str, day: str = "2026-03-06", **cells: Any) -> Row:
    return {"invoice_id": invoice_id, "issued_at": at(day), "amount": "100", "currency": "AED", **cells}


def decision(link: str, left_id: str, right_id: str, verdict: str = "accept", **cells: Any) -> Row:
    row: Row = {
        "link": link,
        "left_id": left_id,
        "right_id": right_id,
        "verdict": verdict,
        "verified_by": "team-finance",
        "reason": "seen on the bank statement",
        "verified_at": at("2026-04-01"),
    }
    return row | cells


def lock(period: str = "2026-03", day: str = "2026-06-01", **cells: Any) -> Row:
    return {"period": period, "locked_by": "finance-director", "locked_at": at(day), "reason": "closed"} | cells


def verdict(link: str, left_id: str, right_id: str, says: str = "correct", **cells: Any) -> Row:
    row: Row = {
        "link": link,
        "left_id": left_id,
        "right_id": right_id,
        "match_method": "exact_id",
        "verdict": says,
        "verified_by": "reviewer",
        "verified_at": at("2026-06-10"),
    }
    return row | cells


def sign_off(link: str, match_method: str, day: str = "2026-06-20", **cells: Any) -> Row:
    row: Row = {"link": link, "match_method": match_method, "signed_by": "data-lead", "signed_at": at(day)}
    return row | {"reason": "the form no longer drops IDs"} | cells


def adjustment(adjustment_id: str, amount: Any, day: str = "2026-03-15", **cells: Any) -> Row:
    row: Row = {
        "adjustment_id": adjustment_id,
        "cohort_date": day,
        "line": "manual_adjustment",
        "amount": amount,
        "currency": "AED",
        "reason": "agreed with the auditor",
        "adjusted_by": "team-finance",
        "adjusted_at": at("2026-04-01"),
    }
    return row | cells


def kept_rows(protector: ContactProtector, table: InputTable, rows: pa.Table) -> pa.Table:
    """Rows of text as they are kept."""
    with protector.protected(table, rows.to_reader()) as kept:
        return kept.read_all()
