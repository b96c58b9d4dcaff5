"""Case arithmetic: headline ratios in one column, the loss that they leave without a name, and what cannot be."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation_assets.publish.case_arithmetic import Headline, RatioError, take_apart
from reconciliation_assets_tests.installation import Installation

CASE = Headline(Decimal("4.1"), Decimal("1.9"), Decimal("0.33"))
RATIOS = st.decimals("0.01", "50", places=2)


def test_a_third_of_returns_does_not_explain_the_way_from_4_1_to_1_9() -> None:
    case = take_apart(CASE)
    assert [(step.name, step.roas) for step in case.steps] == [
        ("claimed by the platform", Decimal("4.1")),
        ("returned", Decimal("-1.353")),
        ("unexplained", Decimal("-0.847")),
        ("delivered", Decimal("1.9")),
    ]
    assert case.unexplained_if_of_shipped == pytest.approx(Decimal("1.2642"), abs=Decimal("0.0001"))
    assert case.sentence == (
        "Of 2.20 lost between claim and delivery, the returns explain 1.35; 0.85 (38% of the loss, 21% of the claim) is "
        "unexplained. If the returns are a share of what was shipped, it is 1.26 (57%)."
    )


def test_spend_turns_ratios_into_amounts_and_collected_adds_its_loss() -> None:
    case = take_apart(Headline(Decimal("4.1"), Decimal("1.9"), Decimal("0.33"), Decimal("1.6"), Decimal(100_000)))
    assert {step.name: step.amount for step in case.steps} == {
        "claimed by the platform": 410_000,
        "returned": -135_300,
        "unexplained": -84_700,
        "delivered": 190_000,
        "delivered, not collected": -30_000,
        "collected": 160_000,
    }


@given(RATIOS, RATIOS, st.decimals("0", "0.99", places=2), st.none() | RATIOS)
def test_the_steps_between_two_totals_are_their_difference(
    gross: Decimal, delivered: Decimal, returns: Decimal, collected: Decimal | None
) -> None:
    running, totals = Decimal(0), 0
    for step in take_apart(Headline(gross, delivered, returns, collected)).steps:
        if step.is_total:
            assert totals == 0 or running == step.roas
            running, totals = step.roas, totals + 1
        else:
            running += step.roas
    assert totals == (2 if collected is None else 3)


def test_returns_that_explain_everything_leave_nothing() -> None:
    case = take_apart(Headline(Decimal(2), Decimal("1.5"), Decimal("0.25")))
    assert (case.unexplained, case.unexplained_if_of_shipped) == (0, 0)


def test_more_delivered_than_the_returns_leave_is_said_as_it_is() -> None:
    assert "at least 0.56" in take_apart(Headline(Decimal(2), Decimal("1.9"), Decimal("0.33"))).sentence
    assert "explains nothing" in take_apart(Headline(Decimal(1), Decimal(2), Decimal("0.1"))).sentence


@pytest.mark.parametrize(
    ("ratios", "told"),
    [
        (("0", "1.9", "0.33"), "--gross must be above 0"),
        (("-4", "1.9", "0.33"), "--gross must be above 0"),
        (("4.1", "-1", "0.33"), "--delivered must be between 0 and 1000"),
        (("4.1", "1.9", "33"), "--returns must be between 0 and 1, e.g. 0.33"),
        (("4.1", "1.9", "-0.1"), "--returns must be between 0 and 1"),
        (("4.1", "1.9", "1"), "everything came back"),
        (("NaN", "1.9", "0.3"), "--gross must be above 0"),
        (("4.1", "1.9", "0.3", "-1"), "--collected must be between 0"),
        (("4.1", "1.9", "0.3", "1", "0"), "--spend must be above 0"),
    ],
)
def test_what_cannot_be_is_told_with_what_to_write(ratios: tuple[str, ...], told: str) -> None:
    with pytest.raises(RatioError, match=told):
        Headline(*map(Decimal, ratios))


def test_the_command_prints_the_column_and_the_sentence(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    told = installation.reconcile(
        "explain", "--gross", "4.1", "--delivered", "1.9", "--returns", "0.33", "--spend", "1000"
    )
    assert told.status == 0
    assert "-847.00" in told.text
    assert "is unexplained" in told.text
    as_percent = installation.reconcile(
        "explain", "--gross", "410%", "--delivered", "1.9", "--returns", "33 %", "--spend", "1000"
    )
    assert as_percent == told
    for wrong in (
        ("--returns", "33"),
        ("--returns", "a third"),
        ("--returns", "33%%"),
        ("--returns", "%"),
        ("--spend", "5%"),
    ):
        told = installation.reconcile("explain", "--gross", "4.1", "--delivered", "1.9", "--returns", "0.33", *wrong)
        assert told.status == 1
        assert "Stopped." in told.text
