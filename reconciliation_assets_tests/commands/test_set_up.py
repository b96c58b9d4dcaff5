"""`reconcile init`: a few answers become files that a run loads, that say why, and that overwrite nothing."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from reconciliation_assets.cli import app
from reconciliation_assets.commands.set_up import SHIPPED_MATURITY_DAYS, required_settings
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.registry import SOURCE_TYPES, load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets_tests.installation import Installation
from reconciliation_assets_tests.rows import insight, order, payment
from reconciliation_assets_tests.standin.sources_file import ENVIRONMENT

FILES = ("policy.yaml", "sources.yaml", ".env.example")
# What each system's required settings may look like.
VALUES = {
    "account_ids": "act_1,act_2",
    "page_ids": "123",
    "orders_from": "shopify",
    "base_url": "https://example.com",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECON_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    for variable in ("RECON_POLICY", "RECON_SOURCES", "RECON_AS_OF"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def init(*options: str, typed: str = "") -> Any:
    return CliRunner().invoke(app, ["init", *options], input=typed)


def test_the_answers_are_in_force(home: Path) -> None:
    answer = init(
        *("--yes", "--company", 'متجر: "Gulf" #1', "--currency", "SAR", "--zone", "Asia/Riyadh", "--locale", "ar_SA"),
        *("--mature-after", "45", "--no-vat", "--no-shipping", "--fees", "--daily-at", "04:30", "--approved-by", "CFO"),
    )
    assert answer.exit_code == 0, answer.output
    policy = load_policy(home / "policy.yaml").policy
    assert (policy.company, policy.reporting_currency, policy.zone, policy.locale, policy.approved_by) == (
        "متجر: \"Gulf\" #1", "SAR", "Asia/Riyadh", "ar_SA", "CFO",
    )  # fmt: skip
    assert policy.cohorts.maturity_days == (7, 30, 45)
    assert (policy.basis.include_tax, policy.basis.include_shipping, policy.basis.deduct_payment_fees) == (
        False, False, True,
    )  # fmt: skip
    assert f"{policy.schedule.daily_at:%H:%M}" == "04:30"


def test_what_nobody_says_is_as_shipped(home: Path) -> None:
    assert init("--yes", "--company", "A shop").exit_code == 0
    own, shipped = load_policy(home / "policy.yaml"), load_policy(None)
    assert own.policy.definitions == shipped.policy.definitions
    assert own.policy.cohorts.maturity_days == SHIPPED_MATURITY_DAYS
    assert own.policy.version != shipped.policy.version


@pytest.mark.parametrize("source_type", sorted(SOURCE_TYPES))
def test_every_system_is_written_as_the_registry_reads_it(home: Path, source_type: str) -> None:
    needed = [f"--set={source_type}.{each.name}={VALUES[each.name]}" for each in required_settings(source_type)]
    shop = ["--set=shopify.base_url=https://a.myshopify.com"] if source_type == "tamara" else []
    systems = "shopify,tamara" if shop else source_type
    answer = init("--yes", "--company", "A shop", "--systems", systems, *needed, *shop)
    assert answer.exit_code == 0, answer.output
    settings = Settings(data_dir=home)
    policy = load_policy(settings.policy_path).policy
    assert settings.sources_path
    connectors = load_connectors(settings.sources_path, FileTokenStore(settings.tokens_dir), policy)
    assert [connector.name for connector in connectors] == systems.split(",")


def test_the_example_names_every_credential_and_can_be_sourced(home: Path) -> None:
    typed = [
        f"--set={kind}.{each.name}={VALUES[each.name]}" for kind in SOURCE_TYPES for each in required_settings(kind)
    ]
    assert init("--yes", "--company", "A shop", "--systems", ",".join(SOURCE_TYPES), *typed).exit_code == 0
    example = home / ".env.example"
    listed = subprocess.run(
        ["/bin/sh", "-euc", f"set -a; . {example}; env"], env={}, capture_output=True, text=True, check=True
    ).stdout
    names = {line.partition("=")[0] for line in listed.splitlines()} - {"PWD", "SHLVL", "_"}
    assert names == {name for name in ENVIRONMENT if not name.startswith("RECON_")}


def test_each_definition_has_its_reason_before_it(home: Path) -> None:
    assert init("--yes", "--company", "A shop").exit_code == 0
    lines = (home / "policy.yaml").read_text("utf-8").splitlines()
    for key in (
        "reporting_currency",
        "zone",
        "  maturity_days",
        "  include_tax",
        "  deduct_payment_fees",
        "  daily_at",
    ):
        place = next(number for number, line in enumerate(lines) if line.startswith(f"{key}:"))
        assert lines[place - 1].strip().startswith("#"), key


@pytest.mark.parametrize("there", FILES)
def test_nothing_is_overwritten_and_nothing_else_is_written(home: Path, there: str) -> None:
    (home / there).write_text("mine")
    answer = init("--yes", "--company", "A shop")
    assert answer.exit_code == 1
    assert f"{home / there} is there already" in answer.output
    assert [path.name for path in home.iterdir()] == [there]
    assert (home / there).read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--currency", "dirham"], "reporting_currency"),
        (["--zone", "Dubai"], "'Dubai' is not an IANA time zone"),
        (["--mature-after", "0"], "maturity_days must be whole days"),
        (["--daily-at", "noon"], "schedule.daily_at"),
        (["--systems", "oracle"], "there is no system 'oracle'"),
        (["--systems", "shopify"], "say --set shopify.base_url=... (`https://<shop>.myshopify.com`)"),
        (["--systems", "tabby", "--set", "tabby.colour=red"], "setting 'colour': there is no such key"),
        (["--set", "tabby.base_url=https://api.tabby.sa"], "is not SYSTEM.SETTING=VALUE for one of the systems"),
        (["--systems", "tamara", "--set", "tamara.orders_from=shop"], "shop"),
    ],
)
def test_an_answer_that_no_run_could_use_writes_nothing(home: Path, options: list[str], told: str) -> None:
    answer = init("--yes", "--company", "A shop", *options)
    assert answer.exit_code == 1
    assert told in answer.output
    assert "Traceback" not in answer.output
    assert [path.name for path in home.rglob("*") if path.is_file()] == []


def test_asked_questions_suggest_an_answer_and_refuse_an_unusable_one(home: Path) -> None:
    typed = ["A shop", "SAR", "Riyadh", "Asia/Riyadh", "", "60", "n", "", "", "The CFO", "", "meta_insights", "act_7"]
    answer = init(typed="\n".join(typed) + "\n")
    assert answer.exit_code == 0, answer.output
    assert "'Riyadh' is not an IANA time zone" in answer.output
    policy = load_policy(home / "policy.yaml").policy
    assert (policy.zone, policy.cohorts.maturity_days, policy.basis.include_tax, policy.locale) == (
        "Asia/Riyadh", (7, 30, 60), False, "en_AE",
    )  # fmt: skip
    assert yaml.safe_load((home / "sources.yaml").read_text("utf-8")) == {
        "sources": [{"name": "meta_insights", "type": "meta_insights", "account_ids": ["act_7"]}]
    }


def test_what_it_wrote_carries_a_run(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    told = installation.reconcile("init", "--yes", "--company", "A shop", "--currency", "SAR", "--zone", "Asia/Riyadh")
    assert told.status == 0, told.text
    installation.drop(
        {"meta_insights": [insight()], "orders": [order("SO1")], "payments": [payment("P1", order_id="SO1")]}
    )
    told = installation.reconcile("run")
    assert "Stopped" not in told.text, told.text
    assert "What did the ads bring in? (SAR," in told.text, told.text
    assert "policy 2026-06-30)" in told.text
