"""When a rate is lower than chance and nature explain."""

import numpy as np
import pytest
from scipy.stats import binom

from reconciliation_assets.chain.decisions.maturity import AtAge
from reconciliation_assets.chain.decisions.rates import (
    PassCounts,
    RateComparison,
    compared_with_past,
    compared_with_peers,
    natural_spread,
)


def against_peers(entered: list[float], passed: list[float], spread: float = 0.2) -> RateComparison:
    counts = PassCounts(np.array(entered), np.array(passed))
    return compared_with_peers(AtAge("own", 30, counts), AtAge("peers", 30, counts), spread)


def test_the_expected_rate_is_that_of_the_others_not_an_average_over_all() -> None:
    standing = against_peers([200, 200, 200], [20, 100, 100])
    assert standing.expected[0] == pytest.approx(0.5)
    assert standing.expected[1] == pytest.approx(0.3, abs=0.05)


def test_one_large_peer_does_not_speak_for_all() -> None:
    standing = against_peers([100, 100_000, 500, 500, 500], [50, 90_000, 250, 250, 250])
    assert standing.expected[0] == pytest.approx((0.9 + 3 * 0.5) / 4, abs=0.05)


def test_the_same_rate_is_less_surprising_with_fewer_records() -> None:
    few, many = against_peers([20, 500, 500], [6, 250, 250]), against_peers([500, 500, 500], [150, 250, 250])
    assert few.p_value[0] > 0.05 > many.p_value[0]


def test_the_same_rate_is_less_surprising_among_peers_that_differ_by_nature() -> None:
    alike, unlike = against_peers([500] * 5, [150, *[250] * 4]), against_peers([500] * 5, [150, *[250] * 4], spread=0.8)
    assert alike.p_value[0] < 0.001
    assert unlike.p_value[0] > 0.05


def test_without_nature_and_with_a_sure_past_it_is_the_plain_binomial() -> None:
    own, past = PassCounts(np.array([100.0]), np.array([40.0])), PassCounts(np.array([1e9]), np.array([5e8]))
    standing = compared_with_past(AtAge("own", 30, own), AtAge("past", 30, past), 1e-6)
    assert standing.p_value[0] == pytest.approx(binom.cdf(40, 100, 0.5), rel=1e-3)


@pytest.mark.parametrize("true_spread", [0.3, 0.6])
def test_the_spread_of_healthy_segments_is_read_from_them_whatever_a_few_sick_ones_do(true_spread: float) -> None:
    random = np.random.default_rng(7)
    entered = np.full(300, 400.0)
    rate = 1 / (1 + np.exp(-random.normal(0, true_spread, 300)))
    rate[:15] = 0.05
    counts = PassCounts(entered, random.binomial(400, rate).astype(float))
    assert natural_spread(counts, np.full(300, 0.5), np.zeros(300), 0.1) == pytest.approx(true_spread, rel=0.2)


def test_what_all_share_is_no_difference_between_them() -> None:
    random = np.random.default_rng(7)
    counts = PassCounts(np.full(40, 400.0), random.binomial(400, 0.4, 40).astype(float))
    assert natural_spread(counts, np.full(40, 0.5), np.zeros(40), 0.1) < 0.15


def test_too_few_segments_tell_no_spread() -> None:
    counts = PassCounts(np.full(3, 400.0), np.array([20.0, 200.0, 380.0]))
    assert natural_spread(counts, np.full(3, 0.5), np.zeros(3), 0.2) == 0.2
