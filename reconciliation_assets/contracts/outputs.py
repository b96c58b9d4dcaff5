"""The computed tables, layer by layer: what a row is, who answers for it and the rules its rows keep."""

from reconciliation_assets.contracts.model import OutputTable
from reconciliation_assets.policy.model import LINKS, METHODS, RUNGS

MARKETING, SALES, FINANCE, DATA = "marketing", "sales-operations", "finance", "data"

BRIDGE_LINES = (
    "platform_attributed",
    "claimed_not_captured",
    "captured_not_claimed",
    "valuation",
    "invalid_or_duplicate",
    "lost_or_cancelled",
    "returned_refunded_failed",
    "open",
    "value_and_basis",
    "manual_adjustment",
    "collected",
)
_ENTRY_LINES = BRIDGE_LINES[4:9]
_CRM_OUTCOMES = ("open", "qualified", "won", "lost", "invalid")
_ORDER_OUTCOMES = ("placed", "confirmed", "fulfilled", "cancelled", "returned", "invalid")
_PART_OUTCOMES = tuple(dict.fromkeys((*_CRM_OUTCOMES, *_ORDER_OUTCOMES)))
_LINK_COLUMNS = ("link", "left_id", "right_id", "match_method", "match_confidence", "evidence", "candidates")

CANONICAL: tuple[OutputTable, ...] = (
    OutputTable("daily_rates", "canonical", "currency and day that needs a rate", FINANCE, ("currency", "day")),
    OutputTable(
        "meta_insights",
        "canonical",
        "ad, day, attribution setting and result type",
        MARKETING,
        ("account_id", "ad_id", "date", "attribution_setting", "result_type"),
        required=("account_id", "account_currency", "campaign_id", "ad_id", "date", "spend_value"),
        at_least_zero=("spend", "results", "attributed_value", "impressions", "clicks"),
    ),
    OutputTable(
        "leads",
        "canonical",
        "lead",
        MARKETING,
        ("lead_id",),
        required=("lead_id", "created_at", "created_date", "is_test"),
        at_least_zero=("stated_amount", "stated_value"),
    ),
    OutputTable(
        "crm_records",
        "canonical",
        "CRM record",
        SALES,
        ("crm_id",),
        required=("crm_id", "created_at", "stage", "outcome", "rung_order"),
        words={"outcome": _CRM_OUTCOMES},
        at_least_zero=("final_amount", "final_value", "rung_order"),
    ),
    OutputTable(
        "crm_stage_changes",
        "canonical",
        "CRM record, stage and time it was entered",
        SALES,
        ("crm_id", "stage", "entered_at"),
        required=("crm_id", "stage", "entered_at"),
    ),
    OutputTable(
        "orders",
        "canonical",
        "order",
        FINANCE,
        ("order_id",),
        required=("order_id", "created_at", "outcome", "gross_amount", "gross_value", "currency"),
        words={"outcome": _ORDER_OUTCOMES},
        at_least_zero=("gross_amount", "gross_value"),
    ),
    OutputTable("invoices", "canonical", "invoice", FINANCE, ("invoice_id",), required=("invoice_id", "amount")),
    OutputTable(
        "payments",
        "canonical",
        "payment",
        FINANCE,
        ("payment_id",),
        required=("payment_id", "kind", "status", "paid_at", "amount", "currency", "signed_value", "is_money"),
        words={"kind": ("payment", "refund", "chargeback", "fee")},
        at_least_zero=("amount",),
    ),
    OutputTable(
        "manual_matches",
        "canonical",
        "link and pair that a person decided",
        DATA,
        ("link", "left_id", "right_id"),
        required=("link", "left_id", "right_id", "verdict"),
        words={"link": LINKS, "verdict": ("accept", "reject")},
    ),
    OutputTable(
        "manual_adjustments",
        "canonical",
        "adjustment",
        FINANCE,
        ("adjustment_id",),
        required=("adjustment_id", "cohort_date", "amount", "value", "reason", "adjusted_by"),
    ),
)

