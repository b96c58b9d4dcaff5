"""A courier's remittance and the bank statement, dropped as people have them, end in a settlement that ties or says why not."""

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import insight, order
from reconciliation_assets_tests.sources.presets.conftest import Drop

REMITTANCE = """Falcon Couriers LLC

Sr #,CN #,Consignee,COD Amount,Delivery Charges,Remittance Date,Transfer Ref,Currency
1,WB1,A. Someone,100.00,12.00,10/03/2026,FLX-W010,AED
2,WB2,B. Someone,250.00,12.00,10/03/2026,FLX-W010,AED
3,WB3,C. Someone,80.00,12.00,10/03/2026,FLX-W010,AED
,Total,,430.00,36.00,,,
"""
STATEMENT = """Account statement
Date,Description,Reference,Debit (AED),Credit (AED),Balance (AED)
01/03/2026,Opening balance,,,,"1,000.00"
{lines}
"""
ORDERS = [order(f"SO{n}", value=value, waybill=f"WB{n}") for n, value in enumerate(("100", "250", "80"), start=1)]


def reconciled(build: Build, *lines: str) -> Built:
    """The shop after its courier paid over, with these lines on the statement of its bank."""
    files = {
        "Remittance W10.csv": REMITTANCE.encode(),
        "statement.csv": STATEMENT.format(lines="\n".join(lines)).encode(),
    }
    return build({"meta_insights": [insight()], "orders": ORDERS}, files=files)


@pytest.mark.parametrize(
    ("line", "tied_by", "confidence"),
    [
        ("12/03/2026,FALCON COURIERS LLC COD REMITTANCE FLX-W010,FT26071AB,,394.00,1394.00", "reference", 1),
        ("12/03/2026,COD REMITTANCE AMAL BAIT TRADING flxw010,FLX-W010,,394.00,1394.00", "reference", 1),
        ("12/03/2026,INWARD TRANSFER FALCON COURIERS LLC,FT26071AB,,394.00,1394.00", "amount", 0.6),
    ],
)
def test_a_courier_and_the_bank_tie(build: Build, line: str, tied_by: str, confidence: float) -> None:
    built = reconciled(build, line)
    row = built.one("remittances")
    assert (row["settlement_id"], row["net_amount"], row["transferred_amount"]) == ("FLX-W010", 394, 394)
    assert (row["state"], row["tied_by"], row["match_confidence"]) == ("ties", tied_by, confidence)
    assert sum(record["collected_value"] for record in built.rows("matched_chain")) == 430
    assert built.rows("unmatched_revenue") == []
    assert built.rows("exceptions") == []
    assert {total["difference"] for total in built.rows("source_totals")} == {0}
    assert built.blocked_by() == []


def test_stripe_and_the_bank_tie(build: Build) -> None:
    report = """balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,automatic_payout_id,payment_metadata[order_id]
txn_1,2026-03-08 08:00:00,aed,100.00,3.90,96.10,charge,po_1NXYZabcDEF2,SO1
txn_2,2026-03-09 08:00:00,aed,-20.00,0.00,-20.00,refund,po_1NXYZabcDEF2,SO1
"""
    line = "12/03/2026,STRIPE PAYMENTS UK LTD PO_1NXYZABCDEF2,FT26071AB,,76.10,1076.10"
    files = {"Itemized_balance.csv": report.encode(), "statement.csv": STATEMENT.format(lines=line).encode()}
    built = build({"meta_insights": [insight()], "orders": ORDERS}, files=files)
    row = built.one("remittances")
    assert (row["settlement_id"], row["state"], row["tied_by"]) == ("po_1NXYZabcDEF2", "ties", "reference")
    assert built.rows("unmatched_revenue") == []


def test_a_transfer_in_another_amount_differs(build: Build) -> None:
    built = reconciled(build, "12/03/2026,FALCON COURIERS COD REMITTANCE FLX-W010,,,344.00,1344.00")
    assert built.one("remittances")["state"] == "differs"
    assert built.one("exceptions")["value"] == 50


def test_a_transfer_that_names_no_settlement_we_know_is_seen_and_makes_no_noise(build: Build) -> None:
    built = reconciled(
        build,
        "12/03/2026,FALCON COURIERS COD REMITTANCE FLX-W011,,,394.00,1394.00",
        "13/03/2026,TABBY FZ LLC,,,500.00,1894.00",
    )
    transfers = built.rows("settlement_transfers")
    assert sorted((row["amount"], row["settlement_id"], row["has_reference"]) for row in transfers) == [
        (394, None, True),
        (500, None, False),
    ]
    assert built.one("remittances")["state"] == "no transfers known"
    assert built.rows("exceptions") == []
    assert built.rows("unmatched_revenue") == []


def test_a_payment_that_carries_a_settlements_number_is_its_transfer_whoever_sent_it(build: Build) -> None:
    built = reconciled(build, "12/03/2026,FALCON LLC,FLX-W010,,394.00,1394.00")
    assert built.one("remittances")["state"] == "ties"
    assert built.rows("unmatched_revenue") == []


def test_of_a_providers_line_only_numbers_of_settlements_are_kept(drop: Drop) -> None:
    descriptions = {
        "STRIPE PAYMENTS UK LTD po_1NXYZabcDEF2 AMAL BAIT": "po_1NXYZabcDEF2",
        "TABBY SETTLEMENT NO 884123": "SETTLEMENT NO 884123",
        "TAMARA PAYOUT: 20261 AMAL BAIT": "PAYOUT: 20261",
        "TAP PAYMENTS SETTLEMENT TAP-2026-14": "TAP-2026-14",
        "ARAMEX COD REMITTANCE AMAL BAIT 0501234567 TEL-0501234567 AE070331234567890123456": None,
        "SMSA COD PAYMENT FLX-W010 FLX-W011": "FLX-W010 FLX-W011",
    }
    lines = "".join(f"0{n}/03/2026,{text},,,{n}00,AED\n" for n, text in enumerate(descriptions, start=1))
    dropped = drop({"statement.csv": "Date,Description,Reference,Debit,Credit,Currency\n" + lines})
    found = dropped.built.warehouse.rows("select reference from current.transfers order by transferred_at")
    assert [reference for (reference,) in found] == list(descriptions.values())
    assert dropped.rows("payments", "payment_id") == []


def test_a_row_that_cannot_be_read_is_quarantined_once(drop: Drop) -> None:
    dropped = drop(
        {"statement.csv": "Date,Description,Debit,Credit,Currency\nsoon,TABBY,,5,AED\n03/04/2026,TABBY,,6,AED\n"}
    )
    assert dropped.bad() == [(2, "Date", "not a date")]
    assert dropped.rows("transfers", "amount") == [("6.000000",)]
