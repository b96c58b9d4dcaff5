"""The sources file: what it accepts, and how it says what is wrong with it."""

from pathlib import Path

import pytest

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.errors import Misconfigured
from reconciliation_assets.sources.registry import load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import ENTRIES, sources_yaml


def load(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "sources.yaml"
    file.write_text(text, encoding="utf-8")
    return [connector.name for connector in load_connectors(file, FileTokenStore(tmp_path), load_policy(None).policy)]


def test_every_type_can_stand_in_one_file(standin: Standin, tmp_path: Path) -> None:
    assert load(tmp_path, sources_yaml(standin)) == list(ENTRIES)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sources: {", "not readable as YAML: line 1"),
        ("systems: []", "no list named 'sources'"),
        ("sources: [{name: a}]", "entry 1: setting 'type'"),
        ("sources: [{name: Upper Case, type: meta_leads}]", "entry 1: setting 'name'"),
        ("sources: [{name: a, type: fax}]", "no source type 'fax'"),
        ("sources: [{name: a, type: meta_leads}, {name: a, type: meta_leads}]", "'a' is given twice"),
        ("sources: [{name: a, type: meta_leads}]", "setting 'page_ids': it is missing"),
        ("sources: [{name: a, type: meta_leads, page_ids: ['1'], tokn_env: X}]", "setting 'tokn_env'"),
        ("sources: [{name: a, type: meta_insights, account_ids: [nine]}]", "setting 'account_ids.0'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        load(tmp_path, text)
    assert told in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"sources\.yaml: the file does not exist"):
        load_connectors(tmp_path / "sources.yaml", FileTokenStore(tmp_path), load_policy(None).policy)


def test_a_secret_put_into_the_file_by_mistake_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as raised:
        load(tmp_path, "sources: [{name: a, type: meta_leads, page_ids: ['1'], token_env: 'EAAB-secret value'}]")
    assert "EAAB" not in str(raised.value)
