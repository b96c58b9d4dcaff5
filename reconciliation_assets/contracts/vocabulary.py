"""The words that columns of several tables hold; a table names a vocabulary, or lists words of its own."""

from collections.abc import Mapping
from typing import Final

from reconciliation_assets.policy.model import LINKS, METHODS, RUNGS, SEGMENTED_BY, STEPS

BRIDGE_LINES: Final = (
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
# What match rates are judged by, the whole first.
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

_CRM_OUTCOMES = ("open", "qualified", "won", "lost", "invalid")
_ORDER_OUTCOMES = ("placed", "confirmed", "fulfilled", "cancelled", "returned", "invalid")

VOCABULARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "bridge_lines": BRIDGE_LINES,
    "crm_outcomes": _CRM_OUTCOMES,
    "decisions": ("accept", "reject"),
    "lines_of_entries": BRIDGE_LINES[4:9],
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
