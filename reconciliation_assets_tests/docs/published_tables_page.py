"""The page of the published tables, made of what each table says of itself: `make definitions` writes it.

Column order is the tables' own, so an empty company is built for it.
"""

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciliation_assets.chain.layers import LAYERS
from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.contracts.columns import meaning_of
from reconciliation_assets.contracts.model import OutputTable
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.harness import Bench

PAGE = PROJECT_ROOT / "docs" / "definitions" / "published-tables.md"

_INTRODUCTION = """\
# Published tables

Everything below is in the schema `reporting` of `published/reconciliation.duckdb` in the data directory. Open it read-only with any DuckDB 2
client. A run replaces the file by rename only if every blocking check held; a reader with the old file open keeps the old one.
The same texts are stored in the file as comments on tables and columns. This page is made of the tables' own heads: `make definitions`
writes it, and a test holds it.

Units: "reporting currency" is the policy's; "own currency" is the currency of the row; a share is between 0 and 1. An empty
campaign stands for the records with no campaign. The rules behind the figures are in [the definitions](../README.md).
"""


def published_tables_page() -> str:
    """The page as it should be."""
    with TemporaryDirectory() as home:
        bench = Bench(Path(home))
        built = bench.build().make_all()
        sections = [
            _section(table, list(built.warehouse.columns(TableName(table.layer, table.name))))
            for table in published_tables()
        ]
        bench.close()
    return "\n".join([_INTRODUCTION, *sections])


def _section(table: OutputTable, columns: list[str]) -> str:
    key = f" Key: {', '.join(f'`{name}`' for name in table.key)}." if table.key else ""
    page = (table.page or LAYERS[table.layer].page).removeprefix("docs/definitions/")
    return "\n".join(
        [
            f"## {table.name}",
            "",
            f"One row per {table.grain}.{key} Owner: {table.owner}. Defined in [{page.partition('#')[0]}]({page}).",
            "",
            "| column | unit | never empty | meaning |",
            "|---|---|---|---|",
            *(_row(table, column) for column in columns),
            "",
            *(
                f"`{old}` is the old name of `{new}`, gone with the next version.\n"
                for new, old in table.old_names.items()
            ),
        ]
    )


def _row(table: OutputTable, column: str) -> str:
    meaning = meaning_of(table, column)
    words = ": " + ", ".join(f"`{word}`" for word in table.words[column]) if column in table.words else ""
    text = escape(meaning.description, quote=False).replace("|", "\\|")
    return f"| `{column}` | {meaning.unit or ''} | {'yes' if column in table.required else ''} | {text}{words} |"


if __name__ == "__main__":
    PAGE.write_text(published_tables_page(), "utf-8")
