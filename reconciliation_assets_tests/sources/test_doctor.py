"""The doctor asks every source, pulls nothing, and says what is missing and what to do."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from reconciliation_assets.cli import app
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.connector import Probe, ProbedAccount
from reconciliation_assets.sources.doctor import diagnose, examine, rated_currencies
from reconciliation_assets.sources.presets.load import shipped_presets
from reconciliation_assets_tests.sources.conftest import Connect
from reconciliation_assets_tests.standin.company import AS_OF
from reconciliation_assets_tests.standin.faults import Fault
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import ENTRIES, ENVIRONMENT, sources_yaml

POLICY = load_policy(None).policy


def told(probe: Probe, *, by_account_days: bool = True) -> list[str]:
    return [line.told for line in diagnose("ads", probe, POLICY, by_account_days=by_account_days)]


@pytest.fixture
def home(standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sources.yaml").write_text(sources_yaml(standin), "utf-8")
    monkeypatch.setenv("RECON_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RECON_AS_OF", AS_OF.isoformat())
    return tmp_path


def test_every_source_works_and_nothing_is_pulled(home: Path) -> None:
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 0, answer.output
    assert answer.output.count(" works ") == len(ENTRIES) + 1
    assert not (home / "warehouse.duckdb").exists()


def test_a_source_that_cannot_be_read_hides_no_other(home: Path, standin: Standin) -> None:
    standin.plan(Fault("expired_token", "stripe.account", times=50))
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 1
    assert answer.output.count(" works ") == len(ENTRIES)
    assert answer.output.count(" missing ") == 1
    assert not [secret for secret in ENVIRONMENT.values() if secret in answer.output]


LACKING = {
    "meta_insights": ("meta", {"permissions_granted": ("pages_show_list",)}, "lack ads_read or ads_management"),
    "meta_leads": ("meta", {"permissions_granted": ("ads_read", "pages_show_list", "pages_read_engagement")},
                   "lack leads_retrieval, pages_manage_ads, ads_management"),
    "hubspot": ("hubspot", {"scopes": ("oauth",)}, "lack crm.objects.deals.read, crm.objects.contacts.read"),
    "salesforce": ("salesforce", {"hidden": ("Contact", "Lead.Meta_Lead_ID__c")},
                   "lack the field Lead.Meta_Lead_ID__c, read access to Contact"),
    "shopify": ("shopify", {"scopes": ("read_products",)}, "lack read_orders"),
}  # fmt: skip
"""By source type: how its system comes to lack permissions, and what is told of it."""


@pytest.mark.parametrize("source_type", LACKING)
def test_all_lacking_permissions_are_listed_at_once_where_the_system_can_tell(
    standin: Standin, connect: Connect, source_type: str
) -> None:
    system, state, told_of_it = LACKING[source_type]
    for name, value in state.items():
        setattr(standin.systems[system], name, value)
    first, *_ = examine([connect(source_type)], POLICY)
    assert (first.state, first.told) == ("missing", f"the credentials {told_of_it}")
    assert "docs/sources" in first.next_step


@pytest.mark.parametrize("source_type", ENTRIES)
def test_every_system_says_how_its_permissions_are_known_and_what_its_clock_shows(
    connect: Connect, source_type: str
) -> None:
    first, *_ = examine([connect(source_type)], POLICY)
    known = "permissions complete" if source_type in LACKING else "permissions not told, tried"
    assert first.state == "works"
    assert known in first.told
    assert re.search(r"clock [+-][01] s$", first.told)


def test_a_system_that_does_not_tell_a_tokens_permissions_is_tried_all_the_same(
    standin: Standin, connect: Connect
) -> None:
    standin.systems["meta"].permissions_granted = None
    standin.systems["hubspot"].scopes = None
    for source_type in ("meta_insights", "meta_leads", "hubspot"):
        first, *_ = examine([connect(source_type)], POLICY)
        assert (first.state, "permissions not told, tried" in first.told) == ("works", True)


def test_without_sources_there_is_nothing_to_ask(home: Path) -> None:
    (home / "sources.yaml").unlink()
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 0
    assert "no systems are configured" in answer.output


def test_a_clock_that_is_off_is_told_with_its_side() -> None:
    assert told(Probe([], timedelta(seconds=59))) == []
    assert told(Probe([], timedelta(seconds=90))) == ["its clock is 90 seconds ahead of ours"]
    assert told(Probe([], -timedelta(seconds=90))) == ["its clock is 90 seconds behind ours"]


@pytest.mark.parametrize(("currency", "needs_a_rate"), [("AED", False), ("USD", False), ("SAR", False), ("KWD", True)])
def test_a_currency_without_a_pegged_rate_needs_one_in_the_files(currency: str, needs_a_rate: bool) -> None:
    lines = told(Probe([ProbedAccount("act_1", POLICY.zone, currency)]))
    assert bool(lines) == needs_a_rate


def test_a_currency_with_a_dropped_rate_needs_no_other(tmp_path: Path) -> None:
    assert rated_currencies(tmp_path / "not there", shipped_presets()) == set()
    (tmp_path / "fx_rates.csv").write_text("date,currency,rate\n2026-01-01,kwd,11.96\n", "utf-8")
    (tmp_path / "fx_rates-broken.csv").write_text("day\n2026-01-01\n", "utf-8")
    rated = rated_currencies(tmp_path, shipped_presets())
    probe = Probe([ProbedAccount("shop", POLICY.zone, "KWD")])
    assert list(diagnose("shop", probe, POLICY, rated, by_account_days=False)) == []


def test_a_refresh_token_that_may_be_used_once_is_used_once(home: Path, standin: Standin) -> None:
    """The doctor keeps what it was granted, where the next pull and the next doctor find it."""
    for _ in range(2):
        assert CliRunner().invoke(app, ["doctor"]).exit_code == 0
    assert standin.calls["salla.grant_token"] == 1
    assert list((home / "tokens").glob("*.token"))


def test_only_a_source_that_reports_by_day_is_held_to_the_zone() -> None:
    elsewhere = Probe([ProbedAccount("act_1", "Asia/Riyadh", POLICY.reporting_currency)])
    assert told(elsewhere) == [f"act_1 has its days in Asia/Riyadh, the policy in {POLICY.zone}"]
    assert told(elsewhere, by_account_days=False) == []


def test_a_published_copy_is_audited_for_people_to_discuss(home: Path, published_path: Path) -> None:
    copy = home / "published" / "reconciliation.duckdb"
    copy.parent.mkdir()
    shutil.copyfile(published_path, copy)
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 0, answer.output
    assert "crm_records" in (home / "reports" / "audit.html").read_text("utf-8")


def test_a_copy_of_an_older_version_is_not_audited_and_hinders_nothing(home: Path) -> None:
    (home / "published").mkdir()
    with duckdb.connect(str(home / "published" / "reconciliation.duckdb")) as connection:
        connection.execute("create schema reporting")
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 0, answer.output
    assert "was made by an older version" in answer.output
