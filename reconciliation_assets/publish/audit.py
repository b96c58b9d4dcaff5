"""The audit of a company that starts: what is defined, delivered, tracked and linked, which rules to agree on, next steps.

One HTML file in the folder of the report. It reads the published copy, so it can be written during a run. It contains counts,
rules and campaign names, never a contact or an identifier of a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.files import atomic_file
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.publish.amounts import FigureFormatter
from reconciliation_assets.publish.figures import Published, UnreadableCopyError
from reconciliation_assets.publish.naming import naming_findings
from reconciliation_assets.publish.pages import rendered
from reconciliation_assets.publish.roadmap import FieldFill, Findings, OpenItems, roadmap
from reconciliation_assets.publish.words import ANOMALIES, LINKS

FILE_NAME = "audit.html"
SHOWN = 20

# Optional tables: rates may be pegged, transfers matter only with settlements, the others are entered by hand.
_OPTIONAL = {
    *("fx_rates", "transfers", "manual_matches", "manual_adjustments"),
    *("validation_verdicts", "method_sign_offs", "period_locks"),
}
_TRACKED = {
    "leads": (
        "campaign_id",
        "ad_id",
        "meta_lead_id",
        "click_id",
        "utm_campaign",
        "utm_content",
        "landing_page",
        "form_id",
    ),
    "orders": ("campaign_id", "ad_id", "click_id", "browser_id", "utm_campaign", "utm_content", "landing_page"),
}
# Fields needed for attribution and feedback; other tracking fields only help.
_NEEDED = {"leads": ("campaign_id", "consent"), "orders": ("campaign_id", "click_id")}
_SHIPPED_APPROVAL = "product defaults"


class OutdatedCopyError(UnreadableCopyError):
    """The published copy lacks a table that the audit reads; the message says what to do."""


@dataclass(frozen=True)
class System:
    """A configured source: its name in the sources file, and its type."""

    name: str
    kind: str


def write_audit(published_path: Path, path: Path, policy: Policy, systems: Sequence[System], as_of: datetime) -> None:
    """Write the audit of a published copy, atomically.

    Args:
        published_path: the published database.
        path: the HTML file.
        policy: the definitions in force.
        systems: the sources that are configured.
        as_of: the time the figures are as of, in the readers' time zone.

    Raises:
        OutdatedCopyError: the copy was made by an older version of the product.
        UnreadableCopyError: the copy is damaged.
    """
    with Published(published_path) as published:
        if not published.has("policy_choices"):
            raise OutdatedCopyError(f"{published_path} was made by an older version: run `reconcile run` for an audit.")
        html = render_audit(published, policy, systems, as_of)
    with atomic_file(path) as unfinished:
        unfinished.write_text(html, "utf-8")


def render_audit(published: Published, policy: Policy, systems: Sequence[System], as_of: datetime) -> str:
    """The audit as HTML; the same for the same published copy, policy, systems and instant."""
    inventory = _named(published, _INVENTORY)
    delivered = {row["source_table"] for row in inventory}
    missing = [table.name for table in INPUT_TABLES if table.name not in delivered | _OPTIONAL]
    campaigns = published.rows(_CAMPAIGNS)
    naming = naming_findings([(str(campaign_id), name) for campaign_id, name in campaigns])
    fills = _named(published, _FILLS)
    choices = _named(published, _CHOICES)
    coverage = _named(published, _COVERAGE)
    unmatched = _named(published, _UNMATCHED)
    duplicates = _named(published, _DUPLICATES)
    found = Findings(
        is_signed=policy.approved_by != _SHIPPED_APPROVAL,
        weight=max((abs(row["value"]) for row in choices), default=Decimal(0)),
        missing_inputs=missing,
        bad_rows=published.quarantined(),
        is_untracked=bool(campaigns) and not any(row["link"] == "record_ad" and row["matched"] for row in coverage),
        naming=naming,
        fills=[
            FieldFill(row["source_table"], row["column_name"], row["records"], row["fill_rate"])
            for row in fills
            if row["column_name"] in _NEEDED[row["source_table"]] and row["fill_rate"] is not None
        ],
        unmatched=[OpenItems(*row) for row in published.rows(_UNMATCHED_GAPS)],
        exceptions=[OpenItems(queue.kind, queue.owner, queue.count, queue.value) for queue in published.queues()],
        duplicates=OpenItems("duplicates", "marketing", *published.rows(_DUPLICATES_GAP)[0]),
        anomalies=[OpenItems(*row) for row in published.rows(_ANOMALY_GAPS)],
        unconsented=OpenItems("consent", "marketing", *published.rows(_UNCONSENTED_GAP)[0]),
    )
    return rendered(
        "audit.html.j2",
        write=FigureFormatter(published.currency(), policy.locale, policy.numerals),
        as_of=as_of,
        policy=policy,
        published_version=published.policy_version(),
        systems=systems,
        inventory=inventory,
        missing=missing,
        quarantined=published.quarantined(),
        campaigns=len({row[0] for row in campaigns}),
        naming=naming[:SHOWN],
        naming_left=max(len(naming) - SHOWN, 0),
        tracking=[row for row in fills if row["column_name"] in _TRACKED[row["source_table"]]],
        coverage=coverage,
        unmatched=unmatched[:SHOWN],
        unmatched_left=max(len(unmatched) - SHOWN, 0),
        duplicates=duplicates[:SHOWN],
        unknown_words=_named(published, _UNKNOWN_WORDS),
        choices=choices,
        steps=roadmap(found),
        anomalies=published.anomalies(),
        anomaly_names=ANOMALIES,
        link_names=LINKS,
    )


def _named(published: Published, sql: str) -> list[dict[str, Any]]:
    """Rows of a query by column name."""
    columns = [name for name, *_ in published.rows(f"describe {sql}")]
    return [dict(zip(columns, row, strict=True)) for row in published.rows(sql)]


_INVENTORY = """
select source_table, origin, origin_name, preset, records, bad_rows, set_aside_reason, newest_day
from reporting.source_inventory order by source_table, origin, origin_name
"""
_CAMPAIGNS = "select distinct campaign_id, campaign_name from reporting.platform_performance order by all"
_FILLS = """
select source_table, column_name, records, filled, fill_rate from reporting.field_fill
where population = 'from_meta' and records > 0 order by source_table, fill_rate, column_name
"""
_COVERAGE = """
select link, sum(records) as expected,
       coalesce(sum(records) filter (match_method <> 'unmatched'), 0) as matched,
       coalesce(sum(record_rate) filter (match_method <> 'unmatched'), 0) as record_rate,
       coalesce(sum(value_rate) filter (match_method <> 'unmatched'), 0) as value_rate
