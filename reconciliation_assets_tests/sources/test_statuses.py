"""The statuses that the systems have out of the box: the shipped policy knows every one of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.model import CrmStages, OrderStatuses, as_word
from reconciliation_assets.sources import hubspot, salesforce, salla, shopify, woocommerce, zoho

SHOPS = {"salla": salla.STATUSES, "shopify": shopify.STATUSES, "woocommerce": woocommerce.STATUSES}
CRMS = {
    "hubspot": (*hubspot.DEAL_STAGES, *hubspot.CONTACT_STAGES),
    "salesforce": salesforce.STATUSES,
    "zoho": zoho.STATUSES,
}


def outcome_of(part: CrmStages | OrderStatuses) -> dict[str, str]:
    outcomes: dict[str, Any] = dict(part)
    return {as_word(word): outcome for outcome, words in outcomes.items() for word in words.words}


@pytest.mark.parametrize("statuses", SHOPS.values(), ids=SHOPS)
def test_every_status_of_a_shop_is_a_known_word(statuses: Sequence[str]) -> None:
    known = outcome_of(load_policy(None).policy.order_statuses)
    assert [status for status in statuses if as_word(status) not in known] == []


@pytest.mark.parametrize("statuses", CRMS.values(), ids=CRMS)
def test_every_stage_of_a_crm_is_a_known_word(statuses: Sequence[str]) -> None:
    known = outcome_of(load_policy(None).policy.crm_stages)
    assert [status for status in statuses if as_word(status) not in known] == []


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("on-hold", "placed"),
        ("failed", "cancelled"),
        ("checkout-draft", "invalid"),
        ("under_review", "placed"),
        ("delivering", "confirmed"),
        ("restored", "returned"),
        ("restoring", "confirmed"),
    ],
)
def test_what_a_status_means_is_agreed(status: str, outcome: str) -> None:
    assert outcome_of(load_policy(None).policy.order_statuses)[as_word(status)] == outcome
