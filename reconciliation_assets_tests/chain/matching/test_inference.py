"""What names nothing: who it belongs to, how sure that is, and when a person is asked instead."""

from itertools import permutations

import pyarrow as pa
import pytest

from reconciliation_assets.chain.matching.calibration import calibrate
from reconciliation_assets.chain.matching.inference import assignment
from reconciliation_assets.chain.matching.inference.assignment import choose
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.rows import decision, lead, order, payment

Pair = tuple[str, str, float]


def chosen(pairs: list[Pair]) -> dict[str, str]:
    table = pa.table(
        {
            "left_id": [left for left, *_ in pairs],
            "left_slot": [left for left, *_ in pairs],
            "right_id": [right for _, right, _ in pairs],
            "match_weight": [weight for *_, weight in pairs],
        }
    )
    rows = choose(table, 0.9)
    return dict(zip(rows["right_id"].to_pylist(), rows["left_id"].to_pylist(), strict=True))


def test_the_sum_counts_not_who_comes_first() -> None:
    pairs = [("SO1", "P1", 10.0), ("SO2", "P1", 9.0), ("SO1", "P2", 9.5)]
    for shuffled in permutations(pairs):
        assert chosen(list(shuffled)) == {"P1": "SO2", "P2": "SO1"}, "9 + 9.5 is more than 10 alone"


def test_ties_are_broken_the_same_way_whatever_the_order() -> None:
    pairs = [(left, right, 5.0) for left in ("SO1", "SO2") for right in ("P1", "P2")]
    results = {tuple(sorted(chosen(list(shuffled)).items())) for shuffled in permutations(pairs)}
    assert len(results) == 1


def test_two_equal_rivals_are_half_as_sure_each() -> None:
    rows = choose(
        pa.table(
            {
                "left_id": ["SO1", "SO2"],
                "left_slot": ["SO1", "SO2"],
                "right_id": ["P1", "P1"],
                "match_weight": [20.0, 20.0],
            }
        ),
        0.9,
    )
    assert rows["probability"].to_pylist() == pytest.approx([0.5], abs=1e-4)
    assert rows["candidates"].to_pylist() == [2]


def test_calibrated_confidence_is_what_such_links_showed_and_never_more() -> None:
    kinds = [
        ("lead_crm", "exact_contact", "phone", 1, 0.95, 100, 100),
        ("lead_crm", "exact_contact", "phone", 2, 0.7125, 4, 4),
        ("order_payment", "inferred", "the same name, the amount owed", 1, 0.99, 100, 90),
        ("order_payment", "inferred", "the same name, a part of the amount", 1, 0.99, 200, 200),
    ]
    table = calibrate(kinds, fewest=30, floors={"exact_contact": 0.9}, money_floor=0.97).to_pylist()
    alone, of_two, doubtful, shown = table
    assert alone["confidence"] == pytest.approx((100 + 30 * 0.95) / 130)
    assert of_two["confidence"] == 0.7125, "what one candidate showed says nothing of two"
    assert (doubtful["confidence"], doubtful["may_carry_money"]) == (0.9, False)
    assert shown["may_carry_money"], "a kind that is not believed unseen carries money once it was seen to be right"


NAMES = (
    "Mona Said",
    "Khalid Marri",
    "Layla Hassan",
    "Omar Farouk",
    "Sara Qasim",
    "Yusuf Rahman",
    "Huda Nasser",
    "Tariq Zayed",
)


def company(**cells: str) -> dict[str, list[dict[str, str]]]:
    orders = [
        order(f"SO{number}", f"2026-03-{number + 1:02}", value=f"{200 + 37 * number}", full_name=name)
        for number, name in enumerate(NAMES)
    ]
    return {"orders": orders, "payments": [payment("P1", "2026-03-05", amount="311", **cells)]}


def test_money_with_the_amount_and_the_name_of_one_order_is_its(build: Build) -> None:
    built = build(company(payer_name="Omar Farouk"))
    link = built.one("match_links", link="order_payment")
    assert (link["left_id"], link["match_method"]) == ("SO3", "inferred")
    assert link["match_confidence"] >= 0.9
    assert "the amount owed" in link["evidence"]
    assert "the same name" in link["evidence"]
    assert built.one("matched_chain", record_id="order:SO3")["collected_value"] == 311


def test_a_rejected_pair_never_returns(build: Build) -> None:
    rejected = {
        **company(payer_name="Omar Farouk"),
        "manual_matches": [decision("order_payment", "SO3", "P1", "reject")],
    }
    built = build(rejected)
    assert built.rows("match_links", link="order_payment") == []
    assert built.rows("match_reviews") == []


def test_two_orders_that_fit_equally_are_for_a_person_to_tell_apart(build: Build) -> None:
    twice = company(payer_name="Omar Farouk")
    twice["orders"].append({**twice["orders"][3], "order_id": "SO9"})
    built = build(twice)
    assert built.rows("match_links", link="order_payment") == []
    review = built.one("match_reviews")
    assert review["left_id"] in ("SO3", "SO9")
    assert review["match_confidence"] == pytest.approx(0.5, abs=0.05)
    assert built.one("exceptions", kind="possible_match")["value"] == 311


def test_money_is_never_given_to_an_order_placed_after_it(build: Build) -> None:
    early = company(payer_name="Omar Farouk")
    early["payments"] = [payment("P1", "2026-03-01", amount="311", payer_name="Omar Farouk")]
    assert build(early).rows("match_links", link="order_payment") == []


def test_a_phone_shared_under_another_name_is_a_family_not_one_person(build: Build) -> None:
    phone = "+971501234567"
    built = build(
        {
            "leads": [lead("L1", "2026-03-01", market="AE", phone=phone, full_name="Fatima Ali")],
            "orders": [order("SO1", "2026-03-04", market="AE", phone=phone, full_name="Khalid Marri")],
        }
    )
    assert built.rows("match_links", link="lead_order") == []
    review = built.one("match_reviews", link="lead_order")
    assert review["evidence"] == "same phone, lead 3 days before, but another name"
    assert review["reason"] == "the same phone under another name"


def test_a_name_written_in_another_script_is_the_same_person(build: Build) -> None:
    phone = "+971501234567"
    built = build(
        {
            "leads": [lead("L1", "2026-03-01", market="AE", phone=phone, full_name="محمد حسن")],
            "orders": [order("SO1", "2026-03-04", market="AE", phone=phone, full_name="Mohammed Hassan")],
        }
    )
    assert built.one("match_links", link="lead_order")["match_method"] == "exact_contact"


def test_a_conflict_too_large_to_solve_exactly_still_takes_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "_CELLS_SOLVED_EXACTLY", 1)
    pairs = [("SO1", "P1", 10.0), ("SO2", "P1", 9.0), ("SO1", "P2", 9.5), ("SO2", "P2", 1.0)]
    for shuffled in permutations(pairs):
        assert chosen(list(shuffled)) == {"P1": "SO1", "P2": "SO2"}, "the best pair goes first"
