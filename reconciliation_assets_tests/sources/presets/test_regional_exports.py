"""Messy exports of the region's providers, couriers, banks and shops: read at once, each with its right totals.

Tabby, Tamara and Stripe: headings as in public code that reads real files. Tap, PayTabs, HyperPay and Amazon Payment Services publish the
fields of their APIs and not of their files, and Aramex, SMSA, Naqel, iMile and J&T publish neither: their headings here are guesses
in the usual wording. The mess is what exports come with: rows above the header, totals and notes below it, thousands marks,
brackets for minus, Arabic digits and headings, units in headings, blank columns, old encodings, days first.
"""

import io
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from rich.console import Console

from reconciliation_assets.chain.raw.inspection import inspect_file
from reconciliation_assets.commands.inspected import show_inspection
from reconciliation_assets.sources.presets.draft import FILL_IN, draft_preset
from reconciliation_assets.sources.presets.load import save_preset, shipped_presets
from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.sources.presets.conftest import Drop, Dropped

Cells = list[list[object]]


def workbook(rows: Cells) -> bytes:
    """The rows as the one sheet of an Excel file."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return content.getvalue()


TABBY = workbook([
    [], [None, "Date", None, "07/05/2026"], [None, "Statement #", None, "Tabby20260507SAR"], [],
    [None, "Order Number", "Sale/Refund Date", "Product Type", "Type", "Currency", "Order Amount", "Total Fee", "VAT Amount", "Total Deduction", "Transferred amount", "Transfer Date"],
    [None, "#SO1001", "2026-05-01 10:00", "Installments: 3 Months", "sale", "SAR", 1363.50, 89.63, 13.44, 103.07, 1260.43, "2026-05-07"],
    [None, "#SO1002", "2026-05-02 10:00", "Installments", "sale", "SAR", "2,000.00", 120.00, 18.00, 138.00, "1,862.00", "2026-05-07"],
    [None, "#SO1002", "2026-05-03 10:00", "Installments", "partial refund", "SAR", -100, -4.50, -0.68, -5.18, -94.82, "2026-05-07"],
    [None, None, None, "Payout fee", None, None, None, 5.00, 0.75, None, -5.75, None],
    [None, None, None, None, None, None, 3263.50, 210.13, 31.51, 235.89, 3021.86, None],
    [None, "Note: This is not an official tax invoice"],
])  # fmt: skip
TAMARA = workbook([
    ["Tamara"], ["Merchant statement"], [], ["Statement ID", "P8498683SA260905"], ["Statement Period", "28/04/2026 - 04/05/2026"], [],
    ["Summary"], ["PAY_BY_INSTALMENTS", "2,567.27"], [],
    ["Transaction Date", "Tamara Order ID", "Merchant Order ID", "Refund Reason", "Payment Type", "Order Status", "Currency", "Order Amount", "Event", "Event Amount", "Event Date", "Tamara Fixed Fees", "Total Fees", "VAT Collected by Tamara", "Total Payable to Merchant", "Installments"],
    ["02/05/2026", "u-1", "SO1003", None, "PAY_BY_INSTALMENTS", "fully_captured", "SAR", 2662.00, "Captured", 2662.00, "03/05/2026", 1.50, 80.00, 12.00, 2570.00, 3],
    ["02/05/2026", "u-1", "SO1003", "Changed mind", "PAY_BY_INSTALMENTS", "partially_refunded", "SAR", 2662.00, "Refunded", -1.00, "04/05/2026", 0, 0, 0, -1.00, 3],
    ["02/05/2026", "u-2", "SO1004", None, "PAY_BY_INSTALMENTS", "canceled", "SAR", 300.00, "Canceled", 0, "04/05/2026", 1.50, 1.50, 0.23, -1.73, 3],
    ["Total", None, None, None, None, None, None, None, None, None, None, None, None, None, 2567.27],
])  # fmt: skip
TAP = """Tap Payments;;;;;;;;
Payout ID;payout_332710;;;;;;;
;;;;;;;;
Charge ID;Merchant Reference;Type;Amount (SAR);Net Amount (SAR);Created At;Payout ID;Status;Mode
chg_1;SO1;CHARGE;1.100,00;1.070,07;01.05.2026 10:00;payout_332710;CAPTURED;live
chg_2;SO2;CHARGE;500,00;486,37;02.05.2026 10:00;payout_332710;CAPTURED;live
re_1;SO2;REFUND;-50,00;-50,00;03.05.2026 10:00;payout_332710;REFUNDED;live
chg_3;SO9;CHARGE;900,00;875,00;03.05.2026 10:00;payout_332710;CAPTURED;test
;;;2.450,00;2.381,44;;;;
"""
PAYTABS = """\ufeffPayTabs settlement report,,,,,,,,,
Tran Ref,Cart ID,Tran Type,Transaction Amount,Transaction Currency,Fees,VAT,Net Payable,Transaction Date,Settlement Batch,Response
TST2612100000001,#SO1,Sale,"1,250.00",AED,31.25,1.56,"1,217.19",13/05/2026 10:15,S-77,Authorised
TST2612100000002,#SO1,Refund,(250.00),AED,-,-,(250.00),14/05/2026 10:15,S-77,Authorised
TST2612100000003,#SO2,Sale,80.00,AED,0,0,0,14/05/2026 10:15,S-77,Declined
TST2612100000004,#SO3,Auth,80.00,AED,0,0,0,14/05/2026 10:15,S-77,Authorised
,Total,,"1,000.00",,31.25,1.56,967.19,,,
"""
HYPERPAY = """UniqueId|ShortId|Merchant Transaction ID|PaymentType|Amount|Currency|Settled Amount|RequestTimestamp|Batch No|Result
8ac7a4a1000000000000000000000001|1111.2222.3333|SO1|DB|1000.00|SAR|975.85|2026-05-01 10:00:00|S-78|ACK
8ac7a4a1000000000000000000000002|1111.2222.3334|SO1|RF|100.00|SAR|-100.00|2026-05-02 10:00:00|S-78|ACK
8ac7a4a1000000000000000000000003|1111.2222.3335|SO2|PA|200.00|SAR|0.00|2026-05-02 10:00:00|S-78|ACK
8ac7a4a1000000000000000000000004|1111.2222.3336|SO3|CB|50.00|SAR|-50.00|2026-05-03 10:00:00|S-78|ACK
"""
AMAZON = """fort_id\tmerchant_reference\tcommand\tamount\tcurrency\tnet_amount\ttransaction_date\tsettlement_reference\tpayment_option
169996200012345678\tSO1\tCAPTURE\t1,000.00\tAED\t972.70\t25/03/2026 10:00\tS-79\tVISA
169996200012345679\tSO1\tREFUND\t300.00\tAED\t300.00\t26/03/2026 10:00\tS-79\tVISA
169996200012345680\tSO2\tAUTHORIZATION\t100.00\tAED\t0.00\t26/03/2026 10:00\tS-79\tVISA
"""
ARAMEX = """COD Remittance Statement,,,,,,
Account,123456,,,,,
HAWB,Shipper Reference,COD Amount (AED),Delivery Date,Remittance Date,Remittance No,Status
3600000001,SO1,"1,250.00",12/05/2026,19/05/2026,RM-9001,Delivered
3600000002,SO2,99.50,12/05/2026,19/05/2026,RM-9001,Delivered
3600000003,SO3,400.00,13/05/2026,19/05/2026,RM-9001,Returned
,Grand Total,"1,349.50",,,,
"""
SMSA = workbook([
    ["SMSA Express"], [], ["Sr", "AWB", "Reference 1", "COD Amt", "Service Charges", "VAT", "Currency Code", "Paid Date", "Payment Ref"],
    [1, "290000000001", "SO1", 450, 20, 3, "SAR", "13/05/2026", "PAY-31"],
    [2, "290000000002", "SO2", "1,050.00", 20, 3, "SAR", "13/05/2026", "PAY-31"],
    [3, "290000000003", "SO3", -150, 0, 0, "SAR", "13/05/2026", "PAY-31"],
    [None, "Total", None, 1350, 40, 6, None, None, None],
])  # fmt: skip
NAQEL = """رقم الشحنة;مرجع العميل;المبلغ المحصل (ريال سعودي);رسوم الشحن (ريال سعودي);تاريخ التحويل;رقم الحوالة;حالة الشحنة
٢٨٠٠٠٠٠٠١;SO1;١٬٢٥٠٫٥٠;٢٠;١٣/٠٥/٢٠٢٦;NQ-44;تم التسليم
٢٨٠٠٠٠٠٠٢;SO2;١٠٠;٢٠;١٣/٠٥/٢٠٢٦;NQ-44;مرتجع
الإجمالي;;١٬٣٥٠٫٥٠;٤٠;;;
"""
IMILE = """Waybill Number\tClient Order No\tCollected COD\tTotal Fees\tCurrency\tSettlement Time\tSettlement No\tOrder Status
6030000000001\tSO1\t300\t15.75\tAED\t2026-05-13 11:00\tIM-5\tDelivered
6030000000002\tSO2\t0\t15.75\tAED\t2026-05-13 11:00\tIM-5\tReturned
6030000000003\tSO3\t1.25K\t15.75\tAED\t2026-05-13 11:00\tIM-5\tDelivered
"""
JT = """J&T Express,,,,,,
Bill Code,Order No,COD,Shipping Fee,Settlement Date,Statement No,الحالة
JTE000000000001,SO1,"2,000.00",(18.00),13/05/2026,JT-1,تم التسليم
JTE000000000002,SO2,150.00,(18.00),13/05/2026,JT-1,Delivered
Total,,"2,150.00",(36.00),,,
"""
STATEMENT = """Statement of account,,,,
Account number,AE07 0331 2345 6789 0123 456,,,
From 01/05/2026 to 31/05/2026,,,,
Posting Date,Narrative,Withdrawals,Deposits,Running Balance
01/05/2026,Balance brought forward,,,"10,000.00"
03/05/2026,INWARD TRANSFER FT26123AB,,"1,500.00","11,500.00"
13/05/2026,ARAMEX COD REMITTANCE RM-9001,,"1,349.50","12,849.50"
14/05/2026,Refund to customer FT26124CD,200.00,,"12,649.50"
15/05/2026,RENT,"5,000.00",,"7,649.50"
,Total,"5,200.00","2,849.50",
"""
STRIPE_HEADER = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,Converted Currency,Decline Reason,Description,Fee,Mode,"
    "PaymentIntent ID,Refunded date (UTC),Status,Taxes On Fee,Customer Email,Disputed Amount,Dispute Date (UTC),Dispute Status,order_id (metadata)\n"
)
STRIPE = STRIPE_HEADER + (
    "ch_1,2026-05-01 20:30:00,500.00,120.00,aed,true,500.00,120.00,aed,,Order 1,15.50,Live,pi_1,2026-05-06 09:00:00,Paid,0.78,a@example.com,,,,SO1\n"
    "ch_2,2026-05-02 08:00:00,100.00,0.00,usd,true,367.25,0.00,aed,,Order 2,12.00,Live,pi_2,,Paid,0.60,b@example.com,,,,SO2\n"
    "ch_3,2026-05-03 08:00:00,250.00,250.00,aed,true,250.00,250.00,aed,,Order 3,8.00,Live,pi_3,2026-05-09 09:00:00,Refunded,0.40,,,,,SO3\n"
    "ch_4,2026-05-04 08:00:00,80.00,0.00,aed,true,80.00,0.00,aed,,Order 4,3.00,Live,pi_4,,Paid,0.15,,80.00,2026-05-20 10:00:00,lost,SO4\n"
    "ch_5,2026-05-04 08:00:00,90.00,0.00,aed,true,90.00,0.00,aed,,Order 5,3.00,Live,pi_5,,Paid,0.15,,90.00,2026-05-20 10:00:00,won,SO5\n"
    "ch_6,2026-05-04 08:00:00,70.00,0.00,aed,false,,,,insufficient_funds,Order 6,0.00,Live,pi_6,,Failed,0.00,,,,,SO6\n"
    "ch_7,2026-05-04 08:00:00,70.00,0.00,aed,true,70.00,0.00,aed,,Order 7,3.00,Test,pi_7,,Paid,0.15,,,,,SO7\n"
)  # fmt: skip


@dataclass(frozen=True)
class Export:
    """A file and what it comes to.

    Attributes:
        totals: by kind, what its settled payments come to.
        net: what is left of them after refunds and charges, as its own last row says where it has one.
        bad: rows of it that cannot be read.
        currency: what all of it is in.
    """

    content: str | bytes
    totals: dict[str, str]
    net: str
    currency: str
    bad: tuple[int, ...] = ()


EXPORTS = {
    "Tabby20260507SAR.xlsx": Export(TABBY, {"payment": "3363.500000", "refund": "100.000000", "fee": "5.750000"}, "3021.860000", "SAR"),
    "tamara-statement.xlsx": Export(TAMARA, {"payment": "2662.000000", "refund": "1.000000", "fee": "1.730000"}, "2567.270000", "SAR"),
    "tap payout.csv": Export(TAP, {"payment": "1600.000000", "refund": "50.000000"}, "1506.440000", "SAR"),
    "paytabs.csv": Export(PAYTABS, {"payment": "1250.000000", "refund": "250.000000"}, "967.190000", "AED"),
    "hyperpay.csv": Export(HYPERPAY, {"payment": "1000.000000", "refund": "100.000000", "chargeback": "50.000000"}, "825.850000", "SAR"),
    "aps.tsv": Export(AMAZON, {"payment": "1000.000000", "refund": "300.000000"}, "672.700000", "AED"),
    "aramex.csv": Export(ARAMEX, {"payment": "1349.500000"}, "1349.500000", "AED"),
    "smsa.xlsx": Export(SMSA, {"payment": "1500.000000", "refund": "150.000000", "fee": "46.000000"}, "1304.000000", "SAR"),
    "ناقل.csv": Export(NAQEL, {"payment": "1250.500000", "fee": "40.000000"}, "1210.500000", "SAR"),
    "imile.tsv": Export(IMILE, {"payment": "300.000000", "fee": "47.250000"}, "252.750000", "AED", bad=(4,)),
    "jt.csv": Export(JT, {"payment": "2150.000000", "fee": "36.000000"}, "2114.000000", "AED"),
    "statement.csv": Export(STATEMENT, {"payment": "1500.000000", "refund": "200.000000"}, "1300.000000", "AED"),
    "unified_payments.csv": Export(STRIPE, {"payment": "1287.250000", "refund": "370.000000", "chargeback": "80.000000", "fee": "2.080000"}, "793.670000", "AED"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_a_messy_export_is_read_at_once_with_its_right_totals(drop: Drop, name: str) -> None:
    export = EXPORTS[name]
    dropped = drop({name: export.content})
    assert dropped.refusals() == {}
    assert tuple(row for row, *_ in dropped.bad()) == export.bad
    assert totals(dropped) == export.totals
    assert {currency for (currency,) in dropped.rows("payments", "currency")} == {export.currency}
    assert net(dropped) == export.net


def totals(dropped: Dropped) -> dict[str, str]:
    found = dropped.built.warehouse.rows(
        "select kind, cast(sum(amount) as varchar) from current.payments where status = 'settled' group by kind"
    )
    return dict(found)


def net(dropped: Dropped) -> str:
    """What a file's payments come to, less what went back and what was charged."""
    ((found,),) = dropped.built.warehouse.rows(
        """
        select cast(sum(case kind when 'payment' then amount when 'fee' then -amount else -amount end
                        - case when kind = 'fee' then 0 else coalesce(fee, 0) end) as varchar)
        from current.payments where status = 'settled'
        """
    )
    return str(found)


