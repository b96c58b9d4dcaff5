"""The roadmap: foundations first, then the largest value, each step with its owner and the table that lists it."""

from decimal import Decimal

from reconciliation_assets.publish.roadmap import FieldFill, Findings, OpenItems, roadmap

SIGNED = Findings(is_signed=True, weight=Decimal(0))


def test_a_company_in_order_has_no_next_step() -> None:
    assert roadmap(SIGNED) == []
    assert roadmap(Findings(True, Decimal(9), fills=[FieldFill("leads", "campaign_id", 10, 0.9)])) == []


def test_definitions_and_input_come_before_any_value() -> None:
    steps = roadmap(
        Findings(
            is_signed=False,
            weight=Decimal(10),
            missing_inputs=["crm_records"],
            bad_rows=3,
            unmatched=[OpenItems("lead_crm", "sales-operations", 5, Decimal(9000))],
        )
    )
    assert [(step.owner, step.things, step.value, step.table) for step in steps] == [
        ("finance", 1, 10, "policy_choices"),
        ("data", 3, None, "quarantined_rows"),
        ("data", 1, None, "source_inventory"),
        ("sales-operations", 5, 9000, "unmatched_records"),
    ]


def test_ads_without_any_linked_record_come_before_repairs() -> None:
    gap = OpenItems("lead_crm", "sales-operations", 5, Decimal(9000))
    steps = roadmap(Findings(True, Decimal(0), is_untracked=True, unmatched=[gap]))
    assert [step.owner for step in steps] == ["marketing", "sales-operations"]


def test_repairs_stand_by_value_then_by_number() -> None:
    steps = roadmap(
        Findings(
            is_signed=True,
            weight=Decimal(0),
            naming=["one", "two"],
            fills=[FieldFill("orders", "click_id", 10, 0.3)],
            exceptions=[
                OpenItems("overpaid_order", "finance", 9, Decimal(20)),
                OpenItems("won_without_value", "sales-operations", 1, Decimal(0)),
            ],
            duplicates=OpenItems("duplicates", "marketing", 2, Decimal(300)),
        )
    )
    assert [(step.what, step.things) for step in steps] == [
        ("Stop records from being captured twice", 2),
        ("Look for payments booked twice on overpaid orders", 9),
        ("Fill click_id of orders that come from Meta", 7),
        ("Name campaigns by one pattern", 2),
        ("Work off the exceptions: won without value", 1),
    ]


def test_money_that_is_not_linked_is_one_step_not_two() -> None:
    money = OpenItems("unmatched_money", "finance", 4, Decimal(900))
    link = OpenItems("order_payment", "finance", 4, Decimal(900))
    assert len(roadmap(Findings(True, Decimal(0), unmatched=[link], exceptions=[money]))) == 1
    assert len(roadmap(Findings(True, Decimal(0), exceptions=[money]))) == 1


def test_what_stands_out_is_a_step_of_its_kind_with_its_owner() -> None:
    found = [
        OpenItems("tracking_lost", "marketing", 1, Decimal(0)),
        OpenItems("remittance_late", "finance", 2, Decimal(2549)),
    ]
    steps = roadmap(Findings(True, Decimal(0), anomalies=found))
    assert [(step.what, step.owner, step.things, step.table) for step in steps] == [
        ("Hold couriers to the agreed remittance dates", "finance", 2, "anomalies"),
        ("Find out why forms or landing pages lost their tracking, and watch for it", "marketing", 1, "anomalies"),
    ]
