"""Money that names no order goes where a careful cashier would put it, or to nobody."""

from decimal import Decimal
from typing import Any

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built
from reconciliation_assets_tests.rows import crm, lead, order, payment, refund

Row = dict[str, Any]
PHONE = {"phone": "+971501234567"}
NAMES = (
    "Omar Saeed Al Mansoori",
    "Fatima Hassan Haddad",
    "Sara Khalid Saleh",
    "Reem Yousef Al Balushi",
    "Huda Salem Al Dosari",
    "Rashid Omar Khan",
    "Maha Faisal Nair",
    "Dana Noura Qureshi",
)


def others(count: int = 40) -> dict[str, list[Row]]:
    """Customers whose payments name their orders, so that the company has names and amounts to compare with."""
    orders = [
        order(
            f"K{n}",
            f"2026-03-{n % 20 + 2:02}",
            value=150 + n,
            full_name=NAMES[n % 8],
            phone=f"+97155{7000000 + n % 8}",
        )
        for n in range(count)
    ]
    payments = [payment(f"KP{n}", f"2026-03-{n % 20 + 3:02}", amount=150 + n, order_id=f"K{n}") for n in range(count)]
    return {"orders": orders, "payments": payments}


def linked(built: Built) -> dict[str, str]:
    """The order or CRM record of every payment that does not belong to the other customers."""
    links = built.rows("payment_links")
    return {row["right_id"]: row["left_id"] for row in links if not row["right_id"].startswith("KP")}


def linked_beside(build: Build, orders: list[Row], payments: list[Row], **more: list[Row]) -> dict[str, str]:
    rest = others()
    return linked(build({"orders": rest["orders"] + orders, "payments": rest["payments"] + payments, **more}))


def test_as_many_payments_as_alike_orders_of_one_contact_are_paired_in_the_order_of_time(build: Build) -> None:
    orders = [order("SO1", "2026-03-01", value=199, **PHONE), order("SO2", "2026-03-04", value=199, **PHONE)]
    payments = [payment("P1", "2026-03-06", amount=199, **PHONE), payment("P2", "2026-03-08", amount=199, **PHONE)]
    assert linked_beside(build, orders, payments) == {"P1": "SO1", "P2": "SO2"}


def test_of_three_alike_orders_and_two_payments_none_is_guessed(build: Build) -> None:
    orders = [order(f"SO{n}", f"2026-03-0{n}", value=199, **PHONE) for n in (1, 2, 3)]
    payments = [payment("P1", "2026-03-06", amount=199, **PHONE), payment("P2", "2026-03-08", amount=199, **PHONE)]
    rest = others()
    built = build({"orders": rest["orders"] + orders, "payments": rest["payments"] + payments})
    assert linked(built) == {}
    asked = built.rows("exceptions", kind="possible_match")
    assert {row["source_id"] for row in asked} == {"P1", "P2"}
    assert sum(row["value"] for row in asked) == 398


def test_an_order_that_was_paid_by_id_takes_no_other_payment(build: Build) -> None:
    orders = [order("SO1", "2026-03-02", value=149, **PHONE), order("SO2", "2026-03-03", value=149, **PHONE)]
    payments = [
        payment("P2", "2026-03-04", amount=149, order_id="SO2"),
        payment("P1", "2026-03-05", amount=149, **PHONE),
    ]
    assert linked_beside(build, orders, payments) == {"P2": "SO2", "P1": "SO1"}


def test_a_cancelled_order_owes_nothing_while_one_of_its_price_is_open(build: Build) -> None:
    orders = [
        order("SO1", "2026-03-02", value=99, **PHONE),
        order("SO2", "2026-03-03", "cancelled", value=99, **PHONE),
    ]
    assert linked_beside(build, orders, [payment("P1", "2026-03-05", amount=99, **PHONE)]) == {"P1": "SO1"}


def test_a_refund_goes_where_money_was_and_goods_came_back(build: Build) -> None:
    orders = [
        order("SO1", "2026-03-02", "returned", value=120, **PHONE),
        order("SO2", "2026-03-03", value=120, **PHONE),
        order("SO3", "2026-03-03", "returned", value=120, **PHONE),
    ]
    payments = [
        payment("P1", "2026-03-04", amount=120, order_id="SO1"),
        payment("P2", "2026-03-04", amount=120, order_id="SO2"),
        refund("R1", "2026-03-08", amount=120, **PHONE),
    ]
    assert linked_beside(build, orders, payments)["R1"] == "SO1"


