"""The documentation names what the code has: tables, columns, checks, policy keys, methods, and its own pages."""

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciliation_assets.checks.catalog import checks_by_table
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.contracts.model import InputTable
from reconciliation_assets.policy.model import BRIDGE_LINES, LINKS, METHODS, RUNGS
from reconciliation_assets.publish.words import WHAT_TO_DO
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.docs.markdown import FENCED, anchors
from reconciliation_assets_tests.docs.published_tables_page import PAGE, published_tables_page

DOCS = PROJECT_ROOT / "docs"
DEFINITIONS = DOCS / "definitions"
PAGES = sorted([*DOCS.rglob("*.md"), *PROJECT_ROOT.glob("*.md")])
# The one check that belongs to an asset no query makes.
POLICY_CHECK = "version_names_its_definitions"

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def sections(page: Path) -> dict[str, str]:
    """The second-level sections of a page by their heading."""
    _, *found = re.split(r"^## ", page.read_text("utf-8"), flags=re.MULTILINE)
    return {heading: text for heading, _, text in (section.partition("\n") for section in found)}


def rows(text: str) -> list[list[str]]:
    """Rows of a text's tables that begin with a name in code, cell by cell."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("| `")
    ]


def named(text: str) -> list[str]:
    """The names in code that begin the rows of a text's tables, in order."""
    return [row[0].strip("`") for row in rows(text)]


def policy_keys(part: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Keys of the shipped policy as the docs name them; lists of words, owners and methods stand under one key."""
    together = {
        "matching.confidence",
        "crm_stages",
        "order_statuses",
        "owners.links",
        "owners.exceptions",
        "owners.contacts",
        "pegged_to_usd",
        "diagnosis.window_days",
        "diagnosis.peers",
        "diagnosis.owners",
    }
    for key, value in part.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and name not in together:
            yield from policy_keys(value, f"{name}.")
        else:
            yield name


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    text = resources.files("reconciliation_assets.policy").joinpath("default.yaml").read_text("utf-8")
    policy: dict[str, Any] = yaml.safe_load(text)
    return policy


@pytest.mark.parametrize("table", INPUT_TABLES, ids=lambda table: table.name)
def test_an_input_table_is_described_column_by_column(table: InputTable) -> None:
    section = sections(DEFINITIONS / "input-tables.md")[table.name]
    described = [(name.strip("`"), required == "yes", meaning) for name, required, _, meaning in rows(section)]
    assert described == [(column.name, column.required, column.description) for column in table]
    assert f"Key: {', '.join(f'`{name}`' for name in table.key)}." in section


def test_the_page_of_the_published_tables_is_what_the_tables_say_of_themselves() -> None:
    """Where it is not, `make definitions` writes it anew."""
    assert PAGE.read_text("utf-8") == published_tables_page()


def test_no_input_table_is_described_that_is_not_there() -> None:
    inputs = [name for name in sections(DEFINITIONS / "input-tables.md") if name.islower()]
    assert inputs == [table.name for table in INPUT_TABLES]


def test_the_runbook_knows_every_check_and_whether_it_blocks() -> None:
    blocking = {check.name: check.blocking for checks in checks_by_table().values() for check in checks}
    told = {row[0].strip("`"): row[2].startswith("yes") for row in rows(sections(DOCS / "runbook.md")["The checks"])}
    assert told == {**blocking, POLICY_CHECK: True}


def test_the_runbook_names_the_tables_of_a_check() -> None:
    tables: dict[str, set[str]] = {}
    for table, checks in checks_by_table().items():
        for check in checks:
            tables.setdefault(check.name, set()).add(table)
    for name, where, *_ in rows(sections(DOCS / "runbook.md")["The checks"]):
        if "`" in where and name.strip("`") != POLICY_CHECK:
            assert set(re.findall(r"`(\w+)`", where)) == tables[name.strip("`")], name


def test_every_policy_key_is_described(shipped: dict[str, Any]) -> None:
    assert named((DEFINITIONS / "policy.md").read_text("utf-8")) == list(policy_keys(shipped))


@pytest.mark.parametrize("part", ["crm_stages", "order_statuses"])
def test_the_ladder_shows_the_shipped_words(part: str, shipped: dict[str, Any]) -> None:
    text = sections(DEFINITIONS / "ladder.md")["Words"]
    table = next(block for block in text.split("\n\n") if block.startswith(f"| `{part}`"))
    told = {name.strip("`"): (rung, words.split(", ")) for name, rung, words in rows(table)[1:]}
    assert told == {outcome: (each["rung"], each["words"]) for outcome, each in shipped[part].items()}


def test_the_ladder_names_every_rung() -> None:
    text = (DEFINITIONS / "ladder.md").read_text("utf-8").partition("## ")[0]
    assert named(text) == list(RUNGS)


def test_matching_names_every_link_and_method_in_order() -> None:
    intro, _, _ = (DEFINITIONS / "matching.md").read_text("utf-8").partition("\n## ")
    assert named(intro) == list(LINKS)
    assert named(sections(DEFINITIONS / "matching.md")["Methods, strongest first"]) == list(METHODS)


def test_the_bridge_names_every_line_in_order() -> None:
    text = (DEFINITIONS / "bridge.md").read_text("utf-8")
    assert re.findall(r"^\| \d+ \| `(\w+)`", text, flags=re.MULTILINE) == list(BRIDGE_LINES)


def test_every_kind_of_exception_has_its_owner_and_what_to_do(shipped: dict[str, Any]) -> None:
    table = rows((DEFINITIONS / "exceptions.md").read_text("utf-8"))
    assert {kind.strip("`"): owner for kind, owner, *_ in table} == shipped["owners"]["exceptions"]
    plain = {kind.strip("`"): re.sub(r"; see \[.*|`", "", what_to_do) for kind, *_, what_to_do in table}
    assert plain == WHAT_TO_DO


def test_every_kind_of_exception_that_is_raised_is_described() -> None:
    query = (PROJECT_ROOT / "reconciliation_assets/chain/governance/exceptions.sql").read_text("utf-8")
    raised = re.findall(r"^  select '(\w+)'", query, flags=re.MULTILINE)
    assert sorted(raised) == sorted(named((DEFINITIONS / "exceptions.md").read_text("utf-8")))


def test_contributing_names_every_make_target() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE)) - {"help"}
    told = named(sections(PROJECT_ROOT / "CONTRIBUTING.md")["Make targets"])
    assert {target.removeprefix("make ") for target in told} == targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("folder", ["definitions", "decisions"])
def test_the_index_leads_to_every_page(folder: str) -> None:
    linked = set(_LINK.findall((DOCS / "README.md").read_text("utf-8")))
    assert {f"{folder}/{page.name}" for page in (DOCS / folder).glob("*.md")} <= linked
