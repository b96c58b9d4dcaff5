"""What couriers and payment providers pay over: each settlement against its transfer, each parcel against its order."""

from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import insight, order, payment, refund, transfer

COD = {"settlement_id": "FLX-10", "method": "cod"}


def parcel(number: int, amount: str, **cells: Any) -> dict[str, Any]:
    return payment(f"P{number}", amount=amount, waybill=f"WB{number}", **COD, **cells)


def shop(*values: str, **cells: Any) -> list[dict[str, Any]]:
    return [order(f"SO{n}", value=value, waybill=f"WB{n}", **cells) for n, value in enumerate(values, start=1)]


def three_parcels(build: Build, *, amount: str) -> Built:
    """Three parcels of 430.00 in all, 12.00 of charges each: once as a column, twice as rows of their own."""
    fees = [
        payment("F2", kind="fee", amount="12", waybill="WB2", **COD),
        payment("F3", kind="fee", amount="12", waybill="WB3", **COD),
    ]
    parcels = [parcel(1, "100", fee="12"), parcel(2, "250"), parcel(3, "80")]
    return build(
        {
            "orders": shop("100", "250", "80"),
            "payments": [*parcels, *fees],
            "transfers": [transfer("T1", amount=amount, settlement_id="FLX-10")],
        }
    )


def test_a_settlement_ties_to_its_transfer_less_fees(build: Build) -> None:
    built = three_parcels(build, amount="394")
    row = built.one("remittances")
    assert (row["payments"], row["orders"], row["gross_amount"], row["fee_amount"]) == (3, 3, 430, 36)
    assert (row["net_amount"], row["transfer_id"], row["state"], row["difference_value"]) == (394, "T1", "ties", 0)
    assert built.rows("exceptions") == []


def test_a_difference_is_an_exception_of_finance(build: Build) -> None:
    built = three_parcels(build, amount="344")
    assert built.one("remittances")["state"] == "differs"
    row = built.one("exceptions")
    assert (row["kind"], row["owner"], row["value"]) == ("remittance_differs", "finance", Decimal("50.000"))
    assert row["detail"] == (
        "Transfer T1 brought 344.00 AED; the payments of settlement FLX-10 less refunds and fees come to 394.00."
    )


@pytest.mark.parametrize(
    ("currency", "written"), [("AED", "80.00 AED received, 100.00 owed"), ("KWD", "80.000 KWD received, 100.000 owed")]
)
def test_amounts_in_words_have_the_decimals_of_their_currency(build: Build, currency: str, written: str) -> None:
    built = build(
        {
            "orders": shop("100", currency=currency),
            "payments": [parcel(1, "80", currency=currency)],
            "fx_rates": [{"date": "2026-01-01", "currency": "KWD", "rate": "11.96"}],
        }
    )
    assert written in built.one("exceptions", kind="remittance_line")["detail"]


@pytest.mark.parametrize("names", [{"settlement_id": "FLX-10"}, {"reference": " FLX-10 "}])
def test_a_bank_line_pays_the_settlement_it_names(build: Build, names: dict[str, str]) -> None:
    line = transfer("T1", **names)
    built = build({"orders": shop("100"), "payments": [parcel(1, "100")], "transfers": [line]})
    assert built.one("remittances")["state"] == "ties"


@pytest.mark.parametrize("reference", ["flxw10", "COD remittance FLX-W10, March", "FLX W10", "FLX-W10 flx/w10"])
def test_a_reference_names_a_settlement_as_banks_write_it(build: Build, reference: str) -> None:
    paid = payment("P1", waybill="WB1", settlement_id="FLX-W10")
    built = build({"orders": shop("100"), "payments": [paid], "transfers": [transfer("T1", reference=reference)]})
    assert built.one("remittances")["tied_by"] == "reference"


def test_a_reference_that_names_several_settlements_names_none(build: Build) -> None:
    paid = [payment(f"P{n}", amount=f"{n}00", settlement_id=f"FLX-W1{n}") for n in (1, 2)]
    line = transfer("T1", reference="FLX-W11 FLX-W12")
    built = build({"orders": shop("100"), "payments": paid, "transfers": [line]})
    assert built.one("settlement_transfers")["settlement_id"] is None


def silent(*days: str, amount: str = "100") -> list[dict[str, Any]]:
    return [transfer(f"T{number}", day, amount) for number, day in enumerate(days, start=1)]


def tied(build: Build, transfers: list[dict[str, Any]], *payments: dict[str, Any]) -> list[tuple[str, str | None]]:
    built = build({"orders": shop("100"), "payments": [parcel(1, "100"), *payments], "transfers": transfers})
    return [(row["transfer_id"], row["settlement_id"]) for row in built.rows("settlement_transfers")]


