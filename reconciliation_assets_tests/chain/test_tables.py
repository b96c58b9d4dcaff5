"""A table says all about itself in one file: its head is read, its columns have a meaning, and what is wrong is named."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciliation_assets import chain
from reconciliation_assets.chain.layers import LAYERS
from reconciliation_assets.chain.python_tables import python_tables
from reconciliation_assets.chain.tables import HeadError, output_tables, table_of
from reconciliation_assets.contracts.columns import COMMON, meaning_of
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.warehouse.query import Query, TableName
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built

FOLDER = Path(str(chain.__file__)).parent
HEAD = "grain: cohort month\nowner: finance\nkey: [month]\n"


@pytest.fixture(scope="module")
def built(build_once: Build) -> Built:
    return build_once({}).make_all()


def read(head: str, tmp_path: Path) -> OutputTable:
    file = tmp_path / "views" / "cash.sql"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"/* table\n{head}*/\n-- Cash by month.\nselect 1 as month\n", "utf-8")
    return table_of(Query.read(file))


def columns(built: Built, table: OutputTable) -> list[str]:
    return list(built.warehouse.columns(TableName(table.layer, table.name)))


def test_a_head_is_all_that_is_known_of_a_table(tmp_path: Path) -> None:
    table = read(
        HEAD
        + "published: true\nrequired: [month]\nwords: {link: links, verdict: [accept, reject]}\nshares: [rate]\n"
        + "columns:\n  amount: What arrived [own currency]\n  reason: 'Why, in words: theirs'\n",
        tmp_path,
    )
    assert (table.layer, table.name, table.meaning) == ("views", "cash", "Cash by month. One row per cohort month.")
    assert (table.key, table.required, table.shares, table.published) == (("month",), ("month",), ("rate",), True)
    assert table.words["link"] == ("record_ad", "lead_crm", "lead_order", "order_payment", "crm_payment")
    assert table.words["verdict"] == ("accept", "reject")
    assert table.columns == {
        "amount": Meaning("What arrived", "own currency"),
        "reason": Meaning("Why, in words: theirs"),
    }


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("", "grain"),
        ("grain: month\n", "owner"),
        (HEAD + "publish: true\n", "publish"),
        (HEAD + "words: {link: no_such_words}\n", "no vocabulary 'no_such_words'"),
        (HEAD + "columns: {a: b: c}\n", "cannot be read"),
    ],
)
def test_a_head_that_cannot_be_read_is_named_with_what_is_wrong(head: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(HeadError) as error:
        read(head, tmp_path)
    assert str(error.value).startswith("views/cash.sql: ")
    assert told in str(error.value)


def test_a_meaning_is_read_with_its_unit() -> None:
    assert Meaning.parsed("Spend of the week [reporting currency]") == Meaning(
        "Spend of the week", "reporting currency"
    )
    assert Meaning.parsed("Why").text == "Why"


@pytest.mark.parametrize("table", output_tables().values(), ids=lambda table: table.name)
def test_every_column_has_a_meaning(table: OutputTable, built: Built) -> None:
    for column in columns(built, table):
        assert meaning_of(table, column).description, column


@pytest.mark.parametrize("table", output_tables().values(), ids=lambda table: table.name)
def test_a_head_names_no_column_that_is_absent(table: OutputTable, built: Built) -> None:
    named = {
        *(*table.key, *table.required, *table.words, *table.at_least_zero),
        *(*table.shares, *table.columns, *table.old_names),
    }
    assert named - set(columns(built, table)) == set()


@pytest.mark.parametrize("table", output_tables().values(), ids=lambda table: table.name)
def test_a_head_repeats_no_meaning_that_is_the_same_everywhere(table: OutputTable) -> None:
    assert [name for name, meaning in table.columns.items() if COMMON.get(name) == meaning] == []


def test_a_column_nobody_explained_is_told_with_where_to_do_so() -> None:
    table = OutputTable("cash", "views", "month", "finance", ("month",), "Cash by month.")
    with pytest.raises(LookupError, match=r"views.cash: say in its head, under `columns`, what novelty means"):
        meaning_of(table, "novelty")


def test_a_name_means_what_it_says_in_each_table() -> None:
    said = {
        (name, column): meaning_of(output_tables()[name], column).text
        for name, column in (
            ("budget_actions", "action"),
            ("period_locks", "action"),
            ("diagnosis", "rate"),
            ("daily_rates", "rate"),
            ("validation_results", "period"),
            ("step_records", "period"),
            ("remittances", "orders"),
            ("record_outcomes", "orders"),
        )
    }
    assert said == {
        ("budget_actions", "action"): "What to do with the budget",
        ("period_locks", "action"): "lock, or release; empty means lock",
        ("diagnosis", "rate"): "Share of the records that passed the step in time [share]",
        ("daily_rates", "rate"): "Reporting currency per one unit [rate]",
        ("validation_results", "period"): "Month sampled; empty for all verdicts together",
        (
            "step_records",
            "period",
        ): "Whether it entered the step in the period judged (recent) or in the past before it (past)",
        ("remittances", "orders"): "Orders they belong to [count]",
        ("record_outcomes", "orders"): "Orders of the record [count]",
    }


def test_every_module_that_makes_a_table_is_found() -> None:
    makers = {
        path.relative_to(FOLDER).parts[0]
        for layer in LAYERS
        for path in (FOLDER / layer).rglob("*.py")
        if re.search(r"^\w+ = PythonTable\(", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {table.layer for table in python_tables()} == makers


def test_tables_are_in_the_order_the_data_flows() -> None:
    layers = list(dict.fromkeys(table.layer for table in output_tables().values()))
    assert layers == [layer for layer in LAYERS if layer in layers]


def test_importing_the_graph_reads_no_query_and_no_policy() -> None:
    """Loading is what `build_defs` does; a test or tool that imports a module pays nothing for it."""
    program = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import reconciliation_assets.build
print([path for path in opened if path.endswith((".sql", ".yaml")) and "reconciliation_assets" in path])
"""
    opened = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert opened.stdout.strip() == "[]"
