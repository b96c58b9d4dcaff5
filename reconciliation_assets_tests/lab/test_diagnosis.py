"""The diagnosis against what was planted: a few generated companies; `make bench-diagnosis` takes hundreds."""

import pytest

from reconciliation_assets_tests.lab.diagnosis import Diagnosed, measure_diagnosis
from reconciliation_assets_tests.lab.sample.bottleneck import Bottleneck


@pytest.mark.parametrize("seed", [3, 20])
def test_the_planted_bottleneck_is_named_and_no_other(seed: int) -> None:
    measured = measure_diagnosis(seed, healthy=False)
    assert measured.planted is not None
    assert measured.is_right, measured


def test_a_healthy_company_is_left_in_peace() -> None:
    assert measure_diagnosis(3, healthy=True).named == ()


def test_another_segment_than_the_planted_one_is_not_right() -> None:
    planted = Bottleneck("won", "offer", "course-1", 1.6, is_recent=False)
    right, wrong = ("won", "offer", "course-1"), ("won", "offer", "course-2")
    assert Diagnosed(1, planted, (right,)).is_right
    assert not Diagnosed(1, planted, (wrong,)).is_right
    assert not Diagnosed(1, planted, (right, wrong)).is_right
    assert Diagnosed(1, planted, (right, wrong)).is_found
    assert not Diagnosed(1, None, (wrong,)).is_right
