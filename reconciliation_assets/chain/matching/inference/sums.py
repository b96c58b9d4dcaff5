"""Payments that match only in total: an order paid in unequal parts, and several orders paid in one transfer.

The parts must add up to exactly what is owed, come from one person, be the only such set, and not be needed elsewhere. A
payment with no sign of its payer may complete a set if such an amount at that time is unlikely to be chance. One transfer for
several orders goes to manual review: a payment belongs to one order, and no order is given more than it owes.
"""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from reconciliation_assets.chain.matching.inference import candidates as who
from reconciliation_assets.chain.matching.inference import weights as by
from reconciliation_assets.chain.matching.inference.candidates import Bools, Floats, Ints, Payables, Payments, People

_LARGEST_SET, _MOST_PAYMENTS, _MOST_ORDERS = 4, 8, 6
_CHANCE_BY_CONTACT, _CHANCE_BY_NAME = 0.985, 0.975
# Two payments with no sign of their payer are linked to an order only within this time of it (in days), and only where few
# such payments are near.
_AT_ONCE_DAYS = 1 / 24
_MOST_NEAR_AT_ONCE = 12
_MOST_BY_CHANCE, _MOST_BY_CHANCE_WITHOUT_A_PERSON = 0.02, 0.001


@dataclass(frozen=True)
class PairGroup:
    """Positions of pairs that match together, the probability of each, and its evidence in words by position."""

    pairs: Ints
    chance: Floats
    words: dict[int, str] = field(default_factory=dict)

    @classmethod
    def none(cls) -> "PairGroup":
        """No such pairs."""
        return cls(np.array([], np.int64), np.zeros(0))

    def without(self, right: Ints, taken: Ints) -> "PairGroup":
        """The pairs whose payment is not in `taken`."""
        free = ~np.isin(right[self.pairs], taken)
        return PairGroup(self.pairs[free], self.chance[free], self.words)

    def beside(self, others: "PairGroup") -> "PairGroup":
        """These pairs and the others, in order of position."""
        pairs = np.r_[self.pairs, others.pairs]
        order = np.argsort(pairs)
        return PairGroup(pairs[order], np.r_[self.chance, others.chance][order], self.words | others.words)


def completing(left: Payables, right: Payments, people: People, fit: Ints, asked: Ints) -> tuple[Ints, Ints]:
    """Payables and payments with no sign of their payer that are exactly the missing amount, such as a voucher used with a card.

    The payment completes either a part whose payer is known, or a second payment with no sign of its payer, both within an
    hour of the order. Pairs that chance alone may explain are left out: chance is the number of payments as near in time
    times how common the amount is.

    Args:
        fit: how the amount of each pair fits by itself.
        asked: what each payable still owes.
    """
    silent = np.flatnonzero(right.is_open & (right.direction == "in") & (right.group % 3 == who.SHOWS_NOTHING))
    if not len(silent):
        return silent, silent
    silent = silent[np.argsort(right.at[silent], kind="stable")]
    times = right.at[silent]
    common = by.commonness(left, right)[1]
    part = np.flatnonzero(
        _of_a_person(people) & (fit == by.PART) & ~left.is_opportunity[people.left] & right.is_open[people.right]
    )
    i, j = people.left[part], people.right[part]
    row, place = _same_amount(right, silent, left.currency[i], asked[i] - right.amount[j])
    i, j, k = i[row], j[row], silent[place]
    apart = np.abs(right.at[k] - right.at[j])
    near = np.searchsorted(times, right.at[j] + apart, side="right") - np.searchsorted(times, right.at[j] - apart)
    fits = (j != k) & (right.at[k] >= left.at[i] - who.STAMPED_EARLY_DAYS) & (near * common[k] <= _MOST_BY_CHANCE)
    return _joined((i[fits], k[fits]), _at_once(left, right, asked, silent, times))


def _at_once(left: Payables, right: Payments, asked: Ints, silent: Ints, times: Floats) -> tuple[Ints, Ints]:
    """Orders and payments: two payments with no sign of their payer, within an hour of the order, that add up to what it asks."""
    orders = np.flatnonzero(left.is_open & ~left.is_opportunity & (asked > 0))
    begin = np.searchsorted(times, left.at[orders])
    near = np.searchsorted(times, left.at[orders] + _AT_ONCE_DAYS, side="right") - begin
    by_chance = near * (near - 1) / 2 * _share_that_ask(asked, orders)
    few = (near >= 2) & (near <= _MOST_NEAR_AT_ONCE) & (by_chance <= _MOST_BY_CHANCE_WITHOUT_A_PERSON)
    orders, begin, near = orders[few], begin[few], near[few]
    row, one, other = _each_two(near)
    order, first, second = orders[row], silent[begin[row] + one], silent[begin[row] + other]
    same = (right.currency[first] == left.currency[order]) & (right.currency[second] == left.currency[order])
    exact = same & (right.amount[first] + right.amount[second] == asked[order])
    return np.r_[order[exact], order[exact]], np.r_[first[exact], second[exact]]


