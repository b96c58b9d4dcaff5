"""Amounts are exact: conversion rounds half-even, and parts of a price add up to it in any currency."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation_assets_tests.lab.sample.money import (
    CURRENCIES,
    amount_text,
    exactly_convertible,
    in_fils,
    part,
    price,
)
from reconciliation_assets_tests.lab.sample_tests.reading import DIRHAMS

AED, SAR, KWD, USD = range(4)
DECIMALS = (2, 2, 3, 2)


@given(st.integers(0, 10**9), st.integers(0, 3))
def test_conversion_is_decimal_arithmetic_rounded_half_even(minor: int, currency: int) -> None:
    exact = Decimal(minor).scaleb(-DECIMALS[currency])
    # The riyal's peg has no end in decimals; as a fraction it has: 3.6725 / 3.75 = 1469 / 1500.
    rate = Decimal(1_469) / Decimal(1_500) if currency == SAR else DIRHAMS[CURRENCIES[currency]]
    expected = (exact * rate).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    assert in_fils(np.array([minor]), np.array([currency]))[0] == int(expected.scaleb(2))


@pytest.mark.parametrize(("dinars", "fils"), [("0.125", 150), ("0.375", 448), ("0.625", 748)])
def test_a_tie_goes_to_the_even_fils(dinars: str, fils: int) -> None:
    assert in_fils(np.array([int(Decimal(dinars).scaleb(3))]), np.array([KWD]))[0] == fils


@given(st.floats(40, 12_000), st.floats(0.1, 0.9))
def test_riyal_prices_and_their_parts_round_the_same_by_either_peg(dirhams: float, share: float) -> None:
    asked = price(np.array([dirhams]), np.array([SAR]))
    some = part(asked, np.array([share]), np.array([SAR]))
    for amount in (int(asked[0]), int(some[0]), int(asked[0] - some[0])):
        riyals = Decimal(amount).scaleb(-2)
        rounded = {
            (riyals * peg).quantize(Decimal("0.01"), ROUND_HALF_EVEN) for peg in (DIRHAMS["SAR"], Decimal("0.979333"))
        }
        assert len(rounded) == 1


@given(st.floats(0, 50_000), st.sampled_from([SAR, USD]))
def test_attributed_values_convert_without_a_remainder(dirhams: float, currency: int) -> None:
    minor = int(exactly_convertible(np.array([dirhams]), np.array([currency]))[0])
    exact = Decimal(minor) * (Decimal(1_469) / 1_500 if currency == SAR else DIRHAMS["USD"])
    assert exact == exact.to_integral_value()


def test_amounts_are_written_in_major_units() -> None:
    text = amount_text(np.array([5, 123_456, 5, 123_456, -1]), np.array([AED, SAR, KWD, KWD, USD]))
    assert text.to_pylist() == ["0.05", "1234.56", "0.005", "123.456", None]