@pytest.mark.parametrize(
    ("day", "settlement"),
    [("2026-03-09", None), ("2026-03-10", "FLX-10"), ("2026-03-20", "FLX-10"), ("2026-03-21", None)],
)
def test_a_transfer_without_a_reference_is_tied_by_amount_within_the_policys_days(
    build: Build, day: str, settlement: str | None
) -> None:
    assert tied(build, silent(day)) == [("T1", settlement)]


def test_by_amount_a_transfer_is_tied_only_where_nothing_else_fits(build: Build) -> None:
    twin = payment("P2", waybill="WB2", settlement_id="FLX-11", method="cod")
    assert tied(build, silent("2026-03-12", "2026-03-13")) == [("T1", None), ("T2", None)]
    assert tied(build, silent("2026-03-12"), twin) == [("T1", None)]
    assert tied(build, silent("2026-03-12", amount="99.99")) == [("T1", None)]
    assert tied(build, [transfer("T1", currency="SAR")]) == [("T1", None)]
    assert tied(build, [transfer("T1", reference="something else")]) == [("T1", None)]


def test_a_settlement_that_a_transfer_names_takes_no_other_by_amount(build: Build) -> None:
    named = transfer("T2", amount="60", settlement_id="FLX-10")
    assert tied(build, [*silent("2026-03-12"), named]) == [("T1", None), ("T2", "FLX-10")]


def test_a_payment_that_others_name_as_their_transfer(build: Build) -> None:
    bank_line = payment("FLX-10", method="bank_transfer", amount="100")
    built = build({"orders": shop("100"), "payments": [parcel(1, "100"), bank_line]})
    assert built.one("remittances")["transfer_id"] == "FLX-10"
    assert built.rows("unmatched_revenue") == []


def test_a_payment_that_is_the_transfer_of_others_is_not_money_twice(build: Build) -> None:
    bank_line = payment("B1", amount="88", method="bank_transfer", reference="FLX-10")
    fee = payment("F1", kind="fee", amount="12", waybill="WB1", **COD)
    built = build({"meta_insights": [insight()], "orders": shop("100"), "payments": [parcel(1, "100"), fee, bank_line]})
    assert built.one("remittances")["state"] == "ties"
    assert built.one("matched_chain")["collected_value"] == 100
    assert built.rows("unmatched_revenue") == []
    assert built.one("source_totals", source_table="payments", measure="rows")["excluded"] == 2
    assert {row["difference"] for row in built.rows("source_totals")} == {0}
    assert built.blocked_by() == []


def test_a_transfer_whose_report_is_missing(build: Build) -> None:
    built = build({"orders": shop("100"), "transfers": [transfer("T9", amount="70", settlement_id="FLX-9")]})
    row = built.one("exceptions", kind="remittance_differs")
    assert (row["value"], row["source_id"]) == (70, "FLX-9 AED")
    assert "drop its report" in row["detail"]


def test_a_settlement_that_nobody_paid_is_late_only_where_transfers_are_known(build: Build) -> None:
    company = {"orders": shop("100"), "payments": [parcel(1, "100")]}
    assert build(company).one("remittances")["state"] == "no transfers known"
    other = [transfer("T2", amount="5", settlement_id="FLX-2")]
    built = build({**company, "transfers": other})
    assert built.one("remittances", settlement_id="FLX-10")["state"] == "late"
    assert (
        "No transfer has brought settlement FLX-10: 100.00 AED for 1 payment."
        in (built.one("exceptions", source_id="FLX-10 AED")["detail"])
    )


def test_a_settlement_from_before_any_transfer_is_known_is_not_late(build: Build) -> None:
    company = {"orders": shop("100"), "payments": [parcel(1, "100")]}
    for day, state in (("2026-03-20", "late"), ("2026-03-21", "no transfers known")):
        built = build({**company, "transfers": [transfer("T2", day, amount="5", settlement_id="FLX-2")]})
        assert built.one("remittances", settlement_id="FLX-10")["state"] == state


@pytest.mark.parametrize(
    ("paid", "verdict", "value"),
    [("250", "received", None), ("200", "short", "50"), ("260", "over", "10")],
)
def test_a_parcel_against_what_its_order_owed(build: Build, paid: str, verdict: str, value: str | None) -> None:
    built = build({"orders": shop("250"), "payments": [parcel(1, paid)]})
    assert built.one("remittance_lines")["verdict"] == verdict
    found = [row["value"] for row in built.rows("exceptions", kind="remittance_line")]
    assert found == ([] if value is None else [Decimal(value)])


def test_what_was_paid_by_card_before_is_not_owed_again(build: Build) -> None:
    card = payment("C1", "2026-03-05", amount="250", order_id="SO1", method="card")
    built = build({"orders": shop("250"), "payments": [card, parcel(1, "250")]})
    assert built.one("remittance_lines")["verdict"] == "not owed"
    voucher = payment("C1", "2026-03-05", amount="50", order_id="SO1", method="voucher")
    assert build({"orders": shop("250"), "payments": [voucher, parcel(1, "200")]}).one("remittance_lines")[
        "verdict"
    ] == ("received")


