"""What couriers and payment providers settled: parcels that came back, charges with VAT, settlement files of providers."""

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import order
from reconciliation_assets_tests.sources.presets.conftest import Drop

PARCELS = "tracking_number,delivery_date,cod_amount,delivery charges,status,currency\n"


def test_a_parcel_listed_as_returned_is_no_cash_but_its_charge_is_a_fee(drop: Drop) -> None:
    for word in ("returned", "RTO", "Return to Shipper", "Customer refused", "مرتجع", "لم يتم التسليم"):
        dropped = drop({"list.csv": PARCELS + f"A1,2026-03-06,120,10,{word},AED\nA2,2026-03-06,75,10,Delivered,AED\n"})
        assert dropped.rows("payments", "payment_id") == [("cod-fee:A1",), ("cod-fee:A2",), ("cod:A2",)], word


def test_a_parcel_on_its_way_is_pending_and_an_unknown_word_is_told(drop: Drop) -> None:
    dropped = drop({"list.csv": PARCELS + "A1,2026-03-06,120,,Out for delivery,AED\nA2,2026-03-06,75,,Zustand 9,AED\n"})
    assert dropped.rows("payments", "payment_id", "status") == [("cod:A1", "pending"), ("cod:A2", "Zustand 9")]
    assert [row["source_id"] for row in dropped.built.rows("exceptions", kind="unknown_payment_status")] == ["cod:A2"]


def test_lines_of_a_courier_are_held_against_their_orders_without_a_remittance(build: Build) -> None:
    files = {"list.csv": (PARCELS + "A1,2026-03-06,270,,delivered,AED\nA2,2026-03-06,100,,delivered,AED\n").encode()}
    built = build(
        {"orders": [order("SO1", value="300", waybill="A1"), order("SO2", value="100", waybill="A2")]}, files=files
    )
    told = {row["waybill"]: (row["verdict"], row["owed_amount"]) for row in built.rows("remittance_lines")}
    assert told == {"A1": ("short", 300), "A2": ("received", 100)}
    (short,) = built.rows("exceptions", kind="remittance_line")
    assert (short["source_id"], short["value"]) == ("cod:A1", 30)


def test_a_unit_in_brackets_behind_a_heading_is_its_currency_and_vat_on_charges_a_fee(drop: Drop) -> None:
    for unit, currency in (("درهم", "AED"), ("ريال سعودي", "SAR"), ("د.ك", "KWD"), ("SAR", "SAR")):
        rows = "FX1,250.5,20,1,25/03/2026\n"
        header = (
            f"رقم البوليصة,المبلغ المحصل ({unit}),رسوم التوصيل ({unit}),ضريبة القيمة المضافة ({unit}),تاريخ التسليم\n"
        )
        assert drop({"list.csv": header + rows}).rows("payments", "payment_id", "amount", "currency") == [
            ("cod-fee-vat:FX1", "1.000000", currency),
            ("cod-fee:FX1", "20.000000", currency),
            ("cod:FX1", "250.500000", currency),
        ], unit


def test_riyals_without_a_country_are_not_taken_for_dirhams(drop: Drop) -> None:
    dropped = drop({"list.csv": "رقم البوليصة,المبلغ المحصل (ريال),تاريخ التسليم\nFX1,250.5,25/03/2026\n"})
    assert dropped.rows("payments", "amount") == []
    assert [(row, column) for row, column, _ in dropped.bad()] == [(2, "currency")]


def net(drop_: Drop, name: str, content: str) -> object:
    """What a file's payments come to, less refunds and what the provider kept."""
    built = drop_({name: content}).built
    return built.warehouse.rows(
        """
        select sum(case when kind = 'payment' then amount - coalesce(fee, 0) when kind = 'fee' then -amount else -amount - coalesce(fee, 0) end)
        from current.payments where status = 'settled'
        """
    )[0][0]


TABBY = """,,,,,,,,,,
,Date,,07/05/2026,,,,,,,
,Statement #,,Tabby20260907AED,,,,,,,
,Order Number,Sale/Refund Date,Product Type,Type,Currency,Order Amount,Total Fee,VAT Amount,Total Deduction,Transferred amount,Transfer Date
,804928,2026-05-01 10:00,Installments: 3 Months,sale,AED,1363.50,89.63,4.48,94.11,1269.39,2026-05-07
,804929,2026-05-02 10:00,Installments,partial refund,AED,-100,-4.50,-0.22,-4.72,-95.28,2026-05-07
,,,Payout fee,,,,5.00,0.25,,-5.25,
,,,,,,1263.50,90.13,4.51,89.39,1168.86,
,Note: This is not an official tax invoice,,,,,,,,,
"""


