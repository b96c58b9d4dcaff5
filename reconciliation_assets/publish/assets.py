"""The asset at the end of the chain: the published copy."""

import dagster as dg

from reconciliation_assets.chain.installation import Installation
from reconciliation_assets.contracts.outputs import OUTPUT_TABLES
from reconciliation_assets.publish.copy import SCHEMA, publish

PUBLISHED = tuple(table for table in OUTPUT_TABLES if table.published)


@dg.asset(
    group_name="publish",
    deps=[table.name for table in PUBLISHED],
    kinds={"duckdb"},
    owners=["team:data"],
    tags={"layer": "publish"},
    description=(
        f"The database people read: schema `{SCHEMA}`, every table and column with its meaning. It is replaced only when "
        "every blocking check held, by renaming a finished file over the old one."
    ),
)
def published_copy(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write the reporting tables beside the old copy and swap them in."""
    opened = installation.now
    rows = publish(opened.warehouse, PUBLISHED, opened.settings.published_path)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(rows.values()),
            "path": dg.MetadataValue.path(str(opened.settings.published_path)),
            "as of": opened.as_of.isoformat(),
            "policy version": opened.loaded_policy.policy.version,
            "tables": dg.MetadataValue.table(
                [dg.TableRecord({"table": name, "rows": count}) for name, count in rows.items()]
            ),
        }
    )
