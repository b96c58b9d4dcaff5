"""The roadmap of an audit: the next steps in order, with owner and value at stake. Pure functions.

Foundations come first: agreed definitions, then input that is present and readable. The other steps are ordered by value at
stake, then by number of items.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

LOW_FILL = 0.8
"""A tracking field filled in a smaller share of the records from Meta is worth a step."""

_OF_A_KIND = {
    "unknown_order_status": "Put the unknown order statuses into the policy, or correct them in the shop",
    "unknown_crm_stage": "Put the unknown CRM stages into the policy, or correct them in the CRM",
    "unknown_qualification_status": "Put the unknown qualification statuses into the policy",
    "unknown_payment_status": "Decide which unknown payment statuses count as money",
    "unmatched_money": "Find the records that unmatched payments belong to",
    "money_kept_on_cancelled_order": "Refund money kept on cancelled orders, or correct their status",
    "overpaid_order": "Look for payments booked twice on overpaid orders",
    "possible_match": "Accept or reject the possible matches",
}
_FIXED = {
    "record_ad": "Carry the ad's IDs from the link or form into the record",
    "lead_crm": "Carry the lead's ID into the CRM",
    "lead_order": "Carry the lead's ID into the order",
    "order_payment": "Have every payment name its order, invoice or waybill",
    "crm_payment": "Have every payment name its CRM record or invoice, and every CRM record its lead",
}
_STANDS_OUT = {
    "overrated_by_meta": "Judge campaigns that Meta overrates by collected money",
    "tracking_lost": "Find out why forms or landing pages lost their tracking, and watch for it",
    "remittance_late": "Hold couriers to the agreed remittance dates",
}
_LINKS_OF_MONEY = {"order_payment", "crm_payment"}


@dataclass(frozen=True)
class NextStep:
    """One next step.

    Attributes:
        things: number of items it covers.
        value: their value; None if they have none.
        table: published table that lists them.
    """

    what: str
    owner: str
    things: int
    value: Decimal | None
    table: str


@dataclass(frozen=True)
class OpenItems:
    """Open items of one kind and owner: exceptions, unmatched links or anomalies."""

    kind: str
    owner: str
    things: int
    value: Decimal


@dataclass(frozen=True)
class FieldFill:
    """How often a tracking field is filled among records that came from Meta."""

    table: str
    column: str
    records: int
    rate: float


@dataclass(frozen=True)
class Findings:
    """What an audit found.

    Attributes:
        is_signed: whether the company approved its own definitions.
        weight: the largest change that one of the policy's choices makes.
        missing_inputs: input tables without any data.
        bad_rows: number of rows that could not be used.
        is_untracked: whether Meta reports ads but no record is linked to any.
        naming: sentences about campaign names.
        unconsented: outcomes that are not sent to Meta because consent is not recorded, and their value.
        anomalies: anomalies over the whole history, by kind.
    """

    is_signed: bool
    weight: Decimal
    missing_inputs: Sequence[str] = ()
    bad_rows: int = 0
    is_untracked: bool = False
    naming: Sequence[str] = ()
    fills: Sequence[FieldFill] = ()
    unmatched: Sequence[OpenItems] = ()
    exceptions: Sequence[OpenItems] = ()
    duplicates: OpenItems | None = None
    unconsented: OpenItems | None = field(default=None)
    anomalies: Sequence[OpenItems] = ()


def roadmap(found: Findings) -> list[NextStep]:
    """The next steps in order."""
    return [
        *_foundations(found),
        *sorted(_repairs(found), key=lambda step: (-(step.value or 0), -step.things, step.what)),
    ]


def _foundations(found: Findings) -> Iterator[NextStep]:
    if not found.is_signed:
        yield NextStep(
            "Agree on the definitions and sign them: a policy of your own, with a version and who approved it",
            "finance",
            1,
            found.weight or None,
            "policy_choices",
        )
    if found.bad_rows:
        yield NextStep(
            "Correct at the source the rows that could not be used", "data", found.bad_rows, None, "quarantined_rows"
        )
    if found.missing_inputs:
        yield NextStep(
            f"Deliver what is missing: {', '.join(found.missing_inputs)}",
            "data",
            len(found.missing_inputs),
            None,
            "source_inventory",
        )
    if found.is_untracked:
        what = "Tag the ads' links and connect the lead forms: Meta reports ads, and no record is linked to any"
        yield NextStep(what, "marketing", 1, None, "field_fill")


def _repairs(found: Findings) -> Iterator[NextStep]:
    for gap in found.unmatched:
        yield NextStep(_FIXED[gap.kind], gap.owner, gap.things, gap.value, "unmatched_records")
    is_money_listed = any(gap.kind in _LINKS_OF_MONEY for gap in found.unmatched)
    for gap in found.exceptions:
        if gap.kind == "unmatched_money" and is_money_listed:
            continue
        what = _OF_A_KIND.get(gap.kind, f"Work off the exceptions: {gap.kind.replace('_', ' ')}")
        yield NextStep(what, gap.owner, gap.things, gap.value, "exceptions")
    for gap in found.anomalies:
        yield NextStep(_STANDS_OUT[gap.kind], gap.owner, gap.things, gap.value, "anomalies")
    if found.duplicates and found.duplicates.things:
        gap = found.duplicates
        yield NextStep("Stop records from being captured twice", gap.owner, gap.things, gap.value, "duplicate_records")
    if found.unconsented and found.unconsented.things:
        gap = found.unconsented
        yield NextStep(
            "Record consent at capture, or agree that none is needed, so that Meta may be told what was collected",
            gap.owner,
            gap.things,
            gap.value,
            "capi_outbox",
        )
    for fill in found.fills:
        if fill.rate < LOW_FILL and fill.records:
            empty = round(fill.records * (1 - fill.rate))
            yield NextStep(
                f"Fill {fill.column} of {fill.table} that come from Meta", "marketing", empty, None, "field_fill"
            )
    if found.naming:
        yield NextStep("Name campaigns by one pattern", "marketing", len(found.naming), None, "platform_performance")
