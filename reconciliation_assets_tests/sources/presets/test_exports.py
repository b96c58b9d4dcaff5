"""What other products export becomes the contract's rows; what cannot be read says where, why and what to do."""

import io
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import payment
from reconciliation_assets_tests.sources.presets.conftest import Drop, Dropped

COURIER = """Falcon Couriers LLC
Remittance to: A made-up shop,,,,,,

Sr #,CN #,Consignee,COD Amount,Delivery Charges,Net Payable,Remittance Date,Transfer Ref,Currency
1,fx 1001,A. Someone,"1,250.00",25.00,"1,225.00",03/04/2026,tr-77,AED
2,FX1002,B. Someone,-,(25.00),(25.00),03/04/2026,TR-77,AED
3,FX1003,C. Someone,(66.50),-,(66.50),03/04/2026,TR-77,AED
4,1.20213E+17,D. Someone,50,-,50,03/04/2026,TR-77,AED
5,FX1005,E. Someone,10%,-,50,03/04/2026,TR-77,AED
6,FX1006,F. Someone,10.5,-,50,31/02/2026,TR-77,AED
7,FX1007,G. Someone,1,200.00,-,1200,03/04/2026,TR-77,AED
8,,H. Someone,70,-,70,03/04/2026,TR-77,AED
9,FX1009,I. Someone,-,-,-,03/04/2026,TR-77,AED

,Total,,"1,183.50",50.00,"1,133.50",,,
"""


def test_a_couriers_remittance_is_cash_reversals_and_charges_by_waybill(drop: Drop) -> None:
    dropped = drop({"Remittance (3).csv": COURIER})
    assert dropped.rows("payments", "payment_id", "kind", "amount", "currency", "waybill", "settlement_id", "paid_at") == [
        ("cod-fee:FX1001:TR-77", "fee", "25.000000", "AED", "FX1001", "TR-77", "2026-04-02 20:00:00+00"),
        ("cod-fee:FX1002:TR-77", "fee", "25.000000", "AED", "FX1002", "TR-77", "2026-04-02 20:00:00+00"),
        ("cod-refund:FX1003:TR-77", "refund", "66.500000", "AED", "FX1003", "TR-77", "2026-04-02 20:00:00+00"),
        ("cod:FX1001:TR-77", "payment", "1250.000000", "AED", "FX1001", "TR-77", "2026-04-02 20:00:00+00"),
    ]  # fmt: skip
    assert dropped.bad() == [
        (8, "CN #", "a spreadsheet turned it into a rounded number; format the column as text and export it again"),
        (9, "COD Amount", "a percentage where an amount is expected"),
        (10, "Remittance Date", "an impossible date, read with the day first"),
        (11, None, "the row has more cells than the header; an amount with a comma in it may lack its quotation marks"),
        (12, "CN #", "a required value is missing"),
    ]
    assert dropped.passed_over() == {"parcels with neither cash nor charges: 1; totals rows: 1"}


