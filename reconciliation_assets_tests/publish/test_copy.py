"""The published copy tells what it holds: every table and column with its meaning."""

from pathlib import Path

import duckdb

from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.publish.copy import SCHEMA

PUBLISHED = {table.name: table for table in published_tables()}


def test_every_table_says_what_it_holds_and_what_a_row_is(published_path: Path) -> None:
    with duckdb.connect(str(published_path), read_only=True) as connection:
        comments = dict(
            connection.execute(
                "select table_name, comment from duckdb_tables() where schema_name = $1", [SCHEMA]
            ).fetchall()
        )
    assert comments.keys() == PUBLISHED.keys()
    for name, comment in comments.items():
        meaning, grain, end = comment.rpartition(f" One row per {PUBLISHED[name].grain}.")
        assert grain, name
        assert end == ""
        assert len(meaning) > 40, (name, "what a row is says nothing of what the table means")
    assert comments["unmatched_revenue"].startswith(
        "Money that belongs to no record, by the calendar month it moved in"
    )


def test_every_column_says_what_it_means(published_path: Path) -> None:
    with duckdb.connect(str(published_path), read_only=True) as connection:
        silent = connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = $1 and coalesce(comment, '') = ''",
            [SCHEMA],
        ).fetchall()
    assert silent == []
