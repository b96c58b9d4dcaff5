"""The last assets of the chain: the published copy, the reports made from it, and the contact keys for manual matching."""

import dagster as dg

from reconciliation_assets.chain.assets import upstream_assets
from reconciliation_assets.chain.installation import Installation
from reconciliation_assets.chain.tables import published_tables
from reconciliation_assets.checks.catalog import blocking_checks
from reconciliation_assets.errors import without_values
from reconciliation_assets.publish.copy import SCHEMA, publish
from reconciliation_assets.publish.queues import write_queues
from reconciliation_assets.publish.readiness import require_ready
from reconciliation_assets.publish.report import FILE_NAME, write_report
from reconciliation_assets.publish.restricted import SCHEMA as RESTRICTED
from reconciliation_assets.publish.restricted import publish_contact_keys
from reconciliation_assets.publish.validation_sheets import write_validation_sheets
from reconciliation_assets.publish.wording import wording
from reconciliation_assets.publish.workbook import write_workbook


def published_copy() -> dg.AssetsDefinition:
    """The published copy of the tables that people read."""

    @dg.asset(
        name="published_copy",
        deps=[table.name for table in published_tables()],
        kinds={"duckdb"},
        owners=["team:data"],
        tags={"layer": "publish"},
        description=(
            f"The database people read: schema `{SCHEMA}`, every table and column with its meaning. It is replaced only when "
            "every blocking check held, by renaming a finished file over the old one."
        ),
    )
    @without_values()
    def copied(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Replace the published copy if all blocking checks of its upstream tables passed."""
        blocking = [dg.AssetCheckKey(dg.AssetKey(table), name) for table, name in blocking_checks()]
        require_ready(context.instance, upstream_assets(), blocking)
        opened = installation.now
        rows = publish(opened.warehouse, published_tables(), opened.settings.published_path)
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

    return copied


@dg.asset(
    deps=["published_copy"],
    kinds={"html", "excel", "csv"},
    owners=["team:data"],
    tags={"layer": "publish"},
    description=(
        "For people who never open Dagster, in the data directory's `reports/`: `reconciliation.html`, which opens "
        "anywhere without a network, `reconciliation.xlsx`, whose bridge is live formulas over its entries, `exceptions/`, what "
        "waits for each owner as a CSV, and the sheets of sampled links for reviewers. All are made of the published copy alone."
    ),
)
@without_values()
def reports(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write report, workbook and queues from the published copy."""
    opened = installation.now
    policy = opened.loaded_policy.policy
    as_of = opened.as_of.astimezone(policy.timezone)
    page = opened.settings.reports_dir / FILE_NAME
    workbook = opened.settings.reports_dir / "reconciliation.xlsx"
    say = wording(policy.locale)
    write_report(opened.settings.published_path, page, as_of, policy.locale, policy.company, policy.numerals)
    write_workbook(opened.settings.published_path, workbook, as_of, say)
    sheets = write_validation_sheets(
        opened.settings.published_path, opened.settings.reports_dir / "validation", policy.timezone
    )
    queues = write_queues(
        opened.settings.published_path, opened.settings.queues_dir, policy.owners.everybody, policy.timezone, say
    )
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.path(str(page)),
            "workbook": dg.MetadataValue.path(str(workbook)),
            "sheets for reviewers, written now": ", ".join(path.name for path in sheets) or "none",
            "queues": dg.MetadataValue.table(
                [dg.TableRecord({"file": str(path), "open exceptions": count}) for path, count in queues.items()]
            ),
            "as of": opened.as_of.isoformat(),
            "locale": policy.locale,
        }
    )


@dg.asset(
    deps=["published_copy"],
    kinds={"duckdb"},
    owners=["team:data"],
    tags={"layer": "publish"},
    description=(
        f"For those who match by hand, apart from the published copy: schema `{RESTRICTED}` of `restricted/contacts.duckdb`, "
        "the protected keys of the contacts of current rows. No contact can be read from a key; two rows with the same key "
        "share one. The folder's permissions say who may read it."
    ),
)
@without_values()
def restricted_contacts(installation: Installation) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Replace the restricted file of contact keys."""
    opened = installation.now
    count = publish_contact_keys(opened.ledger, opened.settings.restricted_path)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": count,
            "path": dg.MetadataValue.path(str(opened.settings.restricted_path)),
        }
    )
