"""The house: each folder imports only from those above it, and Dagster is known in few places."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciliation_assets
from reconciliation_assets.chain.layers import LAYERS
from reconciliation_assets.chain.tables import tables_read

PACKAGE = Path(str(reconciliation_assets.__file__)).parent
ABOVE_TO_BELOW = ("policy", "contracts", "warehouse", "sources", "chain", "checks", "publish", "operations", "commands")
KNOWN_EVERYWHERE = {"settings", "files", "errors"}
MAY_IMPORT_DAGSTER = {
    "chain/assets.py",
    "chain/installation.py",
    "chain/raw/pulls.py",
    "publish/assets.py",
    "publish/readiness.py",
    "build.py",
    "commands/run.py",
    *(str(path.relative_to(PACKAGE)) for path in (PACKAGE / "operations").glob("*.py")),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """Full names of the modules a module imports, inside functions too."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield str(node.module)


def own(module: Path) -> list[str]:
    """Folder or top-level module of the project that each import of a module lies in."""
    return [name.split(".")[1] for name in imported(module) if name.startswith("reconciliation_assets.")]


def test_the_order_names_every_folder() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert folders == set(ABOVE_TO_BELOW)


@pytest.mark.parametrize("folder", ABOVE_TO_BELOW)
def test_a_folder_imports_only_from_those_above_it(folder: str) -> None:
    allowed = {*ABOVE_TO_BELOW[: ABOVE_TO_BELOW.index(folder) + 1], *KNOWN_EVERYWHERE}
    if folder == "commands":
        allowed.add("build")  # a run from the command line loads the graph, when it runs
    strays = {
        f"{module.relative_to(PACKAGE)} imports {name}"
        for module in (PACKAGE / folder).rglob("*.py")
        for name in own(module)
        if name not in allowed
    }
    assert strays == set()


def test_the_product_does_not_know_its_tests() -> None:
    """The laboratory (sample companies, benchmarks) lives with the tests; a wheel works without it."""
    strays = {
        str(module.relative_to(PACKAGE))
        for module in MODULES
        if any(name.startswith("reconciliation_assets_tests") for name in imported(module))
    }
    assert strays == set()


def test_what_is_known_everywhere_knows_nothing_of_the_rest() -> None:
    strays = {name: set(own(PACKAGE / f"{name}.py")) - KNOWN_EVERYWHERE for name in KNOWN_EVERYWHERE}
    assert strays == {name: set() for name in KNOWN_EVERYWHERE}


def test_dagster_is_imported_only_where_the_graph_is_made_and_run() -> None:
    users = {
        str(module.relative_to(PACKAGE))
        for module in MODULES
        if any(name.split(".")[0].startswith("dagster") for name in imported(module))
    }
    assert users <= MAY_IMPORT_DAGSTER


def test_an_engine_is_imported_only_in_the_warehouse() -> None:
    """The graph meets the protocol; what an engine is called is known in one folder."""
    engines = {"duckdb", "pyspark"}
    users = {
        str(module.relative_to(PACKAGE))
        for module in MODULES
        if any(name.split(".")[0] in engines for name in imported(module))
    }
    assert {Path(user).parent.name for user in users} == {"warehouse"}


def test_no_module_with_assets_postpones_its_annotations() -> None:
    """`from __future__ import annotations` breaks the types of Dagster's contexts and configs."""
    assert [path.name for path in MODULES if "__future__" in imported(path)] == []


def test_every_module_says_what_belongs_in_it() -> None:
    mute = [
        str(path.relative_to(PACKAGE)) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert mute == []


def test_a_layer_reads_no_table_of_a_layer_below_it() -> None:
    places = {layer: place for place, layer in enumerate(["policy", "raw", "current", *LAYERS])}
    places["raw"] = places["current"] = places["policy"]
    arrows_back = {
        f"{table} reads {read}"
        for table, reads in tables_read().items()
        for read in reads
        if places[read.layer] > places[table.layer]
    }
    assert arrows_back == set()
