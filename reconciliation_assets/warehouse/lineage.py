"""Column lineage of a query, from its parsed text, for the UI."""

from sqlglot import exp
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from reconciliation_assets.warehouse.query import DIALECT, Query, TableName

Lineage = dict[str, list[tuple[TableName, str]]]


def column_lineage(query: Query, schema: dict[str, dict[str, dict[str, str]]]) -> Lineage:
    """For every column of the query, the columns of the tables it reads that its values come from.

    Args:
        query: the parsed query.
        schema: columns and types of the tables it reads, by layer and table.
    """
    tree = qualify(query.tree.copy(), schema=schema, dialect=DIALECT, validate_qualify_columns=False)
    scope = build_scope(tree)
    return {
        name: sorted(set(_sources(lineage(name, tree, scope=scope, dialect=DIALECT, trim_selects=False))))
        for name in tree.named_selects
    }


def _sources(node: Node) -> list[tuple[TableName, str]]:
    return [
        (TableName(leaf.source.db, leaf.source.name), leaf.name.rpartition(".")[2].strip('"'))
        for leaf in node.walk()
        if not leaf.downstream and isinstance(leaf.source, exp.Table) and leaf.source.db
    ]
