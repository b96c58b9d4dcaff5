"""An installation that pulls from the stand-in platform, and what its pulls brought."""

from contextlib import closing
from pathlib import Path

import duckdb

from reconciliation_assets_tests.sources.conftest import READ_BY
from reconciliation_assets_tests.standin.server import Standin
from reconciliation_assets_tests.standin.sources_file import sources_yaml

State = dict[str, list[tuple[object, ...]]]


def installation(home: Path, standin: Standin, source: str) -> Path:
    home.mkdir()
    needed = {READ_BY.get(source, source), source}
    (home / "sources.yaml").write_text(sources_yaml(standin, *needed), "utf-8")
    return home


def current(home: Path) -> State:
    """What counts, by table, without the landing that brought it and the instant of the pull."""
    if not (home / "warehouse.duckdb").exists():
        return {}
    with closing(duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)) as connection:
        there = connection.execute("select view_name from duckdb_views() where schema_name = 'current'").fetchall()
        return {
            table: rows
            for (table,) in there
            if (
                rows := connection.execute(
                    f"select columns(lambda c: c not in ('landing_id', 'row_number', 'pulled_at')) from current.{table} order by all"
                ).fetchall()
            )
        }
