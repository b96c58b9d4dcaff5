"""Bank statements in every form: which way money went, what the bank took back, what came back of refunds."""

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import order, payment
from reconciliation_assets_tests.sources.presets.conftest import Drop

Kinds = list[tuple[object, ...]]


def test_one_signed_amount_with_a_running_balance(drop: Drop) -> None:
    dropped = drop(
        {
            "statement.csv": "Date,Description,Amount,Balance,Currency\n"
            '25/03/2026,TRANSFER FT1,"1,500.00","1,500.00",AED\n'
            '26/03/2026,Rent,(400.00),"1,100.00",AED\n'
            '27/03/2026,Refund RF1,-100.00,"1,000.00",AED\n'
        }
    )
    assert dropped.rows("payments", "kind", "amount") == [("payment", "1500.000000"), ("refund", "100.000000")]
    assert dropped.passed_over() == {"money that went out and is no refund: 1"}


def test_the_balance_proves_a_sign_that_is_the_other_way_round(drop: Drop) -> None:
    dropped = drop(
        {
            "card.csv": "Date,Description,Amount,Balance,Currency\n25/03/2026,TRANSFER,-500,1500,AED\n"
            "26/03/2026,Rent,400,1100,AED\n27/03/2026,TRANSFER,-50,1150,AED\n"
        }
    )
    assert [amount for (amount,) in dropped.rows("payments", "amount")] == ["50.000000", "500.000000"]


def test_a_statement_with_the_newest_row_first_is_proved_by_its_balance_too(drop: Drop) -> None:
    dropped = drop(
        {
            "newest first.csv": "Date,Description,Amount,Balance,Currency\n27/03/2026,IN,50,650,AED\n"
            "26/03/2026,IN,100,600,AED\n25/03/2026,IN,500,500,AED\n"
        }
    )
    assert len(dropped.rows("payments", "amount")) == 3


def test_amounts_that_do_not_show_which_way_money_went_are_set_aside(drop: Drop) -> None:
    dropped = drop(
        {"expenses.csv": "Date,Description,Amount,Currency\n25/03/2026,Coffee,15,AED\n26/03/2026,Tea,15,AED\n"}
    )
    assert dropped.rows("payments", "amount") == []
    (reason,) = {landed.set_aside_reason for landed in dropped.built.landed["payments"]}
    assert reason is not None
    assert reason.startswith("no row shows which way money went: no amount of its column Amount is negative")


@pytest.mark.parametrize(
    ("heading", "into", "out"),
    [
        ("D/C", "C", "D"),
        ("Dr/Cr", "CR", "Dr."),
        ("S/H", "H", "S"),
        ("مدين/دائن", "دائن", "مدين"),
        ("Type", "Credit", "Debit"),
    ],
)
def test_one_amount_beside_a_word_for_its_direction(drop: Drop, heading: str, into: str, out: str) -> None:
    rows = f"25/03/2026,TRANSFER,1500,{into},AED\n26/03/2026,Rent,400,{out},AED\n27/03/2026,Refund RF1,100,{out},AED\n"
    dropped = drop({"statement.csv": f"Date,Description,Amount,{heading},Currency\n{rows}"})
    assert dropped.rows("payments", "kind", "amount") == [("payment", "1500.000000"), ("refund", "100.000000")]


def test_a_row_whose_direction_is_no_known_word_is_told(drop: Drop) -> None:
    rows = "25/03/2026,IN,1500,C,AED\n26/03/2026,Rent,400,D,AED\n27/03/2026,?,100,X,AED\n"
    dropped = drop({"statement.csv": "Date,Description,Amount,D/C,Currency\n" + rows})
    assert dropped.bad() == [(4, "D/C", "neither money in nor money out")]


def test_a_column_of_kinds_of_transfer_is_not_taken_for_directions(drop: Drop) -> None:
    rows = "25/03/2026,IN,1500,POS,AED\n26/03/2026,Rent,-400,ATM,AED\n"
    dropped = drop({"statement.csv": "Date,Description,Amount,Type,Currency\n" + rows})
    assert dropped.rows("payments", "kind", "amount") == [("payment", "1500.000000")]


def test_debits_that_are_all_negative_are_debits(drop: Drop) -> None:
    dropped = drop(
        {
            "statement.csv": "Date,Description,Debit,Credit,Currency\n25/03/2026,Refund RF1,(300.00),,AED\n"
            "26/03/2026,Rent,(400.00),,AED\n27/03/2026,Total,700.00,,AED\n"
        }
    )
    assert dropped.rows("payments", "kind", "amount") == [("refund", "300.000000")]


