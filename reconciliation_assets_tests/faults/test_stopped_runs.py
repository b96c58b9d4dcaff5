"""A run that must not publish says which table, which check and what to do, and leaves the published copy as it was."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from reconciliation_assets_tests.harness import policy_file, write_csv
from reconciliation_assets_tests.installation import CommandResult, Installation
from reconciliation_assets_tests.rows import order

pytestmark = pytest.mark.slow(seconds=150)


def without(*tables: str) -> Callable[[Installation], None]:
    def change(installation: Installation) -> None:
        for table in tables:
            for path in installation.inbox.glob(f"{table}*"):
                path.unlink()

    return change


def empty_inbox(installation: Installation) -> None:
    for path in installation.inbox.iterdir():
        path.unlink()


def missing_rate(installation: Installation) -> None:
    write_csv(installation.inbox / "orders-euro.csv", "orders", [order("EURO-1", "2026-03-05", currency="EUR")])


def changed_without_a_new_version(installation: Installation) -> None:
    policy_file(installation.home, {"version": "own 1", "basis": {"include_tax": False}})


def no_yaml(installation: Installation) -> None:
    (installation.home / "policy.yaml").write_text("zone: [Asia/Dubai")


def unknown_definition(installation: Installation) -> None:
    policy_file(installation.home, {"contact_window": 30})


def column_gone(installation: Installation) -> None:
    path = installation.inbox / "payments.csv"
    path.write_text(path.read_text("utf-8").replace("amount", "Betrag", 1), encoding="utf-8")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without("meta_insights"), ("raw_meta_insights, check not_empty", "Drop meta_insights.csv into the inbox")),
        (without("payments"), ("raw_payments, check not_empty", "Drop payments.csv into the inbox")),
        (without("leads", "orders"), ("captured_records, check leads_or_orders", "Drop leads.csv or orders.csv")),
        (empty_inbox, ("raw_meta_insights, check not_empty", "raw_payments, check not_empty")),
        (
            missing_rate,
            ("daily_rates, check rates_known", "EUR on 2026-03-05", "Add rates from that day on to fx_rates.csv"),
        ),
        (
            changed_without_a_new_version,
            ("policy_versions, check version_names_its_definitions", "'own 1'", "Give the file a new version"),
        ),
        (
            column_gone,
            (
                "raw_payments, check few_rows_in_quarantine",
                "payments.csv: the required column amount is missing",
                "drop the file",
            ),
        ),
        (no_yaml, ("policy.yaml is not readable as YAML",)),
        (unknown_definition, ("policy.yaml cannot be used: contact_window",)),
    ],
    ids=[
        "no insights",
        "no payments",
        "neither leads nor orders",
        "empty inbox",
        "missing rate",
        "policy changed without a new version",
        "required column gone",
        "policy is no YAML",
        "policy with an unknown definition",
    ],
)
def test_it_stops_and_says_what_to_do(
    copied: Installation, change: Callable[[Installation], None], says: tuple[str, ...]
) -> None:
    before = digest(copied.published_path)
    change(copied)
    assert_stopped(copied.reconcile(), *says)
    assert digest(copied.published_path) == before


def test_a_match_rate_below_its_floor_stops_it(
    finished: Installation, below_its_floor: tuple[Installation, CommandResult]
) -> None:
    installation, told = below_its_floor
    assert_stopped(
        told, "match_coverage, check order_payment_above_floor", "below the policy's floor", "unmatched_records"
    )
    assert digest(installation.published_path) == digest(finished.published_path)


def assert_stopped(told: CommandResult, *says: str) -> None:
    assert told.status == 1
    assert "Stopped" in told.text
    for words in says:
        assert words in told.text
    assert "Traceback" not in told.text
    assert ".py" not in told.text


def test_what_was_put_right_is_published_by_the_next_run(copied: Installation) -> None:
    missing_rate(copied)
    (copied.inbox / "fx_rates-euro.csv").write_text("date,currency,rate\n2026-01-01,EUR,4.01\n")
    policy_file(copied.home, {"version": "own 2", "matching": {"contact_window_days": 60}})
    told = copied.reconcile()
    assert told.status == 0, told.text
    euro = copied.rows("select stated_value from reporting.matched_chain where record_id = 'order:EURO-1'")
    assert euro == [(401,)]
    versions = copied.rows("select policy_version from reporting.policy_versions order by 1")
    assert versions == [("own 1",), ("own 2",)]
    assert copied.rows("select distinct policy_version from reporting.bridge") == [("own 2",)]


def test_a_policy_of_its_own_place(copied: Installation, tmp_path: Path) -> None:
    missing = Installation(copied.home, copied.as_of, RECON_POLICY=str(tmp_path / "none.yaml"))
    told = missing.reconcile()
    assert told.status == 1
    assert "none.yaml does not exist" in told.text


def test_there_is_nothing_to_show_before_the_first_run(tmp_path: Path) -> None:
    told = Installation(tmp_path).reconcile("show")
    assert told.status == 1
    assert "run `reconcile run` first" in told.text


def test_the_policys_reason_is_kept(finished: Installation) -> None:
    own = yaml.safe_load((finished.home / "policy.yaml").read_text())
    assert finished.rows("select policy_version, change_reason from reporting.policy_versions") == [
        (own["version"], own["change_reason"])
    ]


def test_the_copy_is_not_made_past_a_check_that_stopped_the_run_whoever_starts_it(
    below_its_floor: tuple[Installation, CommandResult], tmp_path: Path
) -> None:
    installation = below_its_floor[0].copy_to(tmp_path / "copy")
    before = digest(installation.published_path)
    process = installation.start_step("published_copy")
    said, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "The published copy was not replaced: match_coverage, check order_payment_above_floor" in said
    assert digest(installation.published_path) == before


def test_a_single_table_without_what_it_is_made_of_says_so(tmp_path: Path) -> None:
    (tmp_path / ".dagster").mkdir()
    process = Installation(tmp_path).start_step("two_numbers")
    said, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "views.two_numbers is made of " in said
    assert (
        "outcomes.matched_chain"
        in said.partition("views.two_numbers is made of ")[2].partition(", which is not there")[0]
    )
    assert "run the whole job" in said
