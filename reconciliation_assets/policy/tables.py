"""The policy for SQL: small tables of words and owners, and named parameters for single values."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import pyarrow as pa

from reconciliation_assets.policy.load import LoadedPolicy
from reconciliation_assets.policy.model import (
    BRIDGE_LINES,
    LINES_OF_ENTRIES,
    METHODS,
    RUNGS,
    SEGMENTED_BY,
    STEPS,
    THREE_DECIMAL_CURRENCIES,
    CrmStages,
    Link,
    Method,
    OrderStatuses,
    Policy,
    as_word,
)

_RATE = Decimal("0.00000001")

# Kinds of record at the two ends of each kind of link.
_LINK_RECORDS: Mapping[Link, tuple[str, str]] = {
    "record_ad": ("record", "ad"),
    "lead_crm": ("lead", "crm_record"),
    "lead_order": ("lead", "order"),
    "order_payment": ("order", "payment"),
    "crm_payment": ("crm_record", "payment"),
}
_CONTACT_UNDER_ANOTHER_NAME = "contact under another name"
_PAYMENT_STEPS: tuple[tuple[str, Method], ...] = (
    ("decision", "manual_verified"),
    ("order", "exact_id"),
    ("invoice of an order", "exact_id"),
    ("waybill", "exact_id"),
    ("CRM record", "exact_id"),
    ("invoice of a CRM record", "exact_id"),
)
# Steps by which a link is known, the strongest first, each with its method.
_MATCH_STEPS: Mapping[Link, tuple[tuple[str, Method], ...]] = {
    "record_ad": (
        ("decision", "manual_verified"),
        ("ad", "exact_id"),
        ("tagged ad", "exact_id"),
        ("campaign", "exact_id"),
        ("tagged campaign", "exact_id"),
        ("ad of its order", "crm_relationship"),
        ("campaign of its order", "crm_relationship"),
        ("campaign name", "inferred"),
    ),
    "lead_crm": (
        ("decision", "manual_verified"),
        ("lead", "exact_id"),
        ("Meta lead", "exact_id"),
        ("contact", "exact_contact"),
        ("merged record", "crm_relationship"),
        (_CONTACT_UNDER_ANOTHER_NAME, "exact_contact"),
    ),
    "lead_order": (
        ("decision", "manual_verified"),
        ("lead", "exact_id"),
        ("contact", "exact_contact"),
        ("CRM record", "crm_relationship"),
        (_CONTACT_UNDER_ANOTHER_NAME, "exact_contact"),
        ("customer", "crm_relationship"),
    ),
    "order_payment": _PAYMENT_STEPS,
    "crm_payment": _PAYMENT_STEPS,
}
# Direction of money by kind: "in" pays what is owed, "out" is paid back to the customer, "back" reverses an "out".
_MONEY_KINDS = pa.table(
    {
        "kind": ["payment", "credit", "refund", "chargeback", "refund_reversal", "chargeback_reversal", "fee"],
        "direction": ["in", "in", "out", "out", "back", "back", "none"],
    }
)


def policy_tables(loaded: LoadedPolicy) -> dict[str, pa.Table]:
    """Every policy table by name: words with their outcome and rung, Meta's words, rates, methods, owners and more."""
    policy = loaded.policy
    return {
        "rungs": pa.table({"rung": list(RUNGS), "rung_order": pa.array(range(len(RUNGS)), pa.int32())}),
        "crm_stages": _word_table(policy.crm_stages),
        "order_statuses": _word_table(policy.order_statuses),
        "meta_words": _meta_words(policy),
        "capi_events": _capi_events(policy),
        "consent_words": pa.table(
            {"word": pa.array([as_word(word) for word in policy.capi.consent_words], pa.string())}
        ),
        "pegged_rates": _pegged_rates(policy),
        "match_methods": pa.table(
            {
                "match_method": list(policy.matching.confidence),
                "confidence": pa.array(policy.matching.confidence.values(), pa.float64()),
                "strength": pa.array([METHODS.index(method) + 1 for method in policy.matching.confidence], pa.int32()),
                "precision_floor": pa.array(
                    [policy.matching.precision_floors.get(method) for method in policy.matching.confidence],
                    pa.float64(),
                ),
                "accept_from": pa.array(
                    [
                        policy.matching.inferred.accept_from if method == "inferred" else 0.0
                        for method in policy.matching.confidence
                    ],
                    pa.float64(),
                ),
                "review_from": pa.array(
                    [policy.matching.inferred.review_from for method in policy.matching.confidence], pa.float64()
                ),
                "validation_floor": pa.array(
                    [policy.validation.precision_floors.get(method) for method in policy.matching.confidence],
                    pa.float64(),
                ),
            }
        ),
        "match_steps": _match_steps(policy),
        "links": pa.table(
            {
                "link": list(_LINK_RECORDS),
                "left_kind": [left for left, _ in _LINK_RECORDS.values()],
                "right_kind": [right for _, right in _LINK_RECORDS.values()],
            }
        ),
        "bridge_lines": pa.table(
            {
                "line": list(BRIDGE_LINES),
                "line_order": pa.array(range(len(BRIDGE_LINES)), pa.int32()),
                "has_entries": [line in LINES_OF_ENTRIES for line in BRIDGE_LINES],
            }
        ),
        "money_kinds": _MONEY_KINDS,
        "verdict_words": _verdict_words(policy),
        "value_bands": _value_bands(policy),
        "reviewers": pa.table(
            {
                "link": pa.array(list(policy.validation.reviewers), pa.string()),
                "team": pa.array(list(policy.validation.reviewers.values()), pa.string()),
            }
        ),
        "maturity_days": pa.table({"maturity_day": pa.array(policy.cohorts.maturity_days, pa.int32())}),
        "steps": pa.table(
            {
                "step": list(STEPS),
                "step_order": pa.array(range(len(STEPS)), pa.int32()),
                "window_days": pa.array([policy.diagnosis.window_days[step] for step in STEPS], pa.int32()),
            }
        ),
        # Every week of age up to the longest maturity, and the longest maturity itself.
        "curve_ages": pa.table(
            {
                "age_days": pa.array(
                    sorted({*range(7, policy.cohorts.maturity_days[-1], 7), policy.cohorts.maturity_days[-1]}),
                    pa.int32(),
                )
            }
        ),
        "segment_kinds": pa.table({"segment_kind": ["all", *SEGMENTED_BY]}),
        "link_owners": pa.table(
            {
                "link": pa.array(list(policy.owners.links), pa.string()),
                "owner": pa.array(list(policy.owners.links.values()), pa.string()),
            }
        ),
        "exception_owners": pa.table(
            {
                "kind": pa.array(list(policy.owners.exceptions), pa.string()),
                "owner": pa.array(list(policy.owners.exceptions.values()), pa.string()),
            }
        ),
    }