def _share_that_ask(asked: Ints, orders: Ints) -> Floats:
    """For each order, the share of all orders that ask the same amount."""
    code = np.unique(asked[orders], return_inverse=True)[1]
    share: Floats = np.bincount(code)[code] / max(1, len(orders))
    return share


def _each_two(sizes: Ints) -> tuple[Ints, Ints, Ints]:
    """For groups of these sizes: the group, and the places within it, of every two members."""
    one, other = np.triu_indices(_MOST_NEAR_AT_ONCE, 1)
    group, pair = np.nonzero(other[None, :] < sizes[:, None])
    return group, one[pair], other[pair]


def _same_amount(right: Payments, payments: Ints, currency: Ints, amount: Ints) -> tuple[Ints, Ints]:
    """Positions in `currency` and `amount`, with positions in `payments` of equal currency and amount: one entry per match."""
    keys = right.currency[payments] * (1 << 48) + right.amount[payments]
    order = np.argsort(keys, kind="stable")
    wanted = currency * (1 << 48) + amount
    begin = np.searchsorted(keys[order], wanted)
    found = np.searchsorted(keys[order], wanted, side="right") - begin
    row = np.repeat(np.arange(len(wanted)), found)
    within = np.arange(len(row)) - np.repeat(np.cumsum(found) - found, found)
    return row, order[np.repeat(begin, found) + within]


def _joined(*parts: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """All pairs of all parts, without duplicates."""
    both = np.unique(np.stack([np.concatenate(ends) for ends in zip(*parts, strict=True)]), axis=1)
    return both[0], both[1]


def _of_a_person(people: People) -> Bools:
    known: Bools = people.is_personal | (people.name == who.SAME_NAME)
    return known


def paid_together(
    left: Payables,
    right: Payments,
    people: People,
    fit: Ints,
    chance: Floats,
    asked: Ints,
    completes: Bools,
    accept_from: float,
) -> PairGroup:
    """Pairs whose payments together are exactly what their payable asks.

    Args:
        fit, chance: how the amount of each pair fits by itself, and how likely the pair is by itself.
        asked: what each payable still owes.
        completes: pairs with no sign of the payer that are exactly the missing amount.
        accept_from: payments and payables of an exact pair with at least this probability are left out.
    """
    part = np.flatnonzero(
        (_of_a_person(people) | completes)
        & np.isin(fit, (by.PART, by.INSTALMENT, by.LESS_FEE))
        & ~left.is_opportunity[people.left]
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
    return PairGroup(pairs, _sure(people, pairs), words)


def _sure(people: People, pairs: Ints) -> Floats:
    sure: Floats = np.where(people.is_personal[pairs], _CHANCE_BY_CONTACT, _CHANCE_BY_NAME)
    return sure


def owed_at_once(left: Payables, right: Payments, people: People, fit: Ints, asked: Ints) -> PairGroup:
    """Payments that are exactly what several orders of one person owe together, each paired with the first of these orders.

    Args:
        fit: how the amount of each pair fits by itself.
        asked: what each payable still owes.
    """
    more = np.flatnonzero(_of_a_person(people) & (fit == by.MORE))
    counts = np.bincount(people.right[more], minlength=len(right.at)) if len(more) else np.zeros(len(right.at), int)
    more = more[(counts[people.right[more]] >= 2) & (counts[people.right[more]] <= _MOST_ORDERS)]
    words = {}
    for mine in np.split(more, np.flatnonzero(np.diff(people.right[more])) + 1) if len(more) else ():
        pairs = [int(pair) for pair in mine]
        for found in _only_set(pairs, asked[people.left[pairs]], int(right.amount[people.right[pairs[0]]])):
            others = [left.ids[int(people.left[pair])].as_py().partition(":")[2] for pair in found[1:]]
            words[found[0]] = f"exactly what it owes together with {', '.join(others)}"
    first = np.array(sorted(words), dtype=np.int64)
    return PairGroup(first, _sure(people, first), words)


def _only_set(pairs: list[int], amounts: np.ndarray, asked: int) -> list[tuple[int, ...]]:
    """The set of two to four pairs whose amounts add up to what is asked; empty where there are none or several."""
    values = amounts.tolist()
    found = [
        chosen
        for size in range(2, min(_LARGEST_SET, len(pairs)) + 1)
        for chosen in combinations(range(len(pairs)), size)
        if sum(values[place] for place in chosen) == asked
    ]
    return [tuple(pairs[place] for place in found[0])] if len(found) == 1 else []
