"""The queries of all tables made in SQL: one file per table, in the folder of its layer."""

from functools import cache
from pathlib import Path

from reconciliation_assets.warehouse.query import Query, TableName

_FOLDER = Path(__file__).parent

# Tables that reuse the query of another table, with other table names.
_SAME_RULE: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "lead_crm_proposals",
        {
            "known_lead_crm": "known_lead_order",
            "inferred_lead_crm": "inferred_lead_order",
            "lead_crm_proposals": "lead_order_proposals",
        },
    ),
    ("lead_crm_links", {"lead_crm_proposals": "lead_order_proposals", "lead_crm_links": "lead_order_links"}),
)


@cache
def queries() -> dict[TableName, Query]:
    """All queries of the chain by the table they make."""
    found = {query.target: query for query in map(Query.read, sorted(_FOLDER.glob("*/*.sql")))}
    for name, others in _SAME_RULE:
        renamed = found[TableName("matching", name)].moved(
            {TableName("matching", one): TableName("matching", other) for one, other in others.items()}
        )
        found[renamed.target] = renamed
    return found


def matching_query(name: str) -> Query:
    """A query of the matching layer."""
    return queries()[TableName("matching", name)]
