"""Gaps: stretches of days on which most records of a channel miss, told only where luck does not explain them."""

import numpy as np

from reconciliation_assets.chain.decisions.gaps import Gap, gaps


def found(misses: list[int], records: int = 4, days: list[int] | None = None) -> list[Gap]:
    numbers = days or list(range(len(misses)))
    return list(gaps(np.array(numbers), np.full(len(misses), records), np.array(misses)))


def test_a_week_without_tracking_is_found_with_its_days() -> None:
    (gap,) = found([0] * 30 + [4] * 7 + [0] * 40)
    assert (gap.first, gap.last, gap.records, gap.misses, gap.usual_rate) == (30, 36, 28, 28, 0)


def test_a_few_misses_here_and_there_are_no_gap() -> None:
    assert found([1, 0, 0, 0, 1, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 1] * 6) == []


def test_a_channel_that_is_mostly_untracked_has_no_gap() -> None:
    assert found([3] * 30 + [4] * 7 + [3] * 40) == []


def test_fewer_than_five_records_prove_nothing() -> None:
    assert found([0] * 90 + [4], records=4) == []


def test_a_channel_that_has_only_those_days_has_nothing_to_be_held_against() -> None:
    assert found([4] * 7) == []


def test_two_gaps_are_told_apart_the_surest_first() -> None:
    first, second = found([0] * 30 + [4] * 4 + [0] * 30 + [4] * 9 + [0] * 30)
    assert (first.first, first.last) == (64, 72)
    assert (second.first, second.last) == (30, 33)


def test_days_without_records_do_not_end_a_gap() -> None:
    (gap,) = found([0] * 20 + [4, 4, 4] + [0] * 20, days=[*range(20), 20, 23, 26, *range(30, 50)])
    assert (gap.first, gap.last) == (20, 22)


def test_chance_alone_raises_a_false_gap_in_fewer_than_one_of_a_hundred_channels() -> None:
    random = np.random.default_rng(7)
    false = 0
    for _ in range(300):
        records = random.poisson(3, 180) + 1
        false += any(True for _ in gaps(np.arange(180), records, random.binomial(records, 0.1)))
    assert false <= 3
