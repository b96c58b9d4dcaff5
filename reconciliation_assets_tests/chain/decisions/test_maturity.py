"""Figures of unlike age are not compared: the code refuses, in words."""

import numpy as np
import pytest

from reconciliation_assets.chain.decisions.budget import Evidence, decide
from reconciliation_assets.chain.decisions.maturity import AtAge, UnlikeMaturityError, side_by_side
from reconciliation_assets.chain.decisions.rates import PassCounts, compared_with_past, compared_with_peers
from reconciliation_assets.chain.decisions.returns import Ratio
from reconciliation_assets.policy.load import load_policy

COUNTS = PassCounts(np.array([100.0, 100.0]), np.array([50.0, 60.0]))


def test_figures_of_one_age_are_put_side_by_side() -> None:
    assert side_by_side(AtAge("March", 60, 1.0), AtAge("April", 60, 2.0)) == (1.0, 2.0)


def test_the_refusal_names_both_and_says_what_to_do() -> None:
    with pytest.raises(UnlikeMaturityError, match=r"March stands at 90 days and April at 30 days.*same age"):
        side_by_side(AtAge("March", 90, 1.0), AtAge("April", 30, 2.0))


@pytest.mark.parametrize("compared_with", [compared_with_peers, compared_with_past])
def test_rates_of_unlike_age_are_refused(compared_with: object) -> None:
    assert callable(compared_with)
    with pytest.raises(UnlikeMaturityError):
        compared_with(AtAge("a form", 30, COUNTS), AtAge("its peers", 60, COUNTS), 0.2)


def test_young_money_is_refused_beside_mature_money() -> None:
    seen = Evidence(
        mature=AtAge("Mature spend", 90, Ratio(4, 3.5, 4.5)),
        young=AtAge("Newer spend", 30, Ratio(1, 0.5, 1.5)),
        weeks=12,
        ad_coverage=1.0,
        money_coverage=1.0,
        recent_leads=0,
        busy_leads=0,
        silent_days=0,
    )
    with pytest.raises(UnlikeMaturityError, match="Newer spend at 30 days"):
        decide(seen, load_policy(None).policy.budget)
