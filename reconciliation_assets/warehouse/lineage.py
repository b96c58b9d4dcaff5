"""Column lineage of a query, from its parsed text, for the UI."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.lineage import Node, lineage

from reconciliation_assets.warehouse.query import DIALECT, Query, TableName

Lineage = dict[str, list[tuple[TableName, str]]]
Schema = dict[str, dict[str, dict[str, str]]]


def column_lineage(query: Query, schema: Schema) -> Lineage:
    """For every column of the query, the columns of the tables it reads that its values come from.

    Args:
        query: the parsed query.
        schema: columns and types of the tables it reads, by layer and table.
    """
    nodes = lineage(None, query.tree, schema=schema, dialect=DIALECT, trim_selects=False)
    return {name: sorted(set(_sources(node))) for name, node in nodes.items()}


def _sources(node: Node) -> Iterator[tuple[TableName, str]]:
    for leaf in node.walk():
        table = leaf.expression
        if isinstance(table, exp.Table) and table.db:
            yield TableName(table.db, table.name), leaf.name.rpartition(".")[2].strip('"')
