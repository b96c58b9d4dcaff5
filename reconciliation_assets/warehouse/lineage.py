"""Column lineage of a query, from its parsed text, for the UI."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version

from sqlglot import exp
from sqlglot.lineage import Node, lineage

from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import DIALECT, Query, TableName

Lineage = dict[str, list[tuple[TableName, str]]]
Schema = tuple[tuple[TableName, tuple[tuple[str, str], ...]], ...]


@cache
def column_lineage(query: Query, schema: Schema) -> Lineage:
    """The source columns of every column of the query.

    Args:
        query: the query, parsed once per process.
        schema: the tables it reads, with their columns and types.
    """
    layers: dict[str, dict[str, dict[str, str]]] = {}
    for table, columns in schema:
        layers.setdefault(table.layer, {})[table.name] = dict(columns)
    nodes = lineage(None, query.tree, schema=layers, dialect=DIALECT, trim_selects=False)
    return {name: sorted(set(_sources(node))) for name, node in nodes.items()}


def _sources(node: Node) -> Iterator[tuple[TableName, str]]:
    for leaf in node.walk():
        table = leaf.expression
        if isinstance(table, exp.Table) and table.db:
            yield TableName(table.db, table.name), leaf.name.rpartition(".")[2].strip('"')


class KnownLineage:
    """Column lineage stored in the warehouse: queries seldom change, and parsing all of them takes seconds.

    Args:
        warehouse: where it is stored, one row per query and schema.
    """

    def __init__(self, warehouse: Ledger) -> None:
        self._warehouse = warehouse
        warehouse.execute("create schema if not exists made")
        warehouse.execute("create table if not exists made.lineage (query_hash varchar primary key, lineage varchar)")
        self._known: dict[str, str] = dict(warehouse.rows("select query_hash, lineage from made.lineage"))

    def of(self, query: Query, schema: Schema) -> Lineage:
        """The query's lineage, stored or computed now; see `column_lineage`."""
        key = hashlib.sha256(f"{version('sqlglot')}\n{query.sql}\n{schema}".encode()).hexdigest()
        if key not in self._known:
            found = {
                column: [[table.layer, table.name, name] for table, name in sources]
                for column, sources in column_lineage(query, schema).items()
            }
            self._known[key] = json.dumps(found)
            self._warehouse.execute(
                "insert into made.lineage values ($key, $lineage)", {"key": key, "lineage": self._known[key]}
            )
        return {
            column: [(TableName(layer, table), name) for layer, table, name in sources]
            for column, sources in json.loads(self._known[key]).items()
        }
