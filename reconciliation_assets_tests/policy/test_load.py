"""A company's policy file: laid over the shipped one, versioned, and refused in words that help."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciliation_assets.contracts.inputs import INPUT_TABLE
from reconciliation_assets.policy.load import LoadedPolicy, PolicyError, load_policy
from reconciliation_assets.policy.model import INPUT_TABLE_NAMES

OWN = {"version": "2026-07", "change_reason": "the board agreed"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def own(home: Path, **content: Any) -> LoadedPolicy:
    path = home / "policy.yaml"
    path.write_text(yaml.safe_dump({**OWN, **content}, allow_unicode=True), encoding="utf-8")
    return load_policy(path)


def test_the_shipped_policy_is_the_contracts() -> None:
    policy = load_policy(None).policy
    assert (policy.reporting_currency, policy.zone) == ("AED", "Asia/Dubai")
    assert policy.cohorts.maturity_days == (7, 30, 60, 90)
    assert (policy.basis.include_tax, policy.basis.include_shipping, policy.basis.deduct_payment_fees) == (
        True,
        True,
        False,
    )
    assert (policy.matching.contact_window_days, policy.matching.duplicate_window_days) == (90, 7)
    assert policy.thresholds.quarantine_share == 0.05
    assert policy.thresholds.match_rate_floors == {}
    assert set(policy.pegged_to_usd) == {"AED", "USD", "SAR", "QAR", "BHD", "OMR"}


def test_a_file_names_only_what_differs(home: Path) -> None:
    policy = own(home, matching={"contact_window_days": 30}).policy
    assert policy.matching.contact_window_days == 30
    assert policy.matching.duplicate_window_days == 7


def test_words_are_added_to_the_shipped_ones(home: Path) -> None:
    words = own(home, order_statuses={"fulfilled": {"words": ["تم التوصيل"]}}).policy.order_statuses.fulfilled.words
    assert "تم التوصيل" in words
    assert "delivered" in words


def test_numbers_are_replaced(home: Path) -> None:
    assert own(home, cohorts={"maturity_days": [14, 120]}).policy.cohorts.maturity_days == (14, 120)


def test_the_fingerprint_is_of_the_definitions_and_not_of_their_name_or_layout(home: Path) -> None:
    shipped = load_policy(None)
    assert own(home).content_hash == shipped.content_hash
    assert own(home, zone="Asia/Riyadh").content_hash != shipped.content_hash
    one = own(home, version="3", zone="Asia/Riyadh", basis={"include_tax": False})
    other = own(home, version="4", basis={"include_tax": False}, zone="Asia/Riyadh")
    assert one.content_hash == other.content_hash


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"zone": "Dubai"}, "'Dubai' is not an IANA time zone"),
        ({"table_zones": {"orders": "Riyadh"}}, "not IANA time zones: .'Riyadh'."),
        ({"contact_window": 30}, "contact_window: there is no such key; look for a typing error"),
        ({"reporting_currency": "dirham"}, "reporting_currency: 'dirham' is not an ISO 4217 code"),
        ({"reporting_currency": "XYZ"}, "reporting_currency: 'XYZ' is not an ISO 4217 code"),
        ({"pegged_to_usd": {"sar": 3.75}}, "pegged_to_usd.sar: 'sar' is not an ISO 4217 code"),
        ({"pegged_to_usd": {"SAR": 0}}, "pegged_to_usd.SAR: must be greater than 0"),
        ({"table_zones": {"order": "Asia/Riyadh"}}, "table_zones.order: must be 'meta_insights', 'leads'"),
        ({"cohorts": "monthly"}, "cohorts: must be a mapping of keys to values"),
        ({"cohorts": {"maturity_days": [7, 99_999_999]}}, "whole days up to 36500"),
        ({"matching": {"contact_window_days": 99_999_999}}, "contact_window_days: must be less than or equal to 36500"),
        ({"version": 2.1}, "version: must be text; put it in quotation marks"),
        ({"order_statuses": {"confirmed": {"words": [True]}}}, "words.0: must be text; put it in quotation marks"),
        ({"order_statuses": {"confirmed": {"words": [" "]}}}, "must not be blank"),
        ({"alerts": {"quiet_hours": {"begin": 1320, "end": "07:00"}}}, "begin: it must stand in quotation marks"),
        ({"cohorts": {"maturity_days": [30, 7]}}, "each larger than the one before"),
        ({"crm_stages": {"won": {"words": ["lost"]}}}, "'lost' stands under 'won' and under 'lost'"),
        ({"order_statuses": {"fulfilled": {"words": ["In Transit"]}}}, "'In Transit' stands under"),
        ({"thresholds": {"quarantine_share": 5}}, "thresholds.quarantine_share"),
        ({"thresholds": {"match_rate_floors": {"lead_payment": {"records": 0.9}}}}, "match_rate_floors.lead_payment"),
        ({"matching": {"confidence": {"inferred": 0}}}, "confidence needs a value above 0"),
    ],
)
def test_a_definition_that_cannot_be_used_is_named(home: Path, content: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says) as refused:
        own(home, **content)
    assert "policy.yaml" in str(refused.value)


def test_zones_can_be_given_to_every_input_table() -> None:
    assert set(INPUT_TABLE) == set(INPUT_TABLE_NAMES)


@pytest.mark.parametrize("missing", ["version", "change_reason"])
def test_a_file_without_a_version_or_reason_is_refused(home: Path, missing: str) -> None:
    for blank in ("", "  "):
        with pytest.raises(PolicyError, match=f"has no {missing}"):
            own(home, **{missing: blank})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"zone: [", "not readable as YAML: line 1"),
        (b"- zone", "must be a YAML mapping"),
        (b"", "must be a YAML mapping"),
        (b"basis:\n\tinclude_tax: true\n", "line 2, column 1: indent with blanks, not with tabs"),
        (b"zone: Asia/Riyadh\nzone: Asia/Dubai\n", "line 2, column 1: the key zone stands there a second time"),
        ("approved_by: محمد".encode("cp1256"), "it is not UTF-8 text"),
        ("zone: Asia/Riyadh".encode("utf-16"), "it is not UTF-8 text"),
    ],
)
def test_what_is_no_policy_file_is_refused(home: Path, content: bytes, says: str) -> None:
    (home / "policy.yaml").write_bytes(content)
    with pytest.raises(PolicyError, match=says):
        load_policy(home / "policy.yaml")


def test_a_missing_file_is_refused(home: Path) -> None:
    with pytest.raises(PolicyError, match="does not exist"):
        load_policy(home / "policy.yaml")