def test_tabbys_settlement_comes_to_what_it_transferred(drop: Drop) -> None:
    dropped = drop({"Tabby20260907AED.csv": TABBY})
    assert dropped.rows("payments", "kind", "amount", "fee", "order_id", "settlement_id") == [
        ("fee", "5.250000", None, None, "Tabby20260907AED"),
        ("payment", "1363.500000", "94.110000", "804928", "Tabby20260907AED"),
        ("refund", "100.000000", "-4.720000", "804929", "Tabby20260907AED"),
    ]
    assert dropped.bad() == []
    assert float(str(net(drop, "t.csv", TABBY))) == 1168.86


TAMARA = """Merchant statement,,,,,,,,,,,,,
Statement ID,P8498683AE260905,,,,,,,,,,,,
Transaction Date,Tamara Order ID,Merchant Order ID,Refund Reason,Payment Type,Order Status,Currency,Order Amount,Event,Event Amount,Event Date,Total Fees,VAT Collected by Tamara,Total Payable to Merchant
2026-04-28,u-1,WA55560,,PAY_BY_INSTALMENTS,captured,AED,"2,662.00",Captured,"2,662.00",2026-04-30,160.95,8.05,"2,493.00"
2026-04-20,u-2,804047,Changed mind,PAY_BY_INSTALMENTS,refunded,AED,672.60,Refunded,(592.42),2026-04-30,0,0,(592.42)
Total,,,,,,,,,,,,,"1,900.58"
"""


def test_tamaras_statement_comes_to_what_is_payable(drop: Drop) -> None:
    dropped = drop({"statement.csv": TAMARA})
    assert dropped.rows("payments", "kind", "amount", "fee", "order_id", "settlement_id") == [
        ("payment", "2662.000000", "169.000000", "WA55560", "P8498683AE260905"),
        ("refund", "592.420000", "0.000000", "804047", "P8498683AE260905"),
    ]
    assert float(str(net(drop, "t.csv", TAMARA))) == 1900.58


PROVIDERS = {
    "paytabs.csv": "Transaction Ref,Cart ID,Transaction Type,Amount,Currency,Fees,VAT,Net Amount,Transaction Date,Settlement ID,Status\n"
    "T1,SO1,Sale,100.00,AED,2.50,0.13,97.37,25/03/2026 10:00,S-77,Authorised\n"
    "T2,SO1,Refund,50.00,AED,0,0,-50.00,26/03/2026 10:00,S-77,Authorised\n"
    "T3,SO2,Sale,10.00,AED,0,0,0,26/03/2026 10:00,S-77,Declined\n",
    "tap.csv": "Charge ID,Merchant Reference,Type,Amount,Currency,Net,Created At,Payout ID,Mode\n"
    "chg_1,SO1,CHARGE,100.00,AED,97.37,2026-03-25 10:00,S-77,live\n"
    "re_1,SO1,REFUND,-50.00,AED,-50.00,2026-03-26 10:00,S-77,live\n"
    "chg_2,SO9,CHARGE,500.00,AED,490.00,2026-03-26 10:00,S-77,test\n",
    "aps.csv": "FORT ID,Merchant Reference,Command,Amount,Currency,Net Amount,Transaction Date,Settlement Batch\n"
    "f1,SO1,CAPTURE,100.00,AED,97.37,2026-03-25 10:00,S-77\n"
    "f2,SO1,REFUND,50.00,AED,50.00,2026-03-26 10:00,S-77\n"
    "f3,SO1,AUTHORIZATION,100.00,AED,0.00,2026-03-25 10:00,S-77\n",
    "hyperpay.csv": "UniqueId,Merchant Transaction ID,PaymentType,Amount,Currency,Settled Amount,RequestTimestamp,Batch No\n"
    "h1,SO1,DB,100.00,AED,97.37,2026-03-25 10:00,S-77\n"
    "h2,SO1,RF,50.00,AED,-50.00,2026-03-26 10:00,S-77\n",
}


def test_settlement_files_of_providers_come_to_their_net(drop: Drop) -> None:
    for name, content in PROVIDERS.items():
        assert float(str(net(drop, name, content))) == 47.37, name
        assert drop({name: content}).rows("payments", "kind", "order_id", "settlement_id") == [
            ("payment", "SO1", "S-77"),
            ("refund", "SO1", "S-77"),
        ], name


def test_hubspots_own_stages_are_known(drop: Drop) -> None:
    header = "Record ID,Deal Stage,Create Date,Amount,Currency\n"
    rows = "1,Appointment Scheduled (Sales Pipeline),2026-03-01 10:00,10,AED\n2,Contract Sent,2026-03-01 10:00,10,AED\n3,Closed Lost,2026-03-01 10:00,10,AED\n"
    built = drop({"deals.csv": header + rows}).built
    assert [row["outcome"] for row in built.rows("crm_records")] == ["qualified", "qualified", "lost"]
    assert built.rows("exceptions", kind="unknown_stage") == []