MATCHING: tuple[OutputTable, ...] = (
    OutputTable("repeat_candidates", "matching", "record and shared key", DATA, ()),
    OutputTable("repeats", "matching", "duplicate", DATA, ("source_table", "source_id")),
    OutputTable("contact_owners", "matching", "lead and contact", DATA, ()),
    OutputTable("lead_crm_links", "matching", "linked CRM record", SALES, ("right_id",)),
    OutputTable("lead_validity", "matching", "lead", SALES, ("lead_id",)),
    OutputTable("lead_order_links", "matching", "linked order", SALES, ("right_id",)),
    OutputTable("payment_links", "matching", "linked payment", FINANCE, ("right_id",)),
    OutputTable("captured_records", "matching", "captured record", DATA, ("record_id",)),
    OutputTable("ads", "matching", "ad", MARKETING, ("ad_id",)),
    OutputTable("campaigns", "matching", "campaign", MARKETING, ("campaign_id",)),
    OutputTable("record_ad_links", "matching", "record linked to an ad", MARKETING, ("left_id",)),
    OutputTable("record_origins", "matching", "captured record", MARKETING, ("record_id",)),
    OutputTable(
        "match_links",
        "matching",
        "accepted link",
        DATA,
        ("link", "left_id", "right_id"),
        required=_LINK_COLUMNS,
        words={"link": LINKS, "match_method": METHODS},
        shares=("match_confidence",),
        published=True,
    ),
)

OUTCOMES: tuple[OutputTable, ...] = (
    OutputTable("payment_money", "outcomes", "settled payment", FINANCE, ("payment_id",)),
    OutputTable("order_outcomes", "outcomes", "order", FINANCE, ("order_id",)),
    OutputTable("opportunity_outcomes", "outcomes", "lead with CRM records", SALES, ("record_id",)),
    OutputTable(
        "record_parts",
        "outcomes",
        "order of a record, or its opportunity",
        FINANCE,
        ("record_id", "order_id"),
        words={"outcome": _PART_OUTCOMES},
    ),
    OutputTable(
        "record_outcomes", "outcomes", "captured record", FINANCE, ("record_id",), words={"rung": tuple(RUNGS)}
    ),
    OutputTable(
        "matched_chain",
        "outcomes",
        "captured record",
        DATA,
        ("record_id",),
        required=(
            *(
                "record_id",
                "record_type",
                "created_at",
                "cohort_date",
                "rung",
                "is_valid",
                "stated_value",
                "final_value",
            ),
            *("collected_value", "refunded_value", "currency", "chain_confidence", "policy_version"),
        ),
        words={"record_type": ("lead", "order"), "rung": tuple(RUNGS)},
        at_least_zero=("stated_value", "final_value", "refunded_value", "order_count", "payment_count"),
        shares=("chain_confidence",),
        published=True,
    ),
)

VIEWS: tuple[OutputTable, ...] = (
    OutputTable(
        "platform_performance",
        "views",
        "ad, day, attribution setting and result type",
        MARKETING,
        ("account_id", "ad_id", "date", "attribution_setting", "result_type"),
        required=("account_id", "campaign_id", "ad_id", "date", "spend_value", "attributed_value_reporting"),
        at_least_zero=("spend_value", "attributed_value_reporting", "results"),
        published=True,
    ),
    OutputTable(
        "funnel_performance",
        "views",
        "cohort month and campaign",
        SALES,
        ("cohort_start", "campaign_id"),
        required=("cohort_start", "captured", "valid", "qualified", "won", "collected"),
        at_least_zero=("captured", "valid", "qualified", "won", "collected"),
        shares=("valid_rate", "qualified_rate", "won_rate", "collected_rate"),
        published=True,
    ),
    OutputTable("payment_certainty", "views", "linked payment", FINANCE, ("payment_id",)),
    OutputTable(
        "collected_performance",
        "views",
        "cohort month and campaign",
        FINANCE,
        ("cohort_start", "campaign_id"),
        required=("cohort_start", "spend_value", "collected_value", "refunded_value", "paid_records"),
        at_least_zero=("spend_value", "refunded_value", "paid_records"),
        published=True,
    ),
    OutputTable(
        "two_numbers",
        "views",
        "cohort month and campaign",
        FINANCE,
        ("cohort_start", "campaign_id"),
        required=("cohort_start", "platform_value", "collected_value", "difference", "is_complete"),
        shares=("record_rate", "value_rate"),
        published=True,
    ),
    OutputTable(
        "cohort_snapshots",
        "views",
        "cohort month, campaign and maturity day",
        FINANCE,
        ("cohort_start", "campaign_id", "maturity_day"),
        required=("cohort_start", "maturity_day", "is_complete", "captured", "collected_value"),
        at_least_zero=("captured", "valid", "qualified", "won", "collected", "spend_value"),
        published=True,
    ),
    OutputTable(
        "cash_view",
        "views",
        "calendar month of the money and currency",
        FINANCE,
        ("month", "currency"),
        required=("month", "currency", "collected_value", "refunded_value", "matched_value", "unmatched_value"),
        at_least_zero=("refunded_value",),
        published=True,
    ),
    OutputTable(
        "unmatched_revenue",
        "views",
        "calendar month",
        FINANCE,
        ("month",),
        required=("month", "amount", "currency", "payments"),
        published=True,
    ),
)