@pytest.mark.parametrize("status", ["cancelled", "returned"])
def test_an_order_that_came_back_owes_nothing(build: Build, status: str) -> None:
    built = build({"orders": shop("250", status=status), "payments": [parcel(1, "250")]})
    assert built.one("remittance_lines")["verdict"] == "not owed"


def test_the_same_parcel_in_two_settlements_is_repeated(build: Build) -> None:
    again = payment("P1b", "2026-03-17", amount="250", waybill="WB1", settlement_id="FLX-11", method="cod")
    built = build({"orders": shop("250"), "payments": [parcel(1, "250"), again]})
    assert built.one("remittance_lines", payment_id="P1")["verdict"] == "received"
    assert built.one("remittance_lines", payment_id="P1b")["verdict"] == "repeated"


def test_two_parts_of_one_parcel_are_both_received(build: Build) -> None:
    rest = payment("P1b", "2026-03-17", amount="150", waybill="WB1", settlement_id="FLX-11", method="cod")
    built = build({"orders": shop("250"), "payments": [parcel(1, "100"), rest]})
    assert built.one("remittance_lines", payment_id="P1")["verdict"] == "short"
    assert built.one("remittance_lines", payment_id="P1b")["verdict"] == "received"


def test_a_returned_parcel_costs_its_fee_only(build: Build) -> None:
    fee = payment("F1", kind="fee", amount="15", waybill="WB1", **COD)
    built = build({"orders": shop("250", status="returned"), "payments": [fee]})
    row = built.one("remittance_lines")
    assert (row["verdict"], row["received_amount"], row["fee_amount"]) == ("charged", 0, 15)
    assert built.rows("exceptions", kind="remittance_line") == []


def test_refunds_are_taken_off_what_should_arrive(build: Build) -> None:
    back = refund("R1", amount="30", waybill="WB1", **COD)
    built = build(
        {
            "orders": shop("100"),
            "payments": [parcel(1, "100"), back],
            "transfers": [transfer("T1", amount="70", settlement_id="FLX-10")],
        }
    )
    assert built.one("remittances")["state"] == "ties"
    assert built.one("remittance_lines", payment_id="R1")["verdict"] == "refunded"


def test_a_waybill_of_no_order(build: Build) -> None:
    built = build({"orders": shop("100"), "payments": [payment("P9", waybill="WB9", **COD)]})
    assert built.one("remittance_lines")["verdict"] == "unmatched"
    assert [row["kind"] for row in built.rows("exceptions")] == ["unmatched_money"]


def test_a_young_settlement_is_on_its_way(build: Build) -> None:
    young = payment("P1", "2026-06-25", waybill="WB1", **COD)
    other = [transfer("T2", amount="5", settlement_id="FLX-2")]
    built = build({"orders": shop("100"), "payments": [young], "transfers": other})
    assert built.one("remittances", settlement_id="FLX-10")["state"] == "on its way"


@pytest.mark.parametrize(
    ("cells", "paid"),
    [
        ({"current_value": "250"}, "250"),
        ({"returned_value": "30"}, "270"),
        ({"returned_value": "30", "current_value": "270"}, "270"),
    ],
    ids=["edited", "goods handed back at the door", "the same, taken off by the shop"],
)
def test_a_courier_owes_what_the_order_is_worth_now(cells: dict[str, str], paid: str, build: Build) -> None:
    built = build({"orders": shop("300", **cells), "payments": [parcel(1, paid)]})
    assert built.one("remittance_lines")["verdict"] == "received"
    assert built.rows("exceptions", kind="remittance_line") == []


def test_what_a_gift_card_paid_is_not_the_couriers_to_bring(build: Build) -> None:
    card = payment("G1", kind="credit", amount="30", order_id="SO1")
    built = build({"orders": shop("100"), "payments": [card, parcel(1, "70")]})
    assert built.one("remittance_lines")["verdict"] == "received"


def test_a_settlement_brings_the_amount_of_each_line_less_its_fee_whatever_its_kind(build: Build) -> None:
    """Stripe: dispute -1,800.00 and fee 55.00 take 1,855.00; won, it brings 1,800.00 and the fee back."""
    of = {"settlement_id": "po_1", "order_id": "SO1"}
    lines = [
        payment("c1", amount="1800", fee="82", **of),
        refund("d1", amount="1800", fee="55", kind="chargeback", **of),
        payment("w1", amount="1800", fee="-55", kind="chargeback_reversal", **of),
        refund("r1", amount="100", fee="-2.90", **of),
    ]
    bank = transfer("T1", amount="1620.90", settlement_id="po_1")
    row = build({"orders": shop("1800"), "payments": lines, "transfers": [bank]}).one("remittances")
    assert (row["gross_amount"], row["refunded_amount"], row["fee_amount"]) == (1800, 100, Decimal("79.10"))
    assert (row["net_amount"], row["state"]) == (Decimal("1620.90"), "ties")
