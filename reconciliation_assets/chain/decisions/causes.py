"""Texts for each step: the bottleneck it shows, its usual causes, and what to do next."""

from dataclasses import dataclass

from reconciliation_assets.policy.model import Step


@dataclass(frozen=True)
class Cause:
    """Texts of a step.

    Attributes:
        bottleneck: name of a low rate at this step.
        passed: what a record that passed did, with placeholders for the step's days and the policy's minutes.
        likely_causes: usual causes of a low rate.
        next_step: what the owning team does first.
    """

    bottleneck: str
    passed: str
    likely_causes: str
    next_step: str


CAUSES: dict[Step, Cause] = {
    "valid_leads": Cause(
        "low valid rate",
        "leads were valid within {days} days",
        "targeting too wide, a form that is too easy to send, fraud",
        "Read the invalid leads by reason, then narrow the audience or add a question or a code by SMS to the form.",
    ),
    "valid_orders": Cause(
        "low valid rate",
        "orders were valid within {days} days",
        "test or fake orders, one customer sending an order twice",
        "Read the invalid orders by reason, then confirm the phone number before an order is accepted.",
    ),
    "answered": Cause(
        "low contact rate",
        "leads were answered within {days} days",
        "leads routed to nobody, wrong contact details, answers not entered in the CRM",
        "Check that every lead gets an owner at once, and that first answers are recorded.",
    ),
    "answered_in_time": Cause(
        "slow response",
        "leads answered within {days} days were answered within {minutes} minutes",
        "leads routed late, an owner with too many leads, no cover outside working hours",
        "Measure where the hours go between capture, assignment and the first call, and move leads to whoever has time.",
    ),
    "qualified": Cause(
        "low qualification",
        "leads qualified within {days} days",
        "an offer or audience that does not fit, a weak first call",
        "Listen to ten first calls and compare the offer in the ad with what people asked for.",
    ),
    "won": Cause(
        "low win rate",
        "qualified leads were won within {days} days",
        "price, missing proof, sales process, competition",
        "Read the loss reasons with sales, and compare price and follow-up with those of the peers.",
    ),
    "collected_orders": Cause(
        "low collection",
        "orders were collected within {days} days",
        "cancellation, late or failed delivery, returns, payment",
        "Follow the lost orders by reason with the courier and the shop, and call before cash orders are shipped.",
    ),
    "collected_deals": Cause(
        "low collection",
        "deals were collected within {days} days",
        "no invoice sent, instalments overdue, cancellation after the sale, payments that name no deal",
        "Go through the deals won and not paid with finance, oldest first, and look for their money in unmatched_records.",
    ),
}
