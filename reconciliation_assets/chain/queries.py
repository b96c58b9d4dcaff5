"""Every table of the chain that is made in SQL: one file per table, beside its siblings of the layer."""

from functools import cache
from pathlib import Path

from reconciliation_assets.warehouse.query import Query, TableName

_FOLDER = Path(__file__).parent


@cache
def queries() -> dict[TableName, Query]:
    """All queries of the chain by the table they make."""
    found = (Query.read(path) for path in sorted(_FOLDER.glob("*/*.sql")))
    return {query.target: query for query in found}


def matching_query(name: str) -> Query:
    """A query of the matching layer."""
    return queries()[TableName("matching", name)]
