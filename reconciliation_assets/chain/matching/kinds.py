"""Confidence of each kind of evidence, before a company's backtest and after it.

The shipped confidences were measured on generated companies that were not used to set the weights (`make bench-matching`). A
kind that is not listed here carries money only where the company's own backtest shows that it is right.
"""

from dataclasses import dataclass

# Payments of orders and of CRM records are assigned and judged together, under this link.
MONEY = "order_payment"

# A shipped confidence weighs as much as this many hidden links: one wrong link among a few is chance, not proof.
_SHIPPED_LINKS = 30
_ANY_OTHER_KIND = 0.9

_WHO_SURE = {
    "contact": 0.99,
    "relationship": 0.985,
    "contact under another name": 0.98,
    "the same name": 0.985,
    "the same name in another order": 0.98,
    "the same name but for a middle one": 0.975,
    "a part of the name": 0.975,
    "no name, within minutes": 0.985,
    "no name, within an hour": 0.98,
    "no name, within a day": 0.975,
    "no name, days later": 0.975,
}
_AMOUNT_LESS_SURE = {
    "the amount owed": 0.0,
    "the amount less its discount": 0.0,
    "as many payments as alike amounts owed": 0.005,
    "payments that are together what is owed": 0.005,
    "all of the money back": 0.0,
    "an equal instalment": 0.005,
    "the amount less a fee": 0.01,
    "the amount rounded up": 0.01,
    "the amount in another currency": 0.01,
    "a part of the money back": 0.01,
    "no agreed value": 0.015,
    "a part of the agreed value": 0.015,
    "one transfer for several orders": 0.03,
    "a part of the amount": 0.03,
}
# An amount that is not exactly what is owed needs stronger evidence of the payer.
_EXACT = {
    "the amount owed", "the amount less its discount", "an equal instalment", "all of the money back", "payments that are together what is owed"
}  # fmt: skip
_NEEDS_A_PERSON = frozenset(_AMOUNT_LESS_SURE) - _EXACT
_PERSONS = ("contact", "relationship", "the same name")


def shipped_confidence(evidence_kind: str) -> float:
    """Expected precision (0 to 1) of payment links of a kind, before the company's own backtest."""
    person, _, amount = evidence_kind.rpartition(", ")
    if person not in _WHO_SURE or amount not in _AMOUNT_LESS_SURE:
        return _ANY_OTHER_KIND
    if amount in _NEEDS_A_PERSON and person not in _PERSONS:
        return _ANY_OTHER_KIND
    if (
        amount in ("a part of the amount", "a part of the agreed value", "no agreed value")
        and person == "the same name"
    ):
        return _ANY_OTHER_KIND
    return _WHO_SURE[person] - _AMOUNT_LESS_SURE[amount]


def chance_kind(tenth: str) -> str:
    """Kind of evidence for payments that are not sure enough: judged together by probability, whatever their evidence."""
    return f"chance from {tenth}"


@dataclass(frozen=True)
class ObservedLinks:
    """Results of the backtest for one kind of evidence with one number of candidates.

    Attributes:
        judged: links found.
        right: links that were right.
    """

    judged: int
    right: int

    @property
    def precision(self) -> float:
        """The share that was right."""
        return self.right / self.judged

    def drawn(self, before: float) -> float:
        """The share that was right, pulled towards the confidence `before` while few links were tried."""
        return (self.right + _SHIPPED_LINKS * before) / (self.judged + _SHIPPED_LINKS)

    def confidence(self, before: float, fewest: int) -> float:
        """`drawn`, but never above the precision seen, or above `before` while there are too few links.

        Args:
            before: the confidence without a backtest.
            fewest: number of links needed to judge a kind.
        """
        return min(self.drawn(before), self.precision if self.judged >= fewest else before)
