"""What links of each kind of evidence are worth before the backtest has seen them, and after.

Shipped confidences were observed on generated companies whose noise the weights had never seen (`make bench-matching`). A kind
that is not named here carries money only where a company's own backtest shows that it is right.
"""

from dataclasses import dataclass

# Money on orders and on CRM records is assigned together and judged together, under this link.
MONEY = "order_payment"

# Hidden links that a shipped confidence is worth: one wrong among a handful is chance, not proof.
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
# Amounts that are not exactly what is owed need more than a likely person.
_EXACT = {
    "the amount owed", "the amount less its discount", "an equal instalment", "all of the money back", "payments that are together what is owed"
}  # fmt: skip
_NEEDS_A_PERSON = frozenset(_AMOUNT_LESS_SURE) - _EXACT
_PERSONS = ("contact", "relationship", "the same name")


def shipped_confidence(evidence_kind: str) -> float:
    """How often links of money of a kind are right, before any were tried here."""
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
    """The name of pairs of money that are not sure enough, by their chance: these are judged together, whatever their evidence."""
    return f"chance from {tenth}"


@dataclass(frozen=True)
class ObservedLinks:
    """What the backtest saw of one kind of evidence with one number of candidates.

    Attributes:
        judged: links found.
        right: those that were right.
    """

    judged: int
    right: int

    @property
    def precision(self) -> float:
        """The share that was right."""
        return self.right / self.judged

    def drawn(self, before: float) -> float:
        """The share that was right, drawn towards what was believed before while few were tried."""
        return (self.right + _SHIPPED_LINKS * before) / (self.judged + _SHIPPED_LINKS)

    def confidence(self, before: float, fewest: int) -> float:
        """The same, but never above what was seen.

        Args:
            before: the confidence without a backtest.
            fewest: links that are enough to judge.
        """
        return min(self.drawn(before), self.precision if self.judged >= fewest else before)