def test_an_order_is_named_as_the_shop_names_it(drop: Drop) -> None:
    for name in ("Tabby20260507SAR.xlsx", "paytabs.csv", "aramex.csv", "ناقل.csv", "unified_payments.csv"):
        orders = {order for (order,) in drop({name: EXPORTS[name].content}).rows("payments", "order_id") if order}
        assert all(order.startswith("SO") for order in orders), (name, orders)


def test_a_transfer_of_a_courier_in_the_statement_is_no_money_of_its_own(drop: Drop) -> None:
    dropped = drop({"statement.csv": STATEMENT, "aramex.csv": ARAMEX})
    assert dropped.rows("transfers", "amount", "reference") == [("1349.500000", "RM-9001")]
    tied = dropped.built.one("remittances", settlement_id="RM-9001")
    assert (tied["state"], tied["transferred_amount"], tied["net_amount"]) == (
        "ties",
        Decimal("1349.5"),
        Decimal("1349.5"),
    )


def test_a_refund_of_stripes_list_has_its_own_day_and_a_payment_abroad_both_amounts(drop: Drop) -> None:
    dropped = drop({"unified_payments.csv": STRIPE})
    columns = ("payment_id", "kind", "amount", "currency", "order_amount", "order_currency", "paid_at", "order_id")
    found = {row[0]: row[1:] for row in dropped.rows("payments", *columns)}
    assert found["refund-of:ch_1"][-2:] == ("2026-05-06 09:00:00+00", "SO1")
    assert found["ch_2"][:5] == ("payment", "367.250000", "AED", "100.000000", "USD")
    assert "dispute-of:ch_5" not in found, "a dispute that was won took no money in the end"
    assert dropped.passed_over() == {"payments that failed or were never captured: 1; test payments: 1"}


