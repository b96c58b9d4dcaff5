"""Money that names no order in companies with one kind of noise each: what is linked is right, strangers' money stays with nobody."""

import pytest

from reconciliation_assets_tests.lab.money_noise import KINDS, judge

pytestmark = pytest.mark.slow(seconds=120)

# More is left to people where a payment shows nothing but its amount and time, and where a small company's backtest is no proof.
# Half of the money of "two orders in one transfer" is for a person to divide: of this seed's 500 orders too little is left to prove the rest,
# where 1,500 orders find all 222 links.
LEAST_RECALL = {
    "swapped digits, no name": 0.7,
    "strangers, few names, popular prices": 0.65,
    "two orders in one transfer": 0.15,
}


@pytest.mark.parametrize("kind", KINDS)
def test_links_are_right_and_what_can_be_told_apart_is_found(kind: str) -> None:
    judged = judge(kind, orders=500, seed=7)
    assert judged.links >= 10
    assert judged.links - judged.right <= max(1, judged.links // 100), judged.faults
    assert judged.strangers_linked <= judged.strangers_money / 200, judged.faults
    assert judged.recall >= LEAST_RECALL.get(kind, 0.9)