def policy_definitions(loaded: LoadedPolicy) -> pa.Table:
    """Every definition with its area: one row per value, and for lists of words one row per word.

    Columns: area (stages, naming, attribution, financial, governance), definition (its key), element (the word of a
    list, otherwise empty), value.
    """
    rows = [
        (_AREAS.get(definition.partition(".")[0], "governance"), definition, element, value)
        for definition, element, value in _flat(loaded.policy.definitions)
    ]
    columns = ("area", "definition", "element", "value")
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(columns)})


# All other definitions belong to "governance": thresholds, owners, validation, change control.
_AREAS = {
    "crm_stages": "stages",
    "order_statuses": "stages",
    "meta_ads": "naming",
    "matching": "attribution",
    "reporting_currency": "financial",
    "zone": "financial",
    "table_zones": "financial",
    "pegged_to_usd": "financial",
    "cohorts": "financial",
    "basis": "financial",
}


def _flat(part: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for key, value in part.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and all(isinstance(word, str) for word in value):
            yield from ((f"{prefix}{key}", word, word) for word in dict.fromkeys(value))
        else:
            yield f"{prefix}{key}", "", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def policy_parameters(loaded: LoadedPolicy, as_of: datetime) -> dict[str, Any]:
    """Named parameters of the SQL files: `$zone`, `$as_of`, `$minor_digits` and the like."""
    policy = loaded.policy
    return {
        "as_of": as_of,
        "zone": policy.zone,
        "reporting_currency": policy.reporting_currency,
        "minor_digits": policy.minor_digits,
        "three_decimal_currencies": " ".join(sorted(THREE_DECIMAL_CURRENCIES)),
        "contact_window_days": policy.matching.contact_window_days,
        "duplicate_window_days": policy.matching.duplicate_window_days,
        "shared_contact_limit": policy.matching.shared_contact_limit,
        "doubtful_accept_from": policy.matching.inferred.accept_from,
        "backtest_fewest": policy.matching.backtest.fewest,
        "recent_days": policy.diagnosis.recent_days,
        "past_days": policy.diagnosis.past_days,
        "answer_within_minutes": policy.diagnosis.answer_within_minutes,
        "budget_days": policy.budget.recent_days,
        "busy_open_leads": policy.budget.busy_open_leads,
        "busy_answer_minutes": policy.budget.busy_answer_minutes,
        "longest_maturity": policy.cohorts.maturity_days[-1],
        "validation_seed": policy.validation.seed,
        "links_per_stratum": policy.validation.links_per_stratum,
        "fewest_verdicts": policy.validation.fewest_verdicts,
        "meta_months_close_after_days": policy.change_control.meta_months_close_after_days,
        "transfer_within_days": policy.remittances.transfer_within_days,
        "include_tax": policy.basis.include_tax,
        "include_shipping": policy.basis.include_shipping,
        "deduct_payment_fees": policy.basis.deduct_payment_fees,
        "capi_max_age_hours": policy.capi.max_age_hours,
        "capi_weakest_strength": METHODS.index(policy.capi.weakest_method) + 1,
        "capi_confidence_from": policy.capi.confidence_from,
        "capi_hashed_contacts": policy.capi.hashed_contacts,
        "default_owner": policy.owners.default,
        "policy_version": policy.version,
    }


def _word_table(part: CrmStages | OrderStatuses) -> pa.Table:
    rows = [(as_word(word), outcome, words.rung) for outcome, words in part for word in words.words]
    words, outcomes, rungs = zip(*rows, strict=True)
    return pa.table(
        {
            "word": list(words),
            "outcome": list(outcomes),
            "rung": list(rungs),
            "rung_order": pa.array([RUNGS.index(rung) for rung in rungs], pa.int32()),
        }
    )


def _match_steps(policy: Policy) -> pa.Table:
    """Every step with its place among those of its link, its method, and the confidence of a pair without rivals."""
    rows = [
        (link, step, place, method, step == _CONTACT_UNDER_ANOTHER_NAME)
        for link, steps in _MATCH_STEPS.items()
        for place, (step, method) in enumerate(steps, 1)
    ]
    matching = policy.matching
    return pa.table(
        {
            "link": [row[0] for row in rows],
            "step": [row[1] for row in rows],
            "step_order": pa.array([row[2] for row in rows], pa.int32()),
            "match_method": [row[3] for row in rows],
            "is_doubtful": [row[4] for row in rows],
            "confidence": pa.array(
                [matching.doubtful_contact_confidence if row[4] else matching.confidence[row[3]] for row in rows],
                pa.float64(),
            ),
        }
    )


def _verdict_words(policy: Policy) -> pa.Table:
    rows = [(as_word(word), verdict) for verdict, words in policy.validation.words for word in words]
    return pa.table({"word": [word for word, _ in rows], "verdict": [verdict for _, verdict in rows]})


def _value_bands(policy: Policy) -> pa.Table:
    """One row per band: name, lower bound (inclusive) and upper bound (exclusive; null for the last)."""
    bounds = [Decimal(0), *policy.validation.value_bands]
    return pa.table(
        {
            "value_band": [
                f"from {low:f}" if high is None else f"{low:f} to {high:f}"
                for low, high in zip_longest(bounds, bounds[1:])
            ],
            "value_from": pa.array(bounds, pa.decimal128(18, 3)),
            "value_to": pa.array([*bounds[1:], None], pa.decimal128(18, 3)),
        }
    )


def _meta_words(policy: Policy) -> pa.Table:
    kinds = {
        "source": policy.meta_ads.sources,
        "medium": policy.meta_ads.mediums,
        "organic_medium": policy.meta_ads.organic_mediums,
    }
    rows = [(kind, as_word(word)) for kind, words in kinds.items() for word in words]
    return pa.table({"kind": [kind for kind, _ in rows], "word": [word for _, word in rows]})


def _capi_events(policy: Policy) -> pa.Table:
    """Name, maturity and required consent of every event that may be sent, by outcome and kind of record."""
    maturity, needed = dict(policy.capi.maturity_days), dict(policy.capi.consent_needed)
    rows = [
        (outcome, RUNGS.index(outcome), kind, name, maturity[outcome], needed[kind])
        for outcome, names in policy.capi.events
        for kind, name in names
        if name is not None
    ]
    types = (pa.string(), pa.int32(), pa.string(), pa.string(), pa.int32(), pa.bool_())
    names = ("outcome", "rung_order", "record_type", "event_name", "maturity_days", "is_consent_needed")
    return pa.table({name: pa.array([row[place] for row in rows], types[place]) for place, name in enumerate(names)})


def _pegged_rates(policy: Policy) -> pa.Table:
    """Reporting currency per one unit of each pegged currency; empty where the reporting currency has no peg."""
    pegs = policy.pegged_to_usd
    own = pegs.get(policy.reporting_currency)
    currencies = sorted(pegs) if own is not None else []
    rates = [(own / pegs[currency]).quantize(_RATE) for currency in currencies] if own is not None else []
    return pa.table({"currency": pa.array(currencies, pa.string()), "rate": pa.array(rates, pa.decimal128(18, 8))})
