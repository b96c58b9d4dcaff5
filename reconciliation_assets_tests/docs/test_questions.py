"""Management's questions and the checklist: each has a query on published tables, and each query answers on the sample."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import publish
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.harness import Bench

PAGE = (PROJECT_ROOT / "docs" / "questions.md").read_text("utf-8")
SAMPLE = PROJECT_ROOT / "data" / "sample"
PUBLISHED = {table.name for table in published_tables()}

_SECTIONS = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
QUERIES = [
    pytest.param(query, id=f"{section.partition(chr(10))[0]} {number}")
    for section in _SECTIONS
    for number, query in enumerate(re.findall(r"```sql\n(.*?)```", section, re.DOTALL), start=1)
]


@pytest.fixture(scope="module")
def sample_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published copy of the committed sample company."""
    home = tmp_path_factory.mktemp("sample")
    shutil.copytree(SAMPLE / "inbox", home / "inbox")
    bench = Bench(home, as_of=datetime.fromisoformat(json.loads((SAMPLE / "truth.json").read_text("utf-8"))["as_of"]))
    built = bench.build().make_all()
    publish(built.warehouse, published_tables(), home / "published.duckdb")
    bench.close()
    return home / "published.duckdb"


@pytest.fixture(scope="module")
def sample(sample_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(sample_path), read_only=True) as connection:
        yield connection


def tables(query: str) -> set[str]:
    return {f"{table.db}.{table.name}" for table in sqlglot.parse_one(query, dialect="duckdb").find_all(exp.Table)}


def test_every_question_and_item_has_a_query() -> None:
    assert len(_SECTIONS) > 20
    assert [section.partition("\n")[0] for section in _SECTIONS if "```sql" not in section] == []


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_reads_published_tables_only_and_answers(query: str, sample: duckdb.DuckDBPyConnection) -> None:
    assert tables(query) <= {f"reporting.{name}" for name in PUBLISHED}
    assert sample.execute(query).fetchall()


def test_every_published_table_answers_something() -> None:
    asked = set().union(*(tables(str(query.values[0])) for query in QUERIES))
    assert {f"reporting.{name}" for name in PUBLISHED} - asked == set()


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_query_of_the_readme_shows_its_figures(
    sample_path: Path, sample: duckdb.DuckDBPyConnection, columns: str
) -> None:
    readme = (PROJECT_ROOT / "README.md").read_text("utf-8")
    (program,) = re.findall(r"^\.venv/bin/python -c \"(import duckdb; .*)\"$", readme, flags=re.MULTILINE)
    program = program.replace("data/sample/published/reconciliation.duckdb", str(sample_path))
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "COLUMNS": columns},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name, platform, collected in sample.execute(
        "select campaign_name, sum(platform_value), sum(collected_value) from reporting.two_numbers group by 1"
    ).fetchall():
        (line,) = [line for line in shown.splitlines() if f"{collected:.2f}" in line]
        assert f"{platform:.2f}" in line
        assert name is None or name in line


def test_what_must_be_nothing_is_nothing(sample: duckdb.DuckDBPyConnection) -> None:
    """The two items that say so hold on the sample."""
    (gaps,) = (query.values[0] for query in QUERIES if "as gap" in str(query.values[0]))
    assert {row[1] for row in sample.execute(str(gaps)).fetchall()} == {0}
    (differences,) = (query.values[0] for query in QUERIES if "source_total," in str(query.values[0]))
    assert {row[-1] for row in sample.execute(str(differences)).fetchall()} == {0}