BRIDGE: tuple[OutputTable, ...] = (
    OutputTable(
        "bridge_entries",
        "bridge",
        "signed entry",
        FINANCE,
        ("entry_id",),
        required=("entry_id", "record_id", "cohort_date", "line", "amount", "currency", "reason", "policy_version"),
        words={"line": _ENTRY_LINES},
        published=True,
    ),
    OutputTable("bridge_groups", "bridge", "cohort month and campaign", FINANCE, ("period_start", "campaign_id")),
    OutputTable(
        "bridge",
        "bridge",
        "cohort month, campaign and line",
        FINANCE,
        ("period_start", "campaign_id", "line"),
        required=("period_start", "line_order", "line", "amount", "records", "currency", "policy_version"),
        words={"line": BRIDGE_LINES},
        at_least_zero=("line_order",),
        published=True,
    ),
)

GOVERNANCE: tuple[OutputTable, ...] = (
    OutputTable(
        "expected_matches", "governance", "thing expected to match", DATA, ("link", "source_table", "source_id")
    ),
    OutputTable(
        "match_coverage",
        "governance",
        "link and method, unmatched included",
        DATA,
        ("link", "match_method"),
        required=("link", "match_method", "records", "value", "is_applicable"),
        words={"link": LINKS, "match_method": (*METHODS, "unmatched")},
        shares=("record_rate", "value_rate"),
        published=True,
    ),
    OutputTable(
        "unmatched_records",
        "governance",
        "thing expected to match that did not",
        DATA,
        ("link", "source_table", "source_id"),
        required=("link", "source_table", "source_id", "created_at", "value", "age_days", "reason", "owner"),
        words={"link": LINKS},
        published=True,
    ),
    OutputTable(
        "duplicate_records",
        "governance",
        "row counted as a duplicate",
        DATA,
        ("source_table", "source_id"),
        required=("source_table", "source_id", "duplicate_of", "rule", "value"),
        published=True,
    ),
    OutputTable(
        "source_totals",
        "governance",
        "input table and measure",
        FINANCE,
        ("source_table", "measure"),
        required=("source_table", "measure", "source_total", "accepted", "superseded", "quarantined", "difference"),
        published=True,
    ),
    OutputTable(
        "quarantined_rows",
        "governance",
        "bad row, or file set aside",
        DATA,
        (),
        required=("source_table", "file", "reason"),
        published=True,
    ),
    OutputTable(
        "exceptions",
        "governance",
        "thing somebody must act on",
        DATA,
        ("exception_id",),
        required=("exception_id", "kind", "source_table", "source_id", "value", "owner", "detail"),
        published=True,
    ),
    OutputTable(
        "policy_versions",
        "governance",
        "policy ever used",
        DATA,
        ("policy_version",),
        required=("policy_version", "content_hash", "effective_from", "first_used_at", "change_reason", "approved_by"),
        published=True,
    ),
)

OUTPUT_TABLES: tuple[OutputTable, ...] = (*CANONICAL, *MATCHING, *OUTCOMES, *VIEWS, *BRIDGE, *GOVERNANCE)
OUTPUT_TABLE: dict[str, OutputTable] = {table.name: table for table in OUTPUT_TABLES}