from reporting.match_coverage where is_applicable group by link order by link
"""
# IDs inside reasons would make every row its own group.
_UNMATCHED = r"""
select link, regexp_replace(reason, '[\w-]*\d[\w-]*', '…', 'g') as why, owner, count(*) as things, sum(value) as value
from reporting.unmatched_records group by all order by things desc, link, why
"""
_UNMATCHED_GAPS = """
select link, owner, count(*), sum(value) from reporting.unmatched_records group by all order by link, owner
"""
_ANOMALY_GAPS = """
select anomaly, owner, count(*), sum(value) from reporting.anomalies group by all order by anomaly, owner
"""
_DUPLICATES = """
select source_table, rule, count(*) as records, count(distinct duplicate_of) as originals, sum(value) as value
from reporting.duplicate_records group by all order by records desc, source_table, rule
"""
_DUPLICATES_GAP = "select count(*), coalesce(sum(value), 0) from reporting.duplicate_records"
_UNCONSENTED_GAP = """
select count(*), coalesce(sum(value), 0) from reporting.capi_outbox
where status = 'refused' and reason like 'no consent is recorded%' and outcome = 'collected'
  and identifiers is not null
"""
_UNKNOWN_WORDS = """
select detail, owner, count(*) as things, sum(value) as value from reporting.exceptions
where kind like 'unknown_%' group by all order by things desc, detail
"""
_CHOICES = """
select choice, setting, alternative, measure, records, value from reporting.policy_choices
order by abs(value) desc, choice
"""