@pytest.mark.parametrize("shows", ["phone", "email", "customer_id"])
def test_no_order_is_given_more_than_it_owes_by_money_that_does_not_name_it(build: Build, shows: str) -> None:
    who = {shows: {"phone": PHONE["phone"], "email": "a@example.com", "customer_id": "C1"}[shows]}
    orders = [order("SO1", "2026-03-02", value=300, **who)]
    payments = [payment(f"P{n}", f"2026-03-{n + 4:02}", amount=300, **who) for n in (1, 2)]
    found = linked_beside(build, orders, payments)
    assert len(found) <= 1
    over = linked_beside(build, orders, [payment("P1", "2026-03-05", amount=450, **who)])
    assert over == {}


def test_more_evidence_is_never_worse_a_phone_beside_what_fits_alone(build: Build) -> None:
    orders = [
        order("SO1", "2026-03-02", value="187.35", full_name="Layla Qasim", **PHONE),
        order("SO2", "2026-03-20", value=420, full_name="Layla Qasim", **PHONE),
    ]
    for shown in ({}, {"payer_name": "Layla Qasim"}, PHONE, PHONE | {"payer_name": "Layla Qasim"}):
        found = linked_beside(build, orders, [payment("P1", "2026-03-02T12:03:00+04:00", amount="187.35", **shown)])
        assert found == {"P1": "SO1"}, shown


def test_a_coincidence_in_time_is_no_evidence(build: Build) -> None:
    stray = payment("S0", "2026-03-04T12:04:00+04:00", amount="37.10")
    rest = others()
    unpaid = [*rest["orders"], order("SO1", "2026-03-04", value="204.35")]
    built = build({"orders": unpaid, "payments": [*rest["payments"], stray]})
    assert linked(built) == {}
    assert built.one("unmatched_revenue")["amount"] == Decimal("37.1")


def test_two_common_given_names_are_no_identity(build: Build) -> None:
    orders = [
        order("SO1", "2026-03-05", value=300, full_name="Mohammed Ahmed Al Harbi"),
        *(
            order(f"M{n}", f"2026-03-{n + 5:02}", value=500 + n, full_name=f"{given} {father} {NAMES[n].split()[-1]}")
            for n, (given, father) in enumerate([("Mohammed", "Ahmed"), ("Ahmed", "Mohammed")] * 4)
        ),
    ]
    stray = payment("S0", "2026-03-07", amount=45, payer_name="Ahmed Mohammed Al Qahtani")
    assert linked_beside(build, orders, [stray]) == {}
    exact = payment("S0", "2026-03-07", amount=300, payer_name="Ahmed Mohammed Al Qahtani")
    assert linked_beside(build, orders, [exact]) == {}
    own = payment("P1", "2026-03-07", amount=300, payer_name="محمد أحمد الحربي")
    assert linked_beside(build, orders, [own]) == {"P1": "SO1"}


def test_money_of_a_relative_at_another_price_is_nobodys(build: Build) -> None:
    orders = [order("SO1", "2026-03-05", value=300, full_name="Faisal Khalid Al Marri")]
    stray = payment("S0", "2026-03-07", amount=120, payer_name="Noura Khalid Al Marri")
    assert linked_beside(build, orders, [stray]) == {}


def test_a_payment_stamped_hours_before_its_order_finds_it_and_not_a_namesakes(build: Build) -> None:
    orders = [
        order("SO1", "2026-03-05", value="512.40", full_name="Layla Qasim"),
        order("SO2", "2026-02-20", value="512.40", full_name="Layla Farouk", phone="+971551112222"),
    ]
    early = payment("P1", "2026-03-05T06:00:00+04:00", amount="512.40", payer_name="Layla Qasim")
    assert linked_beside(build, orders, [early]) == {"P1": "SO1"}


def test_a_lead_of_a_relative_does_not_take_the_order(build: Build) -> None:
    built = build(
        {
            "leads": [lead("L1", "2026-03-01", full_name="Noura Khalid Al Harbi", email="noura@example.com", **PHONE)],
            "orders": [
                order("SO1", "2026-03-04", full_name="Faisal Khalid Al Harbi", email="faisal@example.com", **PHONE)
            ],
        }
    )
    assert built.rows("lead_order_links") == []
    assert built.one("match_reviews", link="lead_order")["evidence"].endswith("but another name")


def test_a_national_phone_number_is_the_international_one(build: Build) -> None:
    national = {"phone": "0501234567"}
    orders = [order("SO1", "2026-03-05", value=300, market="AE", **PHONE)]
    assert linked_beside(build, orders, [payment("P1", "2026-03-07", amount=300, **national)]) == {"P1": "SO1"}
    built = build({"leads": [lead("L1", market="AE", **PHONE)], "crm_records": [crm("D1", "2026-03-02", **national)]})
    assert built.one("lead_crm_links")["match_method"] == "exact_contact"