def test_the_same_remittance_in_arabic(drop: Drop) -> None:
    text = """كشف التحصيل;;;;
رقم البوليصة;المبلغ المُحصَّل;رسوم الشحن;تاريخ التحويل;العملة
fx ١٠٠١;١٬٢٥٠٫٠٠;٢٥;٠٣/٠٤/٢٠٢٦;SAR
الإجمالي;١٬٢٥٠٫٠٠;٢٥;;
"""
    for encoding in ("utf-8-sig", "utf-16", "cp1256"):
        content = (
            text
            if encoding != "cp1256"
            else text.translate(str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789", "٬")).replace("٫", ".")
        )
        dropped = drop({"كشف.csv": content.encode(encoding)})
        assert dropped.rows("payments", "payment_id", "amount", "currency", "paid_at") == [
            ("cod-fee:FX1001:2026-04-03", "25.000000", "SAR", "2026-04-02 20:00:00+00"),
            ("cod:FX1001:2026-04-03", "1250.000000", "SAR", "2026-04-02 20:00:00+00"),
        ], encoding
        assert dropped.bad() == []


def test_a_bank_statement_gives_money_in_and_refunds_and_keeps_no_description(drop: Drop) -> None:
    dropped = drop(
        {
            "statement.csv": """Account statement
Account:,AE00 0000 0000
Date,Description,Reference,Debit (AED),Credit (AED),Balance (AED)
01/04/2026,Opening balance,,,,"10,000.00"
01/04/2026,TRANSFER FROM SOMEBODY FOR COURSE,FT26091AB,,"1,500.00","11,500.00"
01/04/2026,TRANSFER FROM SOMEBODY FOR COURSE,0501234567,,200,"11,700.00"
02/04/2026,STRIPE PAYMENTS UK PAYOUT,FT26092ZZ,,"9,000.00","20,700.00"
02/04/2026,Office rent,FT26092RR,"4,000.00",,"16,700.00"
03/04/2026,Refund to a customer,FT26093QQ,300.00,,"16,400.00"
03/04/2026,STRIPE refund of a payout,FT26093QR,10.00,,"16,390.00"
,Total,,"4,310.00","10,700.00",
"""
        }
    )
    assert dropped.rows("payments", "kind", "amount", "currency", "reference", "method", "email_key") == [
        ("payment", "1500.000000", "AED", "FT26091AB", "bank_transfer", None),
        ("payment", "200.000000", "AED", None, "bank_transfer", None),
        ("refund", "300.000000", "AED", "FT26093QQ", "bank_transfer", None),
    ]
    assert dropped.bad() == []
    assert dropped.passed_over() == {
        (
            "money back to payment providers and couriers, which their own reports tell: 1; "
            "money that went out and is no refund: 1; totals and balances carried: 2"
        )
    }


def test_a_bank_statement_in_arabic(drop: Drop) -> None:
    dropped = drop(
        {"كشف حساب.csv": "التاريخ\tالبيان\tمدين\tدائن\tالرصيد\tالعملة\n٠٥/٠٤/٢٠٢٦\tحوالة\t-\t٥٠٠٫٢٥\t٩٠٠٫٢٥\tSAR\n"}
    )
    assert dropped.rows("payments", "kind", "amount", "currency", "paid_at") == [
        ("payment", "500.250000", "SAR", "2026-04-04 20:00:00+00")
    ]


def test_overlapping_statements_do_not_double_money_and_equal_rows_are_kept_apart(drop: Drop) -> None:
    header = "Date,Description,Debit,Credit,Currency\n"
    twice = '05/04/2026,Transfer,,"100.00",AED\n05/04/2026,Transfer,,"100.00",AED\n'
    later = "06/04/2026,Transfer,,50,AED\n"
    dropped = drop({"april.csv": header + twice, "april to may.csv": header + twice.replace("100.00", "100") + later})
    assert [amount for (amount,) in dropped.rows("payments", "amount")] == ["100.000000", "100.000000", "50.000000"]


def test_a_remittance_delivered_again_does_not_double_money(drop: Drop) -> None:
    again = COURIER.replace("fx 1001", "FX1001").replace('"1,250.00"', "1250")
    once, twice = drop({"a.csv": COURIER}), drop({"a.csv": COURIER, "b.csv": again})
    assert twice.rows("payments", "payment_id", "amount") == once.rows("payments", "payment_id", "amount")
    twice.built.make_all()
    difference = twice.built.warehouse.rows("select measure from governance.source_totals where difference <> 0")
    assert difference == [], "rows in are current, superseded and quarantined"


PARCELS = "Waybill,COD Amount,Transfer Ref,Remittance Date,Currency\n"


def test_a_further_part_payment_for_a_parcel_is_money_of_its_own(drop: Drop) -> None:
    statements = {
        "week 14.csv": PARCELS + "FX1,600,TR-14,03/04/2026,AED\nFX2,80,TR-14,03/04/2026,AED\n",
        "week 15.csv": PARCELS + "FX1,400,TR-15,10/04/2026,AED\n",
        "no references.csv": "Waybill,COD Amount,Remittance Date,Currency\nFX1,30,17/04/2026,AED\nFX1,20,24/04/2026,AED\n",
        "in one statement.csv": PARCELS + "FX3,50,TR-15,10/04/2026,AED\nFX3,50,TR-15,10/04/2026,AED\n",
    }
    again = {f"once more, {name}": content.replace("600", "600.00") for name, content in statements.items()}
    for files in (statements, statements | again):
        assert drop(files).rows("payments", "payment_id", "amount") == [
            ("cod:FX1:2026-04-17", "30.000000"),
            ("cod:FX1:2026-04-24", "20.000000"),
            ("cod:FX1:TR-14", "600.000000"),
            ("cod:FX1:TR-15", "400.000000"),
            ("cod:FX2:TR-14", "80.000000"),
            ("cod:FX3:TR-15", "50.000000"),
            ("cod:FX3:TR-15-2", "50.000000"),
        ]


WITHOUT_REFERENCE = "Waybill,COD Amount,Delivery Charges,Remittance Date,Currency\n"
WITH_REFERENCE = "Waybill,COD Amount,Delivery Charges,Transfer Ref,Remittance Date,Currency\n"


def duplicates(dropped: Dropped) -> list[tuple[str, str]]:
    found = dropped.built.rows("duplicate_records", source_table="payments")
    assert {row["rule"] for row in found} <= {"told in another file with its settlement"}
    return [(row["source_id"], row["duplicate_of"]) for row in found]


def money(dropped: Dropped) -> list[str]:
    return [row["payment_id"] for row in dropped.built.rows("payments", is_money=True)]


def test_two_exports_of_a_remittance_of_which_one_has_the_reference_are_the_same_money(drop: Drop) -> None:
    dropped = drop(
        {
            "by transfer.csv": WITH_REFERENCE + "FX1,250,12,TR-77,03/04/2026,AED\nFX2,(80),12,TR-77,03/04/2026,AED\n",
            "by day.csv": WITHOUT_REFERENCE
            + "fx 1,250.00,12,03/04/2026,AED\nFX2,(80),12,03/04/2026,AED\nFX3,30,-,03/04/2026,AED\n",
        }
    )
    assert duplicates(dropped) == [
        ("cod-fee:FX1:2026-04-03", "cod-fee:FX1:TR-77"),
        ("cod-fee:FX2:2026-04-03", "cod-fee:FX2:TR-77"),
        ("cod-refund:FX2:2026-04-03", "cod-refund:FX2:TR-77"),
        ("cod:FX1:2026-04-03", "cod:FX1:TR-77"),
    ]
    assert money(dropped) == ["cod-refund:FX2:TR-77", "cod:FX1:TR-77", "cod:FX3:2026-04-03"], (
        "what only one of them tells counts"
    )
    assert dropped.built.one("duplicate_records", source_id="cod:FX1:2026-04-03")["value"] == 250
    assert {row["difference"] for row in dropped.built.rows("source_totals")} == {0}


def test_instalments_and_parts_of_a_parcel_stay_payments_of_their_own(drop: Drop) -> None:
    first = WITH_REFERENCE + "FX1,50,-,TR-77,03/04/2026,AED\n"
    others = {
        "another settlement": WITH_REFERENCE + "FX1,50,-,TR-78,03/04/2026,AED\n",
        "another day": WITHOUT_REFERENCE + "FX1,50,-,10/04/2026,AED\n",
        "another amount": WITHOUT_REFERENCE + "FX1,60,-,03/04/2026,AED\n",
        "another currency": WITHOUT_REFERENCE + "FX1,50,-,03/04/2026,SAR\n",
        "side by side with the first": first + "FX1,50,-,,03/04/2026,AED\n",
    }
    for name, other in others.items():
        dropped = drop({"a.csv": first, "b.csv": other})
        assert duplicates(dropped) == [], name
        assert len(money(dropped)) == 2, name


def test_lines_that_agree_in_everything_are_paired_off_one_by_one(drop: Drop) -> None:
    twice, thrice = 2 * "FX1,50,-,TR-77,03/04/2026,AED\n", 3 * "FX1,50,-,03/04/2026,AED\n"
    dropped = drop({"a.csv": WITH_REFERENCE + twice, "b.csv": WITHOUT_REFERENCE + thrice})
    assert len(duplicates(dropped)) == 2
    assert len(money(dropped)) == 3


def test_payments_with_ids_of_their_own_are_never_taken_for_the_same(build: Build) -> None:
    paid = {"waybill": "FX1", "method": "cod", "amount": "50"}
    built = build(
        {"payments": [payment("P1", settlement_id="TR-77", **paid)]},
        files={
            "payments-2.csv": b"payment_id,kind,status,paid_at,amount,currency,waybill,method\n"
            b"P2,payment,settled,2026-03-10T12:00:00+04:00,50,AED,FX1,cod\n"
        },
    )
    assert len(built.rows("payments", is_money=True)) == 2


def test_parquet_and_json_lines_are_read_by_their_names_too(drop: Drop) -> None:
    columns = {
        "AWB No": ["fx1", "fx2", None],
        "COD Amount": [Decimal("1250.50"), Decimal("-66.50"), Decimal("10.00")],
        "Remittance Date": [date(2026, 4, 3)] * 3,
        "Currency": ["AED"] * 3,
    }
    parquet = io.BytesIO()
    pq.write_table(pa.table(columns), parquet)
    lines = (
        '{"Remittance Date": "2026-04-03", "AWB No": "fx1", "COD Amount": "1,250.50", "Currency": "AED"}\n\n'
        '{"Remittance Date": "2026-04-03", "AWB No": "fx2", "COD Amount": -66.50, "Currency": "AED"}\n'
        '{"Remittance Date": "2026-04-03", "COD Amount": 10, "Currency": "AED"}\n'
    )
    for name, content, bad_row in (("cod.parquet", parquet.getvalue(), 4), ("cod.jsonl", lines.encode(), 4)):
        dropped = drop({name: content})
        assert dropped.rows("payments", "payment_id", "amount") == [
            ("cod-refund:FX2:2026-04-03", "66.500000"),
            ("cod:FX1:2026-04-03", "1250.500000"),
        ], name
        assert dropped.bad() == [(bad_row, "AWB No", "a required value is missing")], name


def test_a_file_that_names_no_currency_is_read_in_the_reporting_currency_and_that_is_told(drop: Drop) -> None:
    dropped = drop({"cod.csv": "AWB,COD,Date\nfx1,100,03/04/2026\n"})
    assert dropped.rows("payments", "amount", "currency") == [("100.000000", "AED")]
    assert (
        "names no currency, so it is read in AED" in dropped.built.ask("raw_payments", "few_rows_in_quarantine").message
    )


def test_a_row_without_currency_in_a_file_that_has_some_is_not_guessed(drop: Drop) -> None:
    dropped = drop({"cod.csv": "AWB,COD,Date,Currency\nfx1,100,03/04/2026,SAR\nfx2,100,03/04/2026,\n"})
    assert dropped.rows("payments", "currency") == [("SAR",)]
    assert dropped.bad() == [(3, "Currency", "a required value is missing")]


def test_a_statement_of_an_account_abroad_is_not_read_in_the_reporting_currency(drop: Drop) -> None:
    rows = "Date,Description,Debit,Credit,Balance\n05/03/2026,TRANSFER,,100.00,100.00\n"
    abroad = drop({"statement.csv": "IBAN: SA03 8000 0000 6080 1016 7519,,,,\n" + rows})
    assert abroad.bad() == [(3, "currency", "a required value is missing")]
    told = drop({"statement.csv": "Account currency: SAR,,,,\n" + rows})
    assert told.rows("payments", "amount", "currency") == [("100.000000", "SAR")]


def test_a_corrected_remittance_replaces_its_lines(drop: Drop) -> None:
    first = PARCELS + "FX1,600,TR-14,03/04/2026,AED\nFX2,80,TR-14,03/04/2026,AED\n"
    corrected = PARCELS + "FX2,88,TR-14,04/04/2026,AED\nFX1,600,TR-14,04/04/2026,AED\n"
    dropped = drop({"week 14.csv": first, "week 14 corrected.csv": corrected})
    # The later day of transfer tells the correction apart, whatever the files' order.
    assert dropped.rows("payments", "payment_id", "amount") == [
        ("cod:FX1:TR-14", "600.000000"),
        ("cod:FX2:TR-14", "88.000000"),
    ]


def test_stripes_balance_report_is_the_connectors_rows(drop: Drop) -> None:
    dropped = drop(
        {
            "Itemized_balance_change.csv": """balance_transaction_id,created_utc,created,currency,gross,fee,net,reporting_category,source_id,automatic_payout_id,customer_email,charge_id,payment_intent_id,payment_metadata[order_id]
txn_1,2026-04-01 08:00:00,2026-04-01 12:00:00,aed,500.00,15.50,484.50,charge,ch_1,po_1,someone@example.com,ch_1,pi_1,SO1
txn_2,2026-04-02 08:00:00,2026-04-02 12:00:00,aed,-100.00,0.00,-100.00,refund,re_1,,someone@example.com,ch_1,pi_1,SO1
txn_3,2026-04-03 08:00:00,2026-04-03 12:00:00,aed,-384.50,0.00,-384.50,payout,po_1,,,,,
txn_4,2026-04-04 08:00:00,2026-04-04 12:00:00,aed,-200.00,60.00,-260.00,dispute,dp_1,,,ch_1,pi_1,SO1
txn_5,2026-04-05 08:00:00,2026-04-05 12:00:00,aed,-3.00,0.00,-3.00,other_adjustment,adj_1,,,,,
txn_6,2026-04-05 08:00:00,2026-04-05 12:00:00,aed,-3.00,0.00,-3.00,something_new,adj_1,,,,,
"""
        }
    )
    columns = (
        "payment_id",
        "kind",
        "status",
        "amount",
        "currency",
        "fee",
        "order_id",
        "reference",
        "settlement_id",
        "paid_at",
    )
    assert dropped.rows("payments", *columns) == [
        ("txn_1", "payment", "settled", "500.000000", "AED", "15.500000", "SO1", "pi_1", "po_1", "2026-04-01 08:00:00+00"),
        ("txn_2", "refund", "settled", "100.000000", "AED", "0.000000", "SO1", "pi_1", None, "2026-04-02 08:00:00+00"),
        ("txn_4", "chargeback", "settled", "200.000000", "AED", "60.000000", "SO1", "pi_1", None, "2026-04-04 08:00:00+00"),
        ("txn_5", "fee", "settled", "3.000000", "AED", "0.000000", None, None, None, "2026-04-05 08:00:00+00"),
    ]  # fmt: skip
    assert [(row, column) for row, column, _ in dropped.bad()] == [(7, "reporting_category")]
    assert dropped.passed_over() == {"money that moved on, such as payouts: 1"}


def test_shopifys_orders_are_one_row_each_and_no_money(drop: Drop) -> None:
    header = (
        "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Currency,Subtotal,Shipping,Taxes,Total,"
    )
    header += (
        "Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Shipping Name,Phone,"
    )
    header += "Shipping Country,Note Attributes,Cancelled at,Payment Method\n"
    dropped = drop(
        {
            "orders_export_1.csv": header
            + "#1001,a@example.com,paid,2026-04-01 10:00:00 +0400,fulfilled,2026-04-02 09:00:00 +0400,AED,200.00,10.00,10.00,"
            + '220.00,,0.00,2026-04-01 09:59:00 +0400,1,Oud 50 ml,100.00,A. Someone,0501234567,AE,"lead_id: L7\nfbclid: fb.1.2",,'
            + "Cash on Delivery (COD)\n"
            + "#1001,a@example.com,,,,,,,,,,,,2026-04-01 09:59:00 +0400,1,Musk 30 ml,100.00,,,,,,\n"
            + "#1002,b@example.com,voided,,unfulfilled,,AED,50.00,0.00,0.00,50.00,,0.00,2026-04-03 09:00:00 +0400,1,Oud,50,,,AE,,"
            + "2026-04-03 12:00:00 +0400,\n"
            + "#1003,c@example.com,pending,,unfulfilled,,AED,50.00,0.00,0.00,50.00,,0.00,2026-04-04 09:00:00 +0400,1,Oud,50,,"
            + "5.01235E+08,AE,,,\n"
        }
    )
    columns = ("order_id", "status", "gross_value", "currency", "lead_id", "click_id", "market", "offer", "updated_at")
    assert dropped.rows("orders", *columns) == [
        ("1001", "shipped", "220.000000", "AED", "L7", "fb.1.2", "AE", "Oud 50 ml", "2026-04-02 05:00:00+00"),
        ("1002", "cancelled", "50.000000", "AED", None, None, "AE", "Oud", "2026-04-03 08:00:00+00"),
    ]
    assert dropped.rows("payments", "payment_id") == []
    assert [(row, column) for row, column, _ in dropped.bad()] == [(5, "Phone")], (
        "a record with a line end in it counts once"
    )
    assert dropped.passed_over() == {"further rows of the same Name: 1"}


def test_hubspots_deals_and_contacts_are_the_connectors_records(drop: Drop) -> None:
    dropped = drop(
        {
            "hubspot-crm-exports-all-deals-2026-04-05.csv": "Record ID,Deal Name,Deal Stage,Create Date,Close Date,Amount,Currency,Deal owner\n"
            '901,Diploma,Closed Won,2026-04-01 10:00,2026-04-03 10:00,"4,500",AED,S. Someone\n',
            "hubspot-crm-exports-all-contacts-2026-04-05.csv": "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date,Last Modified Date,Associated Deal IDs\n"
            "77,Amal,Haddad,amal@example.com,+971501234567,S. Someone,,2026-03-30 10:00,2026-04-02 10:00,88;901\n",
        }
    )
    assert dropped.rows(
        "crm_records", "crm_id", "stage", "final_value", "currency", "merged_into", "updated_at", "owner"
    ) == [
        ("901", "Closed Won", "4500.000000", "AED", None, "2026-04-01 06:00:00+00", None),
        ("contact-77", "new", None, None, "901", "2026-04-02 06:00:00+00", None),
    ]
    keyed = dropped.built.warehouse.rows(
        "select crm_id from current.crm_records where email_key is not null and phone_key is not null and len(name_keys) > 1"
    )
    assert keyed == [("contact-77",)]


def test_lead_ads_come_in_utf_16_with_tabs_and_letters_before_their_ids(drop: Drop) -> None:
    text = (
        "id\tcreated_time\tad_id\tad_name\tadset_id\tcampaign_id\tcampaign_name\tform_id\tis_organic\tplatform\tmost_wanted_course?\temail\tfull_name\tphone_number\tcountry\tlead_status\n"
        "l:1203000000000001\t2026-04-01T10:15:00+04:00\tag:12011\tAd\tas:12012\tc:12013\tSpring\tf:555\tfalse\tig\tdata\tamal@example.com\tأمل الحداد\tp:0501234567\tUnited Arab Emirates\tCREATED\n"
        "l:1203000000000002\t2026-04-01T11:15:00+04:00\tag:12011\tAd\tas:12012\tc:12013\tSpring\tf:555\tfalse\tfb\tdata\ttest@meta.com\t<test lead: dummy data for full_name>\tp:<test lead: dummy data for phone_number>\t\tCREATED\n"
    )
    dropped = drop({"Spring_Leads_2026-04-05.csv": text.encode("utf-16")})
    columns = ("lead_id", "meta_lead_id", "campaign_id", "ad_id", "form_id", "source", "medium", "market", "is_test")
    assert dropped.rows("leads", *columns) == [
        ("1203000000000001", "1203000000000001", "12013", "12011", "555", "instagram", "paid", "AE", "false"),
        ("1203000000000002", "1203000000000002", "12013", "12011", "555", "facebook", "paid", None, "true"),
    ]
    (landed,) = dropped.built.landed["leads"]
    assert landed.ignored_columns == ("ad_name", "most_wanted_course?", "lead_status")


def test_ads_manager_by_day_is_metas_figures(drop: Drop) -> None:
    dropped = drop(
        {
            "Untitled-report.csv": "Reporting starts,Reporting ends,Account ID,Campaign name,Campaign ID,Ad set ID,Ad name,Ad ID,Attribution setting,Result indicator,Results,Amount spent (AED),Impressions,Purchases conversion value\n"
            ",,,,,,,,,,7,330.5,1000,900\n"
            "2026-04-01,2026-04-01,1001,Spring,120213,120214,Ad A,120215,7-day click or 1-day view,actions:lead,4,110.25,600,\n"
            "2026-04-01,2026-04-02,1001,Spring,120213,120214,Ad A,120215,7-day click or 1-day view,actions:lead,3,220.25,400,900\n"
            "2026-04-03,2026-04-03,1001,Spring,1.20213E+17,120214,Ad A,120215,7-day click,actions:lead,3,220.25,400,900\n"
        }
    )
    columns = (
        "account_id",
        "date",
        "ad_id",
        "attribution_setting",
        "result_type",
        "results",
        "spend",
        "account_currency",
        "attributed_value",
    )
    assert dropped.rows("meta_insights", *columns) == [
        ("1001", "2026-04-01", "120215", "7d_click_1d_view", "lead", "4.000000", "110.250000", "AED", "0.000000")
    ]  # fmt: skip
    assert dropped.bad() == [
        (4, "Reporting ends", "the row covers several days; export it again with the breakdown by day"),
        (
            5,
            "Campaign ID",
            "a spreadsheet turned it into a rounded number; format the column as text and export it again",
        ),
    ]
    assert dropped.passed_over() == {"totals rows: 1"}


def test_ads_manager_in_arabic(drop: Drop) -> None:
    dropped = drop(
        {
            "تقرير.csv": "بداية التقرير,نهاية التقرير,معرّف الحساب,معرّف الحملة,معرّف مجموعة الإعلانات,معرّف الإعلان,النتائج,المبلغ المُنفَق (SAR),قيمة التحويل\n"
            "٢٠٢٦-٠٤-٠١,٢٠٢٦-٠٤-٠١,1001,120213,120214,120215,٤,١١٠٫٢٥,٩٠٠\n"
        }
    )
    assert dropped.rows("meta_insights", "date", "spend", "account_currency", "attributed_value") == [
        ("2026-04-01", "110.250000", "SAR", "900.000000")
    ]


BALANCE = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,payment_intent_id\n"


def test_the_sign_of_stripes_money_says_what_came_back(drop: Drop) -> None:
    dropped = drop(
        {
            "balance.csv": BALANCE
            + "t1,2026-04-01 08:00:00,aed,100,3,97,charge,pi_1\n"
            + "t2,2026-04-02 08:00:00,aed,-100,-2.9,-97.1,refund,pi_1\n"
            + "t3,2026-04-03 08:00:00,aed,100,0,100,refund_failure,pi_1\n"
            + "t4,2026-04-04 08:00:00,aed,-100,55,-155,dispute,pi_1\n"
            + "t5,2026-04-05 08:00:00,aed,100,-55,155,dispute_reversal,pi_1\n"
            + "t6,2026-04-06 08:00:00,aed,-7,0,-7,network_cost,\n"
            + "t7,2026-04-07 08:00:00,aed,2,0,2,tax,\n"
        }
    )
    assert dropped.rows("payments", "payment_id", "kind", "amount", "fee") == [
        ("t1", "payment", "100.000000", "3.000000"),
        ("t2", "refund", "100.000000", "-2.900000"),
        ("t3", "refund_reversal", "100.000000", "0.000000"),
        ("t4", "chargeback", "100.000000", "55.000000"),
        ("t5", "chargeback_reversal", "100.000000", "-55.000000"),
        ("t6", "fee", "7.000000", "0.000000"),
        ("t7", "fee", "-2.000000", "0.000000"),
    ]
    assert dropped.bad() == []


def test_the_dashboards_adjustments_of_disputes_are_known_by_their_description(drop: Drop) -> None:
    dropped = drop(
        {
            "balance_history.csv": "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Description\n"
            "t1,adjustment,dp_1,-100,15,-115,aed,2026-04-04 08:00,Chargeback withdrawal for ch_1\n"
            "t2,adjustment,dp_1,100,-15,115,aed,2026-04-05 08:00,Chargeback reversal for ch_1\n"
            "t3,adjustment,adj_1,-4,0,-4,aed,2026-04-05 08:00,Correction\n"
        }
    )
    assert dropped.rows("payments", "payment_id", "kind", "amount") == [
        ("t1", "chargeback", "100.000000"),
        ("t2", "chargeback_reversal", "100.000000"),
        ("t3", "fee", "4.000000"),
    ]


SHOP = (
    "Name,Financial Status,Paid at,Fulfillment Status,Currency,Total,Discount Amount,Created at,Note Attributes,Cancelled at,"
    "Payment Method,Refunded Amount,Outstanding Balance,Tags\n"
)


def shop_order(name: str, financial: str, total: str, **cells: str) -> str:
    outstanding, method, discount = (
        cells.get("outstanding", "0.00"),
        cells.get("method", "Stripe"),
        cells.get("discount", ""),
    )
    notes, tags = cells.get("notes", ""), cells.get("tags", "")
    return f'{name},{financial},2026-03-02 11:00:00 +0400,unfulfilled,AED,{total},{discount},2026-03-02 10:00:00 +0400,"{notes}",,{method},0.00,{outstanding},"{tags}"\n'


def test_a_shops_discount_is_in_its_total_and_an_unpaid_order_owes_its_balance(drop: Drop) -> None:
    dropped = drop(
        {
            "orders_export.csv": SHOP
            + shop_order("#1", "paid", "90.00", discount="10.00")
            + shop_order("#2", "pending", "200.00", outstanding="150.00", method="Cash on Delivery (COD)")
            + shop_order("#3", "partially_paid", "200.00", outstanding="100.00")
        }
    )
    assert dropped.rows("orders", "order_id", "gross_value", "discount", "current_value") == [
        ("1", "90.000000", None, None),
        ("2", "200.000000", None, "150.000000"),
        ("3", "200.000000", None, None),
    ]


def test_an_order_paid_by_gift_card_alone_is_settled_by_credit(drop: Drop) -> None:
    dropped = drop(
        {
            "orders_export.csv": SHOP
            + shop_order("#1", "paid", "90.00", method="Gift Card")
            + shop_order("#2", "paid", "90.00", method="gift_card + Stripe"),
            "transactions.csv": "Order,Name,Kind,Gateway,Created At,Status,Amount,Currency\n"
            "1,#1,sale,gift_card,2026-03-02 11:00:00 +0400,success,90.00,AED\n"
            "2,#2,sale,gift_card,2026-03-02 11:00:00 +0400,success,30.00,AED\n"
            "2,#2,sale,stripe,2026-03-02 11:00:00 +0400,success,60.00,AED\n"
            "3,#3,sale,bogus,2026-03-02 11:00:00 +0400,success,60.00,AED\n",
        }
    )
    assert dropped.rows("payments", "payment_id", "kind", "amount", "order_id") == [
        ("credit:1", "credit", "90.000000", "1"),
        ("credit:2", "credit", "30.000000", "2"),
    ]


def test_test_orders_of_a_shop_do_not_exist(drop: Drop) -> None:
    dropped = drop(
        {
            "orders_export.csv": SHOP
            + shop_order("#1", "paid", "90.00", method="(for testing) Bogus Gateway")
            + shop_order("#2", "paid", "90.00", tags="vip, test order")
            + shop_order("#3", "paid", "90.00", tags="contest")
        }
    )
    assert [name for (name,) in dropped.rows("orders", "order_id")] == ["3"]
    assert dropped.passed_over() == {"test orders: 2"}


def test_note_attributes_name_campaign_ad_set_and_ad(drop: Drop) -> None:
    notes = (
        "utm_source: facebook\nutm_campaign: Spring\ncampaign_id: 120213\nadset_id: 120214\nad_id: 120215\nlead_id: L7"
    )
    dropped = drop({"orders_export.csv": SHOP + shop_order("#1", "paid", "90.00", notes=notes)})
    assert dropped.rows("orders", "campaign_id", "adset_id", "ad_id", "source", "utm_campaign", "lead_id") == [
        ("120213", "120214", "120215", "facebook", "Spring", "L7")
    ]


ADS = "Account ID,Campaign ID,Campaign name,Ad set ID,Ad ID,Ad name,Day,{by},Result indicator,Results,Amount spent (AED),Purchases conversion value,Reporting starts,Reporting ends\n"


def ad_row(part: str, spend: str, results: str = "1", ad: str = "9001", name: str = "Ad 1") -> str:
    return f"700,900001,Spring,8001,{ad},{name},2026-03-05,{part},actions:lead,{results},{spend},10,2026-03-05,2026-03-05\n"


def added_up(dropped: Dropped) -> tuple[object, ...]:
    row = dropped.built.one("platform_performance")
    return row["spend"], row["results"], row["attributed_value"]


def test_parts_of_a_breakdown_are_added_up_whatever_they_are_parts_by(drop: Drop) -> None:
    for by, parts in (
        ("Country", "AE SA"),
        ("Placement", "feed reels"),
        ("Time of day", "10:00 11:00"),
        ("Age", "18-24 25-34"),
    ):
        one, other = parts.split()
        # Parts with the same figures are parts all the same; a row told twice is one.
        rows = ad_row(one, "30.00") + ad_row(other, "30.00") + ad_row(other, "30.00")
        dropped = drop({"report.csv": ADS.format(by=by) + rows})
        assert added_up(dropped) == (60, 2, 20), by


def test_a_row_that_comes_to_all_parts_of_its_ad_and_day_is_their_total(drop: Drop) -> None:
    rows = ad_row("", "60.00", "3") + ad_row("AE", "40.00", "2") + ad_row("SA", "20.00", "1")
    dropped = drop({"report.csv": ADS.format(by="Country") + rows.replace(",10,2026", ",20,2026", 1)})
    assert added_up(dropped) == (60, 3, 20)
    assert dropped.passed_over() == {"totals rows: 1"}


def test_ids_that_a_spreadsheet_rounded_and_wrote_out_are_told_and_their_rows_stay_apart(drop: Drop) -> None:
    rounded = "120214520000000000"
    dropped = drop(
        {"report.csv": ADS.format(by="x") + ad_row("", "30", ad=rounded) + ad_row("", "40", ad=rounded, name="Ad 2")}
    )
    assert dropped.rows("meta_insights", "ad_id", "spend") == [
        (f"{rounded} (Ad 1)", "30.000000"),
        (f"{rounded} (Ad 2)", "40.000000"),
    ]
    answer = dropped.built.ask("raw_meta_insights", "few_rows_in_quarantine")
    assert answer.severity == "WARN"
    assert "a spreadsheet has rounded the IDs of column Ad ID" in answer.message


def test_one_long_id_that_happens_to_end_in_zeros_is_none_of_that(drop: Drop) -> None:
    rows = ad_row("", "30", ad="120214527318264000") + ad_row("", "40", ad="120214527318264731")
    dropped = drop({"report.csv": ADS.format(by="x") + rows})
    assert [ad for (ad,) in dropped.rows("meta_insights", "ad_id")] == ["120214527318264000", "120214527318264731"]


def test_a_rounded_id_that_has_no_name_beside_it_goes_to_quarantine(drop: Drop) -> None:
    dropped = drop(
        {"leads-1.csv": "lead_id,created_at\n1202145200000000000,2026-03-05\n1202145300000000000,2026-03-06\n"}
    )
    assert dropped.rows("leads", "lead_id") == []
    assert [column for _, column, _ in dropped.bad()] == ["lead_id", "lead_id"]


def test_a_side_value_or_a_charge_that_cannot_be_read_costs_no_money(drop: Drop) -> None:
    stripe = drop({"balance.csv": BALANCE + "t1,2026-04-01 08:00:00,aed,100,3%,97,charge,pi_1\n"})
    assert stripe.rows("payments", "payment_id", "amount", "fee") == [("t1", "100.000000", None)]
    assert [row["source_id"] for row in stripe.built.rows("exceptions", kind="unread_value")] != []
    courier = drop(
        {
            "cod.csv": "AWB,COD,Delivery Charges,Remittance Date,Currency\nfx1,100,10%,2026-04-03,AED\nfx2,1%,10,2026-04-03,AED\n"
        }
    )
    assert courier.rows("payments", "payment_id", "amount") == [
        ("cod-fee:FX2:2026-04-03", "10.000000"),
        ("cod:FX1:2026-04-03", "100.000000"),
    ]
    assert courier.bad() == [
        (2, "Delivery Charges", "a percentage where an amount is expected"),
        (3, "COD", "a percentage where an amount is expected"),
    ]
