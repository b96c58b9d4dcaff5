"""Exact IDs are hidden and looked for again: a method that finds the wrong partner carries no money in that run."""

from pathlib import Path
from typing import Any

from reconciliation_assets.chain.matching.inference.infer import infer
from reconciliation_assets.chain.matching.inference.models import LEAD_ORDER
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.lab.sample import CompanySpec, write_company
from reconciliation_assets_tests.rows import order, payment

Rows = dict[str, list[dict[str, Any]]]


def company(customers: int, *, stranger_pays_every: int | None = None) -> Rows:
    """Customers who pay 100.00 each for an order; every so-many-th payment carries the e-mail of the next customer."""
    orders = [
        order(f"SO{number}", f"2026-03-{number % 9 + 1:02}", email=f"c{number}@example.com")
        for number in range(customers)
    ]
    payments = []
    for number in range(customers):
        is_a_strangers = stranger_pays_every is not None and number % stranger_pays_every == 0
        payer = (number + 1) % customers if is_a_strangers else number
        payments.append(
            payment(f"P{number}", f"2026-03-{number % 9 + 12}", order_id=f"SO{number}", email=f"c{payer}@example.com")
        )
    return {"orders": orders, "payments": payments}


def with_money_that_names_nothing(rows: Rows) -> Rows:
    unpaid = order("SO-X", "2026-03-05", value="77", email="x@example.com")
    nameless = payment("P-X", "2026-03-20", amount="77", email="x@example.com")
    return {"orders": [*rows["orders"], unpaid], "payments": [*rows["payments"], nameless]}


JUDGED_FROM_5 = {"matching": {"backtest": {"fewest": 5}}}


def test_a_method_that_finds_hidden_partners_again_carries_money(build: Build) -> None:
    built = build(with_money_that_names_nothing(company(240)), JUDGED_FROM_5)
    judged = built.one("match_backtest", link="order_payment", match_method="exact_contact", month=None)
    assert judged["judged"] >= 20
    assert judged["precision"] == 1.0
    assert judged["precision_low"] < 1.0, "few tries leave doubt"
    assert built.one("match_links", right_id="P-X")["match_method"] == "exact_contact"
    assert built.ask("match_standing", "methods_hold").passed


def test_a_method_that_finds_others_instead_leaves_its_links_to_a_person(build: Build) -> None:
    built = build(with_money_that_names_nothing(company(240, stranger_pays_every=2)), JUDGED_FROM_5)
    judged = built.one("match_backtest", link="order_payment", match_method="exact_contact", month=None)
    assert 0.5 < judged["precision"] < 0.9
    assert not built.one("match_standing", link="order_payment", match_method="exact_contact")["may_carry_money"]
    assert built.rows("match_links", right_id="P-X", match_method="exact_contact") == []
    assert built.one("match_reviews", right_id="P-X", match_method="exact_contact")["left_id"] == "SO-X"
    answer = built.ask("match_standing", "methods_hold")
    assert (answer.passed, answer.severity) == (False, "WARN")
    assert "order_payment, exact_contact (" in answer.message


def test_exact_ids_are_believed_whatever_contacts_say(build: Build) -> None:
    built = build(company(240, stranger_pays_every=2), JUDGED_FROM_5)
    links = built.rows("match_links", link="order_payment", match_method="exact_id")
    assert {(link["left_id"], link["right_id"]) for link in links} == {(f"SO{n}", f"P{n}") for n in range(240)}


def test_with_too_few_known_links_no_method_is_judged(build: Build) -> None:
    built = build(with_money_that_names_nothing(company(12)))
    assert built.rows("match_backtest") == []
    assert built.one("match_standing", link="order_payment", match_method="exact_contact")["may_carry_money"]
    assert built.one("match_links", right_id="P-X")["match_method"] == "exact_contact"


def test_up_to_a_third_is_hidden_and_no_more_than_is_enough(build: Build) -> None:
    third = build(company(240), JUDGED_FROM_5).rows("backtest_links", link="order_payment")
    assert 50 <= len(third) <= 110
    few = build(company(240), {"matching": {"backtest": {"fewest": 5, "most": 30}}}).rows("backtest_links")
    assert 15 <= len(few) <= 45
    assert {row["right_id"] for row in few} < {row["right_id"] for row in third}


def test_a_part_of_the_orders_gets_the_links_that_it_gets_among_all(tmp_path: Path) -> None:
    """The backtest scores only the hidden orders of a large company; links and probabilities must not depend on that."""
    write_company(CompanySpec(orders=400, seed=3), tmp_path)
    built = Bench(tmp_path).build()
    inferred, orders = TableName("matching", "inferred_lead_order"), TableName("matching", "matchable_orders")
    part = TableName("matching", "a_part_of_the_orders")
    built.make(inferred)
    built.warehouse.execute(f"update {orders} set is_open = true, email_key = null, phone_key = null")
    built.warehouse.execute(
        f"create table {part} as select unique_id as right_id from {orders} where md5(unique_id) < '8'"
    )
    matching = built.loaded.policy.matching
    infer(built.warehouse, LEAD_ORDER, "matching", matching)
    of_the_part = f"select * from {inferred} where right_id in (select right_id from {part}) order by right_id, left_id"
    among_all, links = built.warehouse.rows(of_the_part), built.warehouse.count(inferred)
    infer(built.warehouse, LEAD_ORDER, "matching", matching, part)
    assert built.warehouse.rows(of_the_part) == among_all
    assert 10 < built.warehouse.count(inferred) == len(among_all) < links
