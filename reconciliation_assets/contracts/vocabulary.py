"""Allowed words of columns that occur in several tables; a table names a vocabulary or lists its own words."""

from collections.abc import Mapping
from typing import Final

from reconciliation_assets.policy.model import (
    BRIDGE_LINES,
    LINES_OF_ENTRIES,
    LINKS,
    METHODS,
    RUNGS,
    SEGMENTED_BY,
    STEPS,
)

# Segments by which match rates are checked, the total first.
SEGMENT_KINDS: Final = (
    "all",
    "form",
    "landing_page",
    "campaign",
    "source",
    "owner",
    "market",
    "language",
    "consent",
    "payment_method",
    "value_band",
)

# Display name of each kind of link: the record to match, and the record it belongs to.
LINK_NAMES: Final[dict[str, str]] = {
    "record_ad": "record to ad",
    "lead_crm": "lead to CRM",
    "lead_order": "order to lead",
    "order_payment": "payment to order",
    "crm_payment": "payment to CRM",
}

_CRM_OUTCOMES = ("open", "qualified", "won", "lost", "invalid")
_ORDER_OUTCOMES = ("placed", "confirmed", "fulfilled", "cancelled", "returned", "invalid")

VOCABULARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "bridge_lines": BRIDGE_LINES,
    "crm_outcomes": _CRM_OUTCOMES,
    "decisions": ("accept", "reject"),
    "lines_of_entries": LINES_OF_ENTRIES,
    "links": LINKS,
    "methods": METHODS,
    "methods_or_unmatched": (*METHODS, "unmatched"),
    "order_outcomes": _ORDER_OUTCOMES,
    "outcomes_told": ("captured", "qualified", "won", "collected"),
    "part_outcomes": tuple(dict.fromkeys((*_CRM_OUTCOMES, *_ORDER_OUTCOMES))),
    "rungs": RUNGS,
    "segments_of_match_rates": SEGMENT_KINDS,
    "segments_of_views": ("all", *SEGMENTED_BY),
    "steps": STEPS,
    "tied_by": ("settlement_id", "reference", "amount"),
    "verdicts": ("correct", "wrong", "unclear"),
}
