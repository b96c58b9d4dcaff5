"""Probability of each pair of payment and payable once all payments compete for what all orders owe; no partner is possible too.

The probability of a pair counts all other payables of the payment and all other payments of the payable. It is computed by
message passing (sum-product on a matching), which is exact where the conflicts form no cycle; small groups with a cycle are
enumerated. Of two payables that fit a payment equally well, each gets one half.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy

from reconciliation_assets.chain.matching.inference.candidates import Bools, Floats, Ints

_ROUNDS = 24
_LARGEST_BITS = 45.0
# The share of payments with an order, before any is seen, and how many payments this prior weighs.
_SHIPPED_SHARE, _SHIPPED_PAYMENTS = 0.75, 5
_EM_ROUNDS = 12
# Pairs this much less likely than the best one of their payment are not enumerated, nor are groups with more pairs than this.
_NEAR_BITS = 10.0
_MOST_PAIRS_COUNTED_OUT = 14
# Bits that another pairing must add to replace the one in order of time.
_CLEARLY_BETTER_BITS = 3.0
_FORBIDDEN = 1e6


def share_with_an_order(bits: Floats, right: Ints, open_rights: Ints, group: Ints) -> Floats:
    """For every payment, the share of its group's payments that have an order at all, estimated from the weights of their pairs.

    Args:
        bits: weight of each pair.
        right: the payment of each pair.
        open_rights: positions of the open payments.
        group: the group of every payment: what it shows of its payer.
    """
    odds = np.bincount(right, np.exp2(np.minimum(bits, _LARGEST_BITS)), minlength=len(group))[open_rights]
    groups = group[open_rights]
    shares = np.full(len(group), _SHIPPED_SHARE)
    for each in np.unique(groups):
        mine = odds[groups == each]
        share = _SHIPPED_SHARE
        for _ in range(_EM_ROUNDS):
            prior = share / (1 - share)
            found = float((mine * prior / (1 + mine * prior)).sum())
            share = (found + _SHIPPED_SHARE * _SHIPPED_PAYMENTS) / (len(mine) + _SHIPPED_PAYMENTS)
            share = min(share, 0.999)
        shares[group == each] = share
    return shares


def chances(left: Ints, right: Ints, bits: Floats, is_taken_once: Bools) -> Floats:
    """The probability of each pair among all.

    Args:
        left, right: the payable and the payment of each pair.
        bits: log2 of the odds of the pair against the payment having no partner.
        is_taken_once: pairs that leave nothing owed, so that a payable can have only one of them.
    """
    if not len(bits):
        return np.zeros(0)
    weight = np.log(2.0) * np.clip(bits, -_LARGEST_BITS, _LARGEST_BITS)
    to_right, to_left = np.zeros(len(bits)), np.zeros(len(bits))
    size_left, size_right = int(left.max()) + 1, int(right.max()) + 1
    for _ in range(_ROUNDS):
        to_right = 0.5 * to_right + 0.5 * np.where(
            is_taken_once, _others(left, size_left, weight + to_left, is_taken_once), 0
        )
        to_left = 0.5 * to_left + 0.5 * _others(right, size_right, weight + to_right, np.ones(len(bits), bool))
    total = weight + to_right + to_left
    chance: Floats = 1 / (1 + np.exp(-np.clip(total, -60, 60)))
    for members in _circles(left, right, bits, is_taken_once):
        chance[members] = _counted_out(left[members], right[members], weight[members], is_taken_once[members])
    return chance


def _circles(left: Ints, right: Ints, bits: Floats, is_taken_once: Bools) -> Iterator[Ints]:
    """Groups of pairs whose conflicts form a cycle, where message passing is not exact; unlikely pairs are left out."""
    best = np.full(int(right.max()) + 1, -np.inf)
    np.maximum.at(best, right, bits)
    near = np.flatnonzero((bits >= best[right] - _NEAR_BITS) & (bits >= -_NEAR_BITS))
    if not len(near):
        return
    slot = np.where(is_taken_once[near], left[near], int(left.max()) + 1 + np.arange(len(near)))
    slots, slot = np.unique(slot, return_inverse=True)
    nodes = len(slots) + int(right.max()) + 1
    graph = scipy.sparse.coo_matrix(
        (np.ones(len(near), np.int8), (slot, len(slots) + right[near])), shape=(nodes, nodes)
    )
    group = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    pairs_of = np.bincount(group[slot], minlength=nodes)
    ends_of = np.bincount(np.r_[group[np.unique(slot)], group[len(slots) + np.unique(right[near])]], minlength=nodes)
    circular = (pairs_of >= ends_of)[group[slot]] & (pairs_of <= _MOST_PAIRS_COUNTED_OUT)[group[slot]]
    mine = near[circular]
    order = np.argsort(group[slot][circular], kind="stable")
    yield from np.split(mine[order], np.flatnonzero(np.diff(group[slot][circular][order])) + 1) if len(mine) else ()


def _counted_out(left: Ints, right: Ints, weight: Floats, is_taken_once: Bools) -> Floats:
    """The probability of each pair of a small group, over every way to give its payments to its payables or to nobody."""
    by_payment = [np.flatnonzero(right == each) for each in np.unique(right)]
    odds = np.exp(weight)
    sums = np.zeros(len(left))

    def walk(place: int, taken: frozenset[int], product: float, chosen: tuple[int, ...]) -> float:
        if place == len(by_payment):
            sums[list(chosen)] += product
            return product
        total = walk(place + 1, taken, product, chosen)
        for pair in by_payment[place]:
            payable = int(left[pair])
            if not is_taken_once[pair] or payable not in taken:
                after = taken | {payable} if is_taken_once[pair] else taken
                total += walk(place + 1, after, product * float(odds[pair]), (*chosen, int(pair)))
        return total

    total = walk(0, frozenset(), 1.0, ())
    return sums / total


def _others(end: Ints, size: int, logarithm: Floats, counts: Bools) -> Floats:
    """-log(1 + sum of the weights of all other pairs of the same end)."""
    weights = np.where(counts, np.exp(logarithm), 0.0)
    sums = np.bincount(end, weights, minlength=size)[end]
    return -np.log1p(np.maximum(sums - weights, 0))


def paired_in_time(
    left: Ints,
    right: Ints,
    bits: Floats,
    chance: Floats,
    alike: Bools,
    left_at: Floats,
    right_at: Floats,
    accept_from: float,
) -> Ints:
    """Positions of pairs within groups of equally many payments and payables that fit equally well, paired in order of time.

    Where another pairing fits clearly better, for example by payment method, it is taken instead.

    Args:
        left, right: the payable and the payment of each pair.
        bits, chance: weight and probability of each pair.
        alike: pairs of one contact whose amount is exactly what is owed.
        left_at, right_at: time of each payable and of each payment, in days.
        accept_from: minimum sum of each payment's probabilities with these payables.
    """
    at = np.flatnonzero(alike)
    if not len(at):
        return at
    offset = int(left.max()) + 1
    nodes = offset + int(right.max()) + 1
    graph = scipy.sparse.coo_matrix((np.ones(len(at), np.int8), (left[at], offset + right[at])), shape=(nodes, nodes))
    group = scipy.sparse.csgraph.connected_components(graph, directed=False)[1][left[at]]
    order = np.lexsort((right[at], left[at], group))
    taken: list[int] = []
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    for members in np.split(at[order], starts[1:]):
        if len(members) >= 3:
            taken.extend(_paired(left, right, bits, chance, members, left_at, right_at, accept_from))
    return np.array(taken, dtype=np.int64)


def _paired(
    left: Ints,
    right: Ints,
    bits: Floats,
    chance: Floats,
    pairs: Ints,
    left_at: Floats,
    right_at: Floats,
    accept_from: float,
) -> list[int]:
    lefts, rights = np.unique(left[pairs]), np.unique(right[pairs])
    if len(lefts) != len(rights):
        return []
    sure = np.bincount(np.searchsorted(rights, right[pairs]), chance[pairs])
    if sure.min() < accept_from:
        return []
    lefts = lefts[np.lexsort((lefts, left_at[lefts]))]
    rights = rights[np.lexsort((rights, right_at[rights]))]
    place = np.full((len(lefts), len(rights)), -1)
    weight = np.full(place.shape, -_FORBIDDEN)
    row, column = (
        np.argsort(end)[np.searchsorted(end[np.argsort(end)], own[pairs])]
        for end, own in ((lefts, left), (rights, right))
    )
    place[row, column], weight[row, column] = pairs, bits[pairs]
    best = scipy.optimize.linear_sum_assignment(weight, maximize=True)[1]
    in_time = np.arange(len(lefts))
    if weight[in_time, in_time].sum() >= weight[in_time, best].sum() - _CLEARLY_BETTER_BITS:
        best = in_time
    chosen = place[in_time, best]
    return [int(pair) for pair in chosen] if (chosen >= 0).all() else []


def within_what_is_owed(
    left: Ints, amount: Ints, closes: Bools, at: Floats, chance: Floats, owed: Ints, has_value: npt.NDArray[np.bool_]
) -> Bools:
    """Which accepted pairs to keep, so that no payable gets more than it owes: pairs that close it first, then by time.

    Args:
        left: payable of each accepted pair.
        amount: amount of each pair, in the payable's currency.
        closes, at, chance: whether the pair leaves nothing owed, when it was paid, its probability.
        owed, has_value: what each payable owes, and whether that is known.
    """
    keep = np.ones(len(left), dtype=bool)
    order = np.lexsort((-chance, at, np.where(closes, -chance, 0.0), ~closes, left))
    payable, room = -1, 0
    for pair in order:
        if left[pair] != payable:
            payable, room = int(left[pair]), int(owed[left[pair]])
        if not has_value[payable]:
            continue
        if closes[pair]:
            keep[pair] = room == int(owed[payable])
            room = 0 if keep[pair] else room
        elif amount[pair] <= room:
            room -= int(amount[pair])
        else:
            keep[pair] = False
    return keep
