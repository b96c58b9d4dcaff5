"""Where each asset is explained: the page of the docs that defines what it holds, as the UI links to it."""

from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.contracts.outputs import OUTPUT_TABLE

_DEFINITIONS = "docs/definitions"
_INPUT_OF_RAW = {table.raw_asset: table.name for table in INPUT_TABLES}
_BY_ASSET = {
    "daily_rates": f"{_DEFINITIONS}/money.md",
    "duplicate_records": f"{_DEFINITIONS}/duplicates-and-validity.md",
    "lead_validity": f"{_DEFINITIONS}/duplicates-and-validity.md",
    "duplicates": f"{_DEFINITIONS}/duplicates-and-validity.md",
    "duplicate_payments": f"{_DEFINITIONS}/duplicates-and-validity.md#payments-told-twice",
    "returned_payments": f"{_DEFINITIONS}/money.md#what-the-bank-took-back",
    "exceptions": f"{_DEFINITIONS}/exceptions.md",
    "exception_history": f"{_DEFINITIONS}/exceptions.md#history",
    "inbox_files": "docs/sources/files.md",
    "policy_versions": f"{_DEFINITIONS}/policy.md",
    **dict.fromkeys(("meta_beliefs", "meta_restatements"), f"{_DEFINITIONS}/restatements.md"),
    **dict.fromkeys(("validation_results", "validation_samples"), f"{_DEFINITIONS}/validation.md"),
    "change_log": f"{_DEFINITIONS}/change-control.md#the-change-log",
    **dict.fromkeys(
        ("lock_register", "locks_in_force", "locked_bridge", "locked_differences"),
        f"{_DEFINITIONS}/change-control.md#locked-months",
    ),
    "remittances": f"{_DEFINITIONS}/remittances.md",
    "settlements": f"{_DEFINITIONS}/remittances.md",
    "settlement_transfers": f"{_DEFINITIONS}/remittances.md#the-transfer",
    "remittance_lines": f"{_DEFINITIONS}/remittances.md",
    "anomalies": f"{_DEFINITIONS}/diagnosis.md#anomalies",
    "budget_actions": f"{_DEFINITIONS}/budget.md",
    "campaign_weeks": f"{_DEFINITIONS}/budget.md",
    "campaign_load": f"{_DEFINITIONS}/budget.md",
    "record_segments": f"{_DEFINITIONS}/diagnosis.md#segments",
    "record_steps": f"{_DEFINITIONS}/diagnosis.md#steps",
    "segment_funnel": f"{_DEFINITIONS}/diagnosis.md#segments",
    "segment_collected": f"{_DEFINITIONS}/diagnosis.md#segments",
    "segment_cohorts": f"{_DEFINITIONS}/diagnosis.md#segments",
    "published_copy": f"{_DEFINITIONS}/published-tables.md",
    "reports": "docs/reports.md",
    "restricted_contacts": "docs/decisions/20-contact-keys-in-a-file-of-their-own.md",
}
_BY_LAYER = {
    "sources": "docs/sources/README.md",
    "raw": "docs/sources/README.md",
    "canonical": f"{_DEFINITIONS}/input-tables.md",
    "matching": f"{_DEFINITIONS}/matching.md",
    "outcomes": f"{_DEFINITIONS}/ladder.md",
    "views": f"{_DEFINITIONS}/cohorts-and-cash.md",
    "bridge": f"{_DEFINITIONS}/bridge.md",
    "governance": f"{_DEFINITIONS}/coverage.md",
    "decisions": f"{_DEFINITIONS}/diagnosis.md",
    "feedback": f"{_DEFINITIONS}/feedback.md",
}


def definition_of(asset: str, layer: str) -> str:
    """The page that defines what an asset holds, as a path in the project."""
    if asset in _INPUT_OF_RAW:
        return f"{_DEFINITIONS}/input-tables.md#{_INPUT_OF_RAW[asset]}"
    return _BY_ASSET.get(asset) or _BY_LAYER[layer]


def columns_of(asset: str) -> str | None:
    """The section that explains a published table column by column; none for what people do not read."""
    table = OUTPUT_TABLE.get(asset)
    return f"{_DEFINITIONS}/published-tables.md#{asset}" if table and table.published else None