BALANCE = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,payment_intent_id\n"


def test_stripes_list_beside_its_balance_report_doubles_no_money(drop: Drop) -> None:
    balance = (
        BALANCE
        + "txn_1,2026-05-01 20:30:00,aed,500.00,16.28,483.72,charge,pi_1\ntxn_2,2026-05-06 09:00:00,aed,-20,0,-20,refund,pi_1\ntxn_3,2026-05-07 09:00:00,aed,-100,0,-100,refund,pi_1\n"
    )
    dropped = drop({"unified_payments.csv": STRIPE, "balance.csv": balance})
    money = {row["payment_id"] for row in dropped.built.rows("payments", is_money=True)}
    assert {"txn_1", "txn_2", "txn_3", "ch_2", "refund-of:ch_3"} <= money
    assert not {"ch_1", "refund-of:ch_1", "fee-tax-of:ch_1"} & money
    assert {row["difference"] for row in dropped.built.rows("source_totals")} == {0}


def test_stripes_list_without_refund_dates_and_its_payouts_are_answered_with_what_to_export(drop: Drop) -> None:
    short = "id,Created date (UTC),Amount,Amount Refunded,Currency,Status\nch_1,2026-03-01 10:00,1,0,aed,Paid\n"
    payouts = "id,Amount,Arrival Date (UTC),Currency,Status\npo_1,1,2026-03-01 10:00,aed,paid\n"
    refusals = drop({"unified_payments.csv": short, "payouts.csv": payouts}).refusals()
    assert "with all columns" in refusals["unified_payments.csv"]
    assert "bank statement" in refusals["payouts.csv"]


