"""What is only right in sum: an order paid in unequal parts, and several orders paid in one transfer.

Never forced: the parts must be exactly what is owed, of one person, the only such set, and wanted by nothing else. One transfer for
several orders is for a person to look at: a payment belongs to one order, and none is given more than it owes.
"""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from reconciliation_assets.chain.matching.inference import candidates as who
from reconciliation_assets.chain.matching.inference import weights as by
from reconciliation_assets.chain.matching.inference.candidates import Floats, Ints, Payables, Payments, People

_LARGEST_SET, _MOST_PAYMENTS, _MOST_ORDERS = 4, 8, 6
_CHANCE_BY_CONTACT, _CHANCE_BY_NAME = 0.985, 0.975
# Half: an amount that is exactly what several orders owe is theirs, but not to be linked to one of them.
_CHANCE_OF_SEVERAL = 0.5


@dataclass(frozen=True)
class PairGroup:
    """Pairs that are right together, how sure they are, and their evidence by pair."""

    pairs: Ints
    chance: Floats
    words: dict[int, str] = field(default_factory=dict)

    @classmethod
    def none(cls) -> "PairGroup":
        """No such pairs."""
        return cls(np.array([], np.int64), np.zeros(0))

    def without(self, right: Ints, taken: Ints) -> "PairGroup":
        """The pairs of payments that are not taken elsewhere."""
        free = ~np.isin(right[self.pairs], taken)
        return PairGroup(self.pairs[free], self.chance[free], self.words)

    def beside(self, others: "PairGroup") -> "PairGroup":
        """These pairs and others."""
        pairs = np.r_[self.pairs, others.pairs]
        order = np.argsort(pairs)
        return PairGroup(pairs[order], np.r_[self.chance, others.chance][order], self.words | others.words)


def paid_together(
    left: Payables, right: Payments, people: People, fit: Ints, chance: Floats, asked: Ints, accept_from: float
) -> PairGroup:
    """Pairs whose payments are together exactly what their payable asks.

    Args:
        fit, chance: how the amount of each pair fits by itself, and how likely the pair is by itself.
        asked: what each payable still owes.
        accept_from: a payment that is sure to belong somewhere by itself takes no part elsewhere.
    """
    near = people.is_personal | (people.name == who.SAME_NAME)
    part = np.flatnonzero(
        near & np.isin(fit, (by.PART, by.INSTALMENT, by.LESS_FEE)) & ~left.is_opportunity[people.left]
    )
    counts = np.bincount(people.left[part], minlength=len(asked)) if len(part) else np.zeros(len(asked), int)
    part = part[(counts[people.left[part]] >= 2) & (counts[people.left[part]] <= _MOST_PAYMENTS)]
    if not len(part):
        return PairGroup.none()
    exact = (chance >= accept_from) & np.isin(fit, (by.IN_FULL, by.DISCOUNTED))
    settled, closed = set(people.right[exact].tolist()), set(people.left[exact].tolist())
    order = part[np.lexsort((people.right[part], people.left[part]))]
    sets: list[tuple[int, ...]] = []
    for mine in np.split(order, np.flatnonzero(np.diff(people.left[order])) + 1):
        free = [int(pair) for pair in mine if int(people.right[pair]) not in settled]
        payable = int(people.left[mine[0]])
        if payable not in closed:
            sets.extend(_only_set(free, right.amount[people.right[free]] if free else np.zeros(0), int(asked[payable])))
    uses = np.bincount(np.array([people.right[pair] for pairs in sets for pair in pairs], dtype=np.int64), minlength=1)
    sets = [pairs for pairs in sets if all(uses[people.right[pair]] == 1 for pair in pairs)]
    words = {
        pair: "together with "
        + ", ".join(right.ids[int(people.right[other])].as_py() for other in pairs if other != pair)
        + " exactly what is owed"
        for pairs in sets
        for pair in pairs
    }
    pairs = np.array(sorted(words), dtype=np.int64)
    sure = np.where(people.is_personal[pairs], _CHANCE_BY_CONTACT, _CHANCE_BY_NAME) if len(pairs) else np.zeros(0)
    return PairGroup(pairs, sure, words)


def owed_at_once(left: Payables, right: Payments, people: People, fit: Ints, asked: Ints, settled: Ints) -> PairGroup:
    """Pairs of payments that are exactly what several orders of one person owe together: each with the first of these orders.

    Args:
        fit: how the amount of each pair fits by itself.
        asked: what each payable still owes.
        settled: payments that belong elsewhere.
    """
    near = people.is_personal | (people.name == who.SAME_NAME)
    more = np.flatnonzero(near & (fit == by.MORE) & ~np.isin(people.right, settled))
    counts = np.bincount(people.right[more], minlength=len(right.at)) if len(more) else np.zeros(len(right.at), int)
    more = more[(counts[people.right[more]] >= 2) & (counts[people.right[more]] <= _MOST_ORDERS)]
    words = {}
    for mine in np.split(more, np.flatnonzero(np.diff(people.right[more])) + 1) if len(more) else ():
        pairs = [int(pair) for pair in mine]
        for found in _only_set(pairs, asked[people.left[pairs]], int(right.amount[people.right[pairs[0]]])):
            others = [left.ids[int(people.left[pair])].as_py().partition(":")[2] for pair in found[1:]]
            words[found[0]] = f"exactly what it owes together with {', '.join(others)}"
    first = np.array(sorted(words), dtype=np.int64)
    return PairGroup(first, np.full(len(first), _CHANCE_OF_SEVERAL), words)


def _only_set(pairs: list[int], amounts: np.ndarray, asked: int) -> list[tuple[int, ...]]:
    """The only set of two to four payments that is exactly what is asked; none where there are several."""
    values = amounts.tolist()
    found = [
        chosen
        for size in range(2, min(_LARGEST_SET, len(pairs)) + 1)
        for chosen in combinations(range(len(pairs)), size)
        if sum(values[place] for place in chosen) == asked
    ]
    return [tuple(pairs[place] for place in found[0])] if len(found) == 1 else []
