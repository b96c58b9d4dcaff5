"""The policy as SQL meets it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.model import as_word
from reconciliation_assets.policy.tables import policy_parameters, policy_tables
from reconciliation_assets_tests.harness import policy_file

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize("written", ["Closed Won", "closed-won", "CLOSED_WON", "  closed won "])
def test_words_compare_in_one_form(written: str) -> None:
    assert as_word(written) == "closed_won"


def test_words_come_with_outcome_and_rung() -> None:
    stages = {row["word"]: row for row in policy_tables(load_policy(None))["crm_stages"].to_pylist()}
    assert stages["closed_won"] == {"word": "closed_won", "outcome": "won", "rung": "won", "rung_order": 3}
    assert stages["sql"]["rung"] == "qualified"
    assert stages["wrong_number"]["outcome"] == "invalid"


def test_pegs_are_crossed_over_the_dollar() -> None:
    rates = {row["currency"]: row["rate"] for row in policy_tables(load_policy(None))["pegged_rates"].to_pylist()}
    assert rates["AED"] == 1
    assert rates["USD"] == Decimal("3.6725")
    assert rates["SAR"] == Decimal("0.97933333")
    assert "KWD" not in rates


def test_a_currency_without_a_peg_reports_by_dropped_rates_alone(tmp_path: Path) -> None:
    loaded = load_policy(policy_file(tmp_path, {"reporting_currency": "KWD"}))
    assert policy_tables(loaded)["pegged_rates"].num_rows == 0
    assert policy_parameters(loaded, AS_OF)["minor_digits"] == 3


def test_gulf_dirhams_have_two_decimals() -> None:
    assert policy_parameters(load_policy(None), AS_OF)["minor_digits"] == 2