def test_who_has_no_bank_statement_takes_stripes_word_for_its_payouts(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets/stripe_payouts.yaml").write_text("extends: stripe_payouts\ninstead:\n")
    (bench.inbox / "payouts.csv").write_text(
        "id,Amount,Arrival Date (UTC),Currency,Status\npo_1,467.44,2026-05-09 00:00,aed,paid\npo_2,9,2026-05-10 00:00,aed,failed\n"
    )
    built = bench.build()
    assert built.warehouse.rows(
        "select transfer_id, settlement_id, cast(amount as varchar) from current.transfers"
    ) == [("po_1", "po_1", "467.440000")]
    bench.close()


# Layouts that nothing knows: the draft reads them as it stands, or once it is told the currency.
UNKNOWN = {
    "telr.csv": "Payout ID 123456,,,,\nBank Ref,CartID,Kind,Txn Value,Txn Date\nT1,SO1,Sale,100.00,13/05/2026\n",
    "network.csv": 'Terminal,Transaction Number,Sale Date,Sale Amount,Invoice\nX1,N-1,13/05/2026,"1,100.00",SO1\n',
    "كشف مندوب.csv": "رقم البوليصة,المبلغ,التاريخ\nX1,120.00,13/05/2026\n",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_nothing_recognises_is_answered_by_a_preset_that_works_after_pasting(tmp_path: Path, name: str) -> None:
    bench = Bench(tmp_path)
    (bench.inbox / name).write_text(UNKNOWN[name], encoding="utf-8")
    draft = draft_preset(bench.inbox / name, shipped_presets(), "AED")
    assert draft is not None
    assert FILL_IN not in draft.text
    save_preset(tmp_path / "presets", draft)
    built = bench.build()
    expected = {"telr.csv": "100.000000", "network.csv": "1100.000000", "كشف مندوب.csv": "120.000000"}[name]
    assert built.warehouse.rows("select cast(sum(amount) as varchar) from current.payments") == [(expected,)]
    bench.close()


def test_deals_without_contacts_are_taken_in_and_inspect_says_what_to_export_beside_them(
    drop: Drop, tmp_path: Path
) -> None:
    deals = 'Record ID,Deal Name,Deal Stage,Create Date,Close Date,Amount,Deal owner\n901,Diploma,Closed Won (Sales Pipeline),2026-05-01 10:00,2026-05-03 10:00,"4,500",S. Someone\n'
    dropped = drop({"hubspot-crm-exports-all-deals.csv": deals})
    assert dropped.rows("crm_records", "crm_id", "final_value", "currency") == [("901", "4500.000000", "AED")]
    assert dropped.rows("crm_records", "email_key", "phone_key") == [(None, None)]
    (tmp_path / "deals.csv").write_text(deals)
    out = io.StringIO()
    show_inspection(
        Console(file=out, width=200), inspect_file(tmp_path / "deals.csv", shipped_presets("AED"), lambda _: "UTC")
    )
    assert "Also export contacts" in out.getvalue()


def test_note_attributes_of_an_order_name_its_campaign_and_click(drop: Drop) -> None:
    notes = "utm_source: facebook\n_campaign_id: 120213\nfb_adset_id: 120214\nad_id: 120215\nfbclid: IwAR0abc"
    header = "Name,Email,Financial Status,Fulfillment Status,Currency,Total,Created at,Note Attributes,Lineitem name\n"
    rows = f'#1001,a@example.com,paid,fulfilled,AED,"1,250.00",2026-05-01 10:00:00 +0400,"{notes}",Kit\n#1001,,,,,,2026-05-01 10:00:00 +0400,,Second line\n'
    dropped = drop({"orders_export.csv": header + rows})
    columns = ("order_id", "gross_value", "campaign_id", "adset_id", "ad_id", "click_id")
    assert dropped.rows("orders", *columns) == [("1001", "1250.000000", "120213", "120214", "120215", "IwAR0abc")]