def test_a_refund_that_came_back_reverses_it_in_either_column_and_language(drop: Drop) -> None:
    header = "Date,Description,Debit,Credit,Currency\n25/03/2026,Refund RF100,300.00,,AED\n"
    for back in (
        "28/03/2026,REFUND RETURNED RF100,-300.00,,AED\n",
        "28/03/2026,REFUND RETURNED RF100,,300.00,AED\n",
        "28/03/2026,Refund RF100,-300.00,,AED\n",
        "28/03/2026,استرداد مرتجع RF100,,300.00,AED\n",
    ):
        dropped = drop({"statement.csv": header + back})
        assert dropped.rows("payments", "kind", "amount") == [
            ("refund", "300.000000"),
            ("refund_reversal", "300.000000"),
        ], back
        assert dropped.built.one("cash_view")["refunded_value"] == 0, back


def test_money_of_ones_own_that_came_back_is_no_new_money(drop: Drop) -> None:
    for description in (
        "RETURNED TRANSFER TO SUPPLIER",
        "REVERSAL OF BANK CHARGES",
        "SALARY TRANSFER REJECTED",
        "حوالة مرتجعة",
    ):
        dropped = drop(
            {"statement.csv": f"Date,Description,Debit,Credit,Currency\n28/03/2026,{description},,300.00,AED\n"}
        )
        assert dropped.rows("payments", "kind", "amount") == [], description
        assert dropped.passed_over() == {"money that had gone out and came back: 1"}, description


TAKEN_BACK = {
    "a returned cheque": ("CHEQUE DEPOSIT 000123", "RETURNED CHEQUE 000123 INSUFFICIENT FUNDS"),
    "a returned cheque, in Arabic": ("إيداع شيك 000123", "شيك مرتجع 000123 لعدم كفاية الرصيد"),
    "a recalled transfer": ("INWARD TRANSFER FT26091AB", "RECALL OF TRANSFER FT26091AB"),
    "a bounced transfer": ("TRANSFER FT26091AB", "TRANSFER BOUNCED FT26091AB"),
    "a recalled transfer, in Arabic": ("حوالة واردة FT26091AB", "استرجاع حوالة FT26091AB"),
    "a reversed deposit": ("DEPOSIT FT26091AB", "REVERSAL FT26091AB"),
}


@pytest.mark.parametrize("case", TAKEN_BACK)
def test_what_the_bank_took_back_was_never_paid(build: Build, case: str) -> None:
    paid, returned = TAKEN_BACK[case]
    header = "Date,Description,Reference,Debit,Credit,Currency\n"
    # In two files, as the statements of two months are.
    files = {
        "march.csv": f"{header}25/03/2026,{paid},,,5000.00,AED\n",
        "april.csv": f"{header}09/04/2026,{returned},,5000.00,,AED\n",
    }
    built = build(
        {"orders": [order("SO1", value="5000")]}, files={name: content.encode() for name, content in files.items()}
    )
    assert {row["status"] for row in built.rows("payments")} == {"failed"}
    lines = {row["line"]: row["amount"] for row in built.rows("bridge")}
    assert (lines["collected"], lines["open"], lines["returned_refunded_failed"]) == (0, -5000, 0)


def test_a_cheque_that_was_handed_in_again_after_its_return_is_paid(build: Build) -> None:
    rows = "25/03/2026,CHEQUE DEPOSIT 000123,,500.00,AED\n27/03/2026,RETURNED CHEQUE 000123,500.00,,AED\n28/03/2026,CHEQUE DEPOSIT 000123,,500.00,AED\n"
    built = build({}, files={"statement.csv": f"Date,Description,Debit,Credit,Currency\n{rows}".encode()})
    assert sorted(row["status"] for row in built.rows("payments")) == ["failed", "failed", "settled"]


def test_a_return_that_names_no_known_payment_takes_its_amount_away(build: Build) -> None:
    row = "27/03/2026,RETURNED CHEQUE 000777,500.00,,AED\n"
    built = build(
        {"payments": [payment("P1", amount="900")]},
        files={"statement.csv": f"Date,Description,Debit,Credit,Currency\n{row}".encode()},
    )
    assert [(row["kind"], row["signed_value"]) for row in built.rows("payments")] == [
        ("payment", 900),
        ("chargeback", -500),
    ]


def test_the_banks_fee_for_a_returned_cheque_takes_nothing_back(drop: Drop) -> None:
    dropped = drop(
        {
            "statement.csv": "Date,Description,Debit,Credit,Currency\n27/03/2026,RETURNED CHEQUE CHARGES 000123,25.00,,AED\n"
        }
    )
    assert dropped.rows("payments", "kind") == []


