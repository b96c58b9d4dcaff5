"""The groups in which the UI shows the assets: by layer, and where a layer is too large to read, by what its assets are for."""

from collections.abc import Mapping
from typing import Final

_BY_LAYER: Final[Mapping[str, str]] = {
    "sources": "source_systems",
    "raw": "raw_inputs",
    "canonical": "clean_inputs",
    "matching": "matching_links",
    "views": "performance_views",
    "governance": "data_quality",
    "feedback": "feedback_to_meta",
    "publish": "published",
}
_BY_PURPOSE: Final[Mapping[str, tuple[str, ...]]] = {
    "matching_candidates": (
        *("ads", "campaigns", "captured_records", "contact_owners", "lead_contact_pairs", "lead_validity"),
        *("record_origins", "duplicate_candidates", "duplicates"),
    ),
    "matching_inference": (
        *("matchable_leads", "matchable_crm_records", "matchable_orders", "payables", "matchable_payments"),
        *("known_lead_crm", "known_lead_order"),
        *("inferred_lead_crm", "inferred_lead_order"),
        *("lead_crm_proposals", "lead_order_proposals", "payment_proposals", "record_ad_proposals"),
    ),
    "matching_proof": (
        *("backtest_links", "match_backtest", "match_calibration", "match_standing"),
        *("validation_samples", "validation_results"),
    ),
    "coverage": (
        *("expected_matches", "coverage_things", "match_coverage", "coverage_daily", "coverage_history"),
        "unmatched_records",
    ),
    "change_control": (
        *("change_log", "lock_register", "locks_in_force", "locked_bridge", "locked_differences"),
        *("meta_beliefs", "meta_restatements", "policy_choices", "policy_versions"),
    ),
}
GROUP_OF: Final = {asset: group for group, assets in _BY_PURPOSE.items() for asset in assets}


def group_of(asset: str, layer: str) -> str:
    """The group of an asset that is made in a layer."""
    return GROUP_OF.get(asset) or _BY_LAYER.get(layer, layer)