def test_unequal_parts_that_are_exactly_what_is_owed_belong_together(build: Build) -> None:
    orders = [order("SO1", "2026-03-05", value=300, **PHONE)]
    parts = [payment("P1", "2026-03-06", amount=95, **PHONE), payment("P2", "2026-03-16", amount=205, **PHONE)]
    rest = others()
    built = build({"orders": rest["orders"] + orders, "payments": rest["payments"] + parts})
    assert linked(built) == {"P1": "SO1", "P2": "SO1"}
    link = built.one("match_links", right_id="P1")
    assert (link["match_method"], "together with P2 exactly what is owed" in link["evidence"]) == ("inferred", True)
    assert built.one("matched_chain", record_id="order:SO1")["collected_value"] == 300


@pytest.mark.parametrize(("voucher", "found"), [("97.15", {"P1": "SO1", "P2": "SO1"}), ("97.20", {})])
def test_a_voucher_that_shows_nobody_completes_what_a_card_leaves_owed(
    build: Build, voucher: str, found: dict[str, str]
) -> None:
    rest = others(100)
    owed = order("SO1", "2026-03-25T12:00:00+04:00", value="287.35", **PHONE)
    paid = [
        payment("P1", "2026-03-25T12:04:00+04:00", amount="190.20", **PHONE),
        payment("P2", "2026-03-25T12:00:20+04:00", amount=voucher),
    ]
    built = build({"orders": [*rest["orders"], owed], "payments": rest["payments"] + paid})
    assert linked(built) == found


def test_a_deal_without_a_contact_is_paid_by_the_contact_of_the_lead_that_it_names(build: Build) -> None:
    leads = [lead("L1", "2026-03-01", **PHONE)]
    deals = [crm("D1", "2026-03-02", "won", lead_id="L1", won_at="2026-03-04", final_value=3000, currency="AED")]
    paid = [payment("P1", "2026-03-06", amount=1500, **PHONE)]
    assert linked_beside(build, [], paid, crm_records=deals, leads=leads) == {"P1": "D1"}


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("489.50", "AED", "the amount less a fee"),
        ("500", "AED", "the amount rounded up"),
        ("136.00", "USD", "the amount in another currency, +0.0% at the day's rate"),
    ],
)
def test_an_amount_that_is_nearly_what_one_person_owes_is_inferred(
    build: Build, amount: str, currency: str, says: str
) -> None:
    value = "499.46" if currency == "USD" else "499.75"
    orders = [order("SO1", "2026-03-05", value=value, **PHONE)]
    paid = payment("P1", "2026-03-06", amount=amount, **PHONE) | {"currency": currency}
    rest = others()
    built = build({"orders": rest["orders"] + orders, "payments": [*rest["payments"], paid]})
    link = built.one("match_links", right_id="P1")
    assert (link["left_id"], link["match_method"]) == ("SO1", "inferred")
    assert says in link["evidence"]
    stranger = {**paid, "phone": None}
    assert linked(build({"orders": rest["orders"] + orders, "payments": [*rest["payments"], stranger]})) == {}


def test_one_transfer_for_two_orders_is_for_a_person_to_divide(build: Build) -> None:
    orders = [order("SO1", "2026-03-04", value=310, **PHONE), order("SO2", "2026-03-05", value=145, **PHONE)]
    rest = others()
    whole = payment("P1", "2026-03-06", amount=455, **PHONE)
    built = build({"orders": rest["orders"] + orders, "payments": [*rest["payments"], whole]})
    assert linked(built) == {}
    asked = built.one("exceptions", kind="possible_match")
    assert "exactly what it owes together with SO2" in asked["detail"]


def test_a_part_payment_of_an_opportunity_by_its_contact_is_put_on_account(build: Build) -> None:
    deals = [crm("D1", "2026-03-02", "won", won_at="2026-03-04", final_value=3000, currency="AED", **PHONE)]
    parts = [payment("P1", "2026-03-06", amount=700, **PHONE), payment("P2", "2026-04-06", amount=2500, **PHONE)]
    assert linked_beside(build, [], parts, crm_records=deals) == {"P1": "D1"}, "700 and 2500 are more than 3000"


def test_an_order_owes_what_it_is_worth_now_less_what_a_gift_card_closed(build: Build) -> None:
    edited = order("SO1", "2026-03-04", value=300, **PHONE) | {"current_value": "200"}
    with_card = order("SO2", "2026-03-04", value=100, phone="+971501111111")
    payments = [
        payment("P1", "2026-03-06", amount=200, **PHONE),
        payment("P2", "2026-03-04", amount=30, order_id="SO2") | {"kind": "credit"},
        payment("P3", "2026-03-06", amount=70, phone="+971501111111"),
    ]
    found = linked_beside(build, [edited, with_card], payments)
    assert (found["P1"], found["P3"]) == ("SO1", "SO2")
    too_much = [*payments[:2], payment("P3", "2026-03-06", amount=100, phone="+971501111111")]
    assert "P3" not in linked_beside(build, [edited, with_card], too_much), "70 is owed"