MT940 = """{1:F01ABCDAEADXXXX0000000000}{2:I940XXXXN}{4:
:20:STATEMENT-1
:25:AE070331234567890123456
:28C:1/1
:60F:C260304AED100,00
:61:2603040304D12,50NTRFNONREF//BANK-001
:86:Bank charges
:61:2603050305C5000,00NCHK000123//BANK-002
:86:CHEQUE DEPOSIT 000123
:61:2603090309RC5000,00NCHK000123//BANK-003
:86:CHEQUE 000123
:61:2603090309C50,00NTRFFT26091AB//BANK-004
:86:Transfer
from somebody
:62F:C260309AED137,50
-}
"""


def test_mt940_with_the_reversal_of_a_credit(drop: Drop) -> None:
    dropped = drop({"statement.sta": MT940})
    assert dropped.rows("payments", "kind", "amount", "currency", "reference", "paid_at") == [
        ("chargeback", "5000.000000", "AED", "000123", "2026-03-08 20:00:00+00"),
        ("payment", "50.000000", "AED", "FT26091AB", "2026-03-08 20:00:00+00"),
        ("payment", "5000.000000", "AED", "000123", "2026-03-04 20:00:00+00"),
    ]
    assert sorted(row["status"] for row in dropped.built.rows("payments")) == ["failed", "failed", "settled"]


CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{schema}"><BkToCstmrStmt><Stmt><Acct><Id><IBAN>SA0380000000608010167519</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt></Document>
"""
ENTRY = """<Ntry><Amt Ccy="SAR">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{more}<Sts>{status}</Sts><BookgDt><Dt>2026-04-05</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>{details}</Ntry>"""


def entry(
    amount: str, reference: str, direction: str = "CRDT", more: str = "", status: str = "BOOK", details: str = ""
) -> str:
    return ENTRY.format(
        amount=amount, reference=reference, direction=direction, more=more, status=status, details=details
    )


def test_camt_takes_the_accounts_amount_and_booked_entries_only(drop: Drop) -> None:
    foreign = (
        "<NtryDtls><TxDtls><AmtDtls><InstdAmt><Amt Ccy='USD'>133.33</Amt></InstdAmt></AmtDtls></TxDtls></NtryDtls>"
    )
    entries = (
        entry("500.25", "FT26095AA", details=foreign)
        + entry("70", "FT26095AB")
        + entry("70", "FT26095AB", "DBIT", "<RvslInd>true</RvslInd>")
        + entry("9", "FT26095AC", status="PDNG")
    )
    for schema, status in (("camt.053.001.02", "{}"), ("camt.053.001.08", "<Cd>{}</Cd>")):
        told = CAMT.format(schema=schema, entries=entries)
        for word in ("BOOK", "PDNG"):
            told = told.replace(f"<Sts>{word}</Sts>", f"<Sts>{status.format(word)}</Sts>")
        dropped = drop({"statement.xml": told})
        assert dropped.rows("payments", "kind", "amount", "currency", "reference") == [
            ("chargeback", "70.000000", "SAR", "FT26095AB"),
            ("payment", "500.250000", "SAR", "FT26095AA"),
            ("payment", "70.000000", "SAR", "FT26095AB"),
        ], schema


def test_a_batch_of_camt_is_one_row_per_transaction_where_they_come_to_the_entry(drop: Drop) -> None:
    part = "<TxDtls><Refs><EndToEndId>{0}</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy='SAR'>{1}</Amt></TxAmt></AmtDtls></TxDtls>"
    details = f"<NtryDtls>{part.format('AA111', '30')}{part.format('AA222', '40')}</NtryDtls>"
    dropped = drop({"statement.xml": CAMT.format(schema="camt.053.001.02", entries=entry("70", "B1", details=details))})
    assert dropped.rows("payments", "amount", "reference") == [("30.000000", "AA111"), ("40.000000", "AA222")]


def test_reports_of_the_day_and_entities_in_camt_are_refused(drop: Drop) -> None:
    report = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.052.001.02"><BkToCstmrAcctRpt/></Document>'
    attack = '<!DOCTYPE x [<!ENTITY a "b">]>' + CAMT.format(schema="camt.053.001.02", entries="")
    refusals = drop({"report.xml": report, "attack.xml": attack}).refusals()
    assert "camt.052" in refusals["report.xml"]
    assert "entities" in refusals["attack.xml"]
