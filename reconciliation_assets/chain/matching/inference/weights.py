"""Weight of each piece of evidence for a payment and what it may belong to, in bits: +3 makes the pair eight times likelier.

Each weight is the log2 of a ratio: how often a payment and its own order agree like this, over how often a payment and an
unrelated order do. The second is counted in the company's own tables: how common an amount, a word of a name and a time gap
are. The first is learnt from payments that name their order; with few of these, the shipped probabilities apply.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reconciliation_assets.chain.matching.inference import candidates as who
from reconciliation_assets.chain.matching.inference.candidates import Bools, Floats, Ints, Payables, Payments, People

# How an amount fits what is owed (for refunds: what was received), from not at all to exactly.
NO_FIT, MORE, PART, OTHER_CURRENCY, ROUNDED_UP, LESS_FEE, NO_VALUE, INSTALMENT, DISCOUNTED, IN_FULL = range(10)
# Fits that leave nothing owed.
CLOSES = np.isin(np.arange(10), (OTHER_CURRENCY, ROUNDED_UP, LESS_FEE, DISCOUNTED, IN_FULL))

# The shipped probabilities weigh as much as this many known links.
_LINKS_OF_THE_SHIPPED_CHANCES = 50
_RANDOM_RECORDS = 800
_UNIT = 1_000
_LARGEST_FEE_SHARE = 0.1
_LARGEST_FEE = 30 * _UNIT
_LARGEST_CURRENCY_MARGIN = 0.03
# Share of payments without an order that still come from a known contact.
_STRANGERS_WITH_A_KNOWN_CONTACT = 0.02

# Upper ends of the gaps between order and payment, in days: five minutes, an hour, a day, ...
_GAPS = np.array([-who.STAMPED_EARLY_DAYS, 0.0, 5 / 1440, 1 / 24, 1, 3, 7, 14, 30, 45, 90, who.LONGEST_DAYS, np.inf])
STAMPED_EARLY, WITHIN_MINUTES, WITHIN_AN_HOUR, WITHIN_A_DAY = 1, 2, 3, 4
# Number of amounts that can be an instalment of a deal: one per number of parts, rounded down or up.
_AMOUNTS_OF_INSTALMENTS = 2 * (who.MOST_INSTALMENTS - 1)
_SHARE_OF_INSTALMENTS_SEEN_AGAIN = 0.7
# Amounts within this factor of each other count as one size.
_SAME_SIZE = 1.25
# Time stamps in a wrong zone come from sources that name no order, so their share cannot be learnt from known links.
_LEAST_SHARE_STAMPED_EARLY = 0.03
_AFTER_DELIVERY = np.array([-7.0, 0.0, 1.0, 5.0, 10.0, 21.0, np.inf])

_TIMES = ("gap of orders", "gap of opportunities", "gap of refunds", "delivery")
_SHIPPED: dict[str, tuple[float, ...]] = {
    "gap of orders": (0.001, 0.03, 0.2, 0.1, 0.12, 0.1, 0.15, 0.15, 0.1, 0.04, 0.02, 0.008, 0.002),
    "gap of opportunities": (0.04, 0.03, 0.03, 0.05, 0.1, 0.1, 0.15, 0.15, 0.17, 0.1, 0.06, 0.03, 0.01),
    "gap of refunds": (0.002, 0.002, 0.003, 0.005, 0.03, 0.05, 0.1, 0.2, 0.3, 0.15, 0.12, 0.03, 0.01),
    "delivery": (0.2, 0.3, 0.05, 0.15, 0.15, 0.1, 0.05),
    "method": (0.85, 0.15),
    "fit of orders": (0.01, 0.03, 0.01, 0.01, 0.03, 0.02, 0.03, 0.03, 0.83),
    "fit of opportunities": (0.01, 0.25, 0.01, 0.01, 0.03, 0.3, 0.25, 0.01, 0.13),
    "fit of refunds": (0.01, 0.2, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.73),
}


@dataclass(frozen=True)
class LevelShares:
    """Share of true pairs at each level of each kind of evidence, and of random pairs where these are counted by level.

    Attributes:
        true, random: the shares, by kind of evidence.
        learnt_from: number of known pairs they were learnt from.
        by_method: for times, the shares of true pairs by payment method; the last row is for an unknown method.
    """

    true: dict[str, Floats] = field(default_factory=dict)
    random: dict[str, Floats] = field(default_factory=dict)
    learnt_from: int = 0
    by_method: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class PairWeights:
    """The evidence for each pair.

    Attributes:
        bits: all evidence together, less log2 of the number of open payables; -inf where the amount does not fit or is too large.
        fit: how the amount fits.
        gap: the level of the time gap.
        parts: what each kind of evidence adds to the bits.
    """

    bits: Floats
    fit: Ints
    gap: Ints
    parts: dict[str, Floats]


def learn(left: Payables, right: Payments, known_left: Ints, known_right: Ints) -> LevelShares:
    """The shares seen among known pairs, pulled towards the shipped ones where known pairs are few."""
    random_left, random_right = (
        np.unique(np.linspace(0, len(each.at) - 1, _RANDOM_RECORDS).astype(np.int64)) for each in (left, right)
    )
    by_chance = np.repeat(random_left, len(random_right)), np.tile(random_right, len(random_left))
    random: dict[str, Floats] = {}
    true: dict[str, Floats] = {}
    for name, levels_of in _LEVELS.items():
        shipped = np.array(_SHIPPED.get(name, (1 / 3, 1 / 3, 1 / 3)))
        if name.startswith("fit"):
            true[name] = _shares(levels_of(left, right, known_left, known_right), np.ones(len(known_left)), shipped)
        else:
            seen = np.bincount(_known(levels_of(left, right, *by_chance)), minlength=len(shipped))
            random[name] = (seen + 1.0) / (seen.sum() + len(shipped))
    known = LevelShares(true, random, len(known_left))
    return learn_times(known, left, right, known_left, known_right, np.ones(len(known_left)), len(known_left))


def learn_times(
    chances: LevelShares, left: Payables, right: Payments, i: Ints, j: Ints, weight: Floats, known: int
) -> LevelShares:
    """The same shares, with those of times and payment methods learnt from the given pairs.

    Args:
        i, j: positions of the pairs.
        weight: probability that each pair is a true one.
        known: number of pairs at the start that are known by an ID. They are left out when learning what kind of payable money
            without an ID belongs to.
    """
    true, by_method = dict(chances.true), {}
    for name in (*_TIMES, "method"):
        levels = _LEVELS[name](left, right, i, j)
        true[name] = _shares(levels, weight, np.array(_SHIPPED[name]))
        if name in _TIMES:
            by_method[name] = _by_method(levels, right.method[j], weight, int(right.method.max()) + 1, true[name])
    unknown = slice(known, None)
    levels = _payable(left, right, i[unknown], j[unknown])
    true["payable"] = _shares(levels, weight[unknown], chances.random["payable"])
    for name in ("gap of orders", "gap of opportunities"):
        by_method[name] = _not_too_rare(by_method[name])
    return LevelShares(true, chances.random, chances.learnt_from, by_method)


def _shares(levels: Ints, weight: Floats, shipped: Floats) -> Floats:
    """Share of each level among weighted pairs, pulled towards the shipped share where pairs are few."""
    seen = np.bincount(_known(levels), weight[levels >= 0], minlength=len(shipped))
    mixed = seen + _LINKS_OF_THE_SHIPPED_CHANCES * shipped
    shares: Floats = mixed / mixed.sum()
    return shares


def _by_method(levels: Ints, method: Ints, weight: Floats, methods: int, all_methods: Floats) -> Floats:
    """Shares by payment method, pulled towards those of all methods where pairs are few."""
    rows = np.tile(_LINKS_OF_THE_SHIPPED_CHANCES * all_methods, (methods + 1, 1))
    known = (levels >= 0) & (method >= 0)
    np.add.at(rows, (method[known], levels[known]), weight[known])
    shares: Floats = rows / rows.sum(axis=1, keepdims=True)
    return shares


def _known(levels: Ints) -> Ints:
    return levels[levels >= 0]


def _not_too_rare(shares: Floats) -> Floats:
    shares = shares.copy()
    shares[..., STAMPED_EARLY] = np.maximum(shares[..., STAMPED_EARLY], _LEAST_SHARE_STAMPED_EARLY)
    return shares


def gap_level(left: Payables, right: Payments, i: Ints, j: Ints) -> Ints:
    """Level in `_GAPS` of the time from payable to payment: 1 for payments stamped before the order, 0 for long before it."""
    return np.searchsorted(_GAPS, right.at[j] - left.at[i], side="left")


def _gap_of_orders(left: Payables, right: Payments, i: Ints, j: Ints) -> Ints:
    return np.where((right.direction[j] == "in") & ~left.is_opportunity[i], gap_level(left, right, i, j), -1)


def _gap_of_opportunities(left: Payables, right: Payments, i: Ints, j: Ints) -> Ints:
    return np.where((right.direction[j] == "in") & left.is_opportunity[i], gap_level(left, right, i, j), -1)


def _gap_of_refunds(left: Payables, right: Payments, i: Ints, j: Ints) -> Ints:
    return np.where(right.direction[j] == "in", -1, gap_level(left, right, i, j))


def _delivery(left: Payables, right: Payments, i: Ints, j: Ints) -> Ints:
    since = np.where(right.direction[j] == "in", left.delivered[i], left.undone[i])
    level = np.searchsorted(_AFTER_DELIVERY, right.at[j] - since, side="left")
    return np.where(np.isnan(since), -1, level)


def _method(left: Payables, right: Payments, i: Ints, j: Ints) -> Ints:
    unknown = (left.method[i] < 0) | (right.method[j] < 0)
    return np.where(unknown, -1, (left.method[i] != right.method[j]).astype(np.int64))


def _payable(left: Payables, right: Payments, i: Ints, j: Ints) -> Ints:
    """0 for money in on an order, 1 on a deal with an agreed value, 2 on a deal without one; -1 for refunds."""
    level = np.where(left.is_opportunity[i], np.where(left.has_value[i], 1, 2), 0)
    return np.where(right.direction[j] == "in", level, -1)


def _fit_of_known(left: Payables, right: Payments, i: Ints, j: Ints, kind: Bools) -> Ints:
    fit = fits(left, right, i, j, left.value, left.discounted)
    return np.where(kind & (fit > NO_FIT), fit - 1, -1)


_LEVELS: dict[str, Callable[[Payables, Payments, Ints, Ints], Ints]] = {
    "gap of orders": _gap_of_orders,
    "gap of opportunities": _gap_of_opportunities,
    "gap of refunds": _gap_of_refunds,
    "delivery": _delivery,
    "method": _method,
    "payable": _payable,
    "fit of orders": lambda left, right, i, j: _fit_of_known(
        left, right, i, j, (right.direction[j] == "in") & ~left.is_opportunity[i]
    ),
    "fit of opportunities": lambda left, right, i, j: _fit_of_known(
        left, right, i, j, (right.direction[j] == "in") & left.is_opportunity[i]
    ),
    "fit of refunds": lambda left, right, i, j: _fit_of_known(left, right, i, j, right.direction[j] != "in"),
}


def fits(left: Payables, right: Payments, i: Ints, j: Ints, asked: Ints, discounted: Ints) -> Ints:
    """How the payment's amount of each pair fits what is asked, with or without a discount: one of NO_FIT to IN_FULL."""
    amount, wanted, value = right.amount[j], asked[i], left.value[i]
    same = left.currency[i] == right.currency[j]
    pays = right.direction[j] == "in"
    owes = wanted > 0
    short = wanted - amount
    instalments = np.rint(value / np.maximum(amount, 1))
    many = np.where(left.is_opportunity[i], 12, 4)
    off = np.abs(instalments * amount - value) / np.maximum(instalments, 1)
    even = (off <= 10) & (instalments >= 2) & (instalments <= many)
    for step in who.INSTALMENT_STEPS:
        rounded = left.is_opportunity[i] & (amount % step == 0) & (off < step)
        even |= rounded & (instalments >= 2) & (instalments <= who.MOST_INSTALMENTS)
    with np.errstate(invalid="ignore", divide="ignore"):
        margin = amount * right.rate[j] / np.maximum(wanted * left.rate[i], 1e-9) - 1
    fee = (amount + right.fee[j] == wanted) | (short <= np.minimum(_LARGEST_FEE_SHARE * wanted, _LARGEST_FEE))
    whole = (-short < _UNIT) & (amount % _UNIT == 0)
    fives = (-short < 5 * _UNIT) & (amount % (5 * _UNIT) == 0) & (-short <= 0.02 * wanted)
    up = (short < 0) & (whole | fives)
    return np.select(
        [
            pays & ~left.has_value[i],
            ~owes,
            same & (short == 0),
            same & pays & (amount == discounted[i]),
            same & pays & even & (short > 0),
            same & pays & (short > 0) & fee,
            same & pays & up,
            same & (short > 0),
            same,
            pays & (np.abs(margin) <= _LARGEST_CURRENCY_MARGIN),
        ],
        [NO_VALUE, NO_FIT, IN_FULL, DISCOUNTED, INSTALMENT, LESS_FEE, ROUNDED_UP, PART, MORE, OTHER_CURRENCY],
        NO_FIT,
    ).astype(np.int64)


def weigh(
    left: Payables, right: Payments, people: People, chances: LevelShares, fit: Ints, asked: Ints, is_open: Bools
) -> PairWeights:
    """The evidence for each pair of one direction of money.

    Args:
        left, right, people: payables, payments and pairs.
        chances: shares of true and random pairs.
        fit: how the amount of each pair fits what is asked.
        asked: the amount each payable may still take: what it owes, or what it received and did not refund.
        is_open: payables that may still take a payment.
    """
    i, j = people.left, people.right
    gap = gap_level(left, right, i, j)
    parts = {
        "amount": _amount_bits(left, right, i, j, fit, chances, asked, is_open),
        "contact": _contact_bits(left, people),
        "name": _name_bits(people),
        **_time_bits(left, right, i, j, chances),
        "transfer": _transfer_bits(left, right, i, j),
        "state": _state_bits(left, right, i, j),
    }
    bits = sum(parts.values()) - np.log2(max(1, int(is_open.sum())))
    # One row per pair, shown in tenths of a bit: single precision halves the memory.
    parts = {name: each.astype(np.float32) for name, each in parts.items()}
    return PairWeights(np.where(fit > MORE, bits, -np.inf), fit, gap, parts)


def weigh_times(
    left: Payables, right: Payments, people: People, chances: LevelShares, weighed: PairWeights
) -> PairWeights:
    """The same pairs, with times and payment methods weighed by other shares."""
    times = _time_bits(left, right, people.left, people.right, chances)
    change = sum(bits - weighed.parts[name] for name, bits in times.items())
    parts = weighed.parts | {name: each.astype(np.float32) for name, each in times.items()}
    return PairWeights(weighed.bits + change, weighed.fit, weighed.gap, parts)


def _time_bits(left: Payables, right: Payments, i: Ints, j: Ints, chances: LevelShares) -> dict[str, Floats]:
    return {
        "time": _level_bits(left, right, i, j, chances, "gap of orders", "gap of opportunities", "gap of refunds"),
        "delivery": 0.5 * _level_bits(left, right, i, j, chances, "delivery"),
        "method": _level_bits(left, right, i, j, chances, "method"),
        "kind": _level_bits(left, right, i, j, chances, "payable"),
    }


def _level_bits(left: Payables, right: Payments, i: Ints, j: Ints, chances: LevelShares, *names: str) -> Floats:
    bits = np.zeros(len(i))
    for name in names:
        level = _LEVELS[name](left, right, i, j)
        known = np.maximum(level, 0)
        true = chances.by_method[name][right.method[j], known] if name in _TIMES else chances.true[name][known]
        bits += np.where(level >= 0, np.log2(true / chances.random[name][known]), 0.0)
    return bits


def _amount_bits(
    left: Payables, right: Payments, i: Ints, j: Ints, fit: Ints, chances: LevelShares, asked: Ints, is_open: Bools
) -> Floats:
    direction = np.where(right.direction[j] != "in", 2, left.is_opportunity[i].astype(int))
    table = np.stack(
        [np.r_[1e-9, chances.true[name]] for name in ("fit of orders", "fit of opportunities", "fit of refunds")]
    )
    true = table[direction, fit]
    wanted = np.sort(asked[is_open & (asked > 0)])
    total = max(1, len(wanted))
    # Share of payables that would take the amount as a part, less a fee, or rounded up: how often such a fit is chance.
    amount = right.amount[j]
    above = (total - np.searchsorted(wanted, amount, side="right")) / total
    highest = np.minimum(amount * (1 + _LARGEST_FEE_SHARE), amount + _LARGEST_FEE)
    near = (
        np.searchsorted(wanted, highest, side="right") - np.searchsorted(wanted, amount * 0.98, side="left")
    ) / total
    near = np.clip(near, 0.002, 1)
    of_orders, common = (of_all[j] for of_all in commonness(left, right))
    # Instalments of one deal repeat, so other payments of the same amount are no evidence against them.
    parts = np.rint(left.value[i] / np.maximum(amount, 1))
    to_the_coin = np.abs(parts * amount - left.value[i]) <= who.INSTALMENT_STEPS[0] * parts
    roundings = np.where(to_the_coin, 1, len(who.INSTALMENT_STEPS))
    instalment = np.clip(_AMOUNTS_OF_INSTALMENTS * roundings * of_orders / _again(right)[j], 1e-6, 0.05)
    by_chance = np.select(
        [fit >= DISCOUNTED, fit == NO_VALUE, fit == INSTALMENT, fit == PART],
        [
            common,
            1.0,
            np.where(left.is_opportunity[i], instalment, np.clip(near, 0.004, 0.05)),
            np.clip(above, 0.05, 1),
        ],
        near,
    )
    bits: Floats = np.log2(true / by_chance)
    return bits


def commonness(left: Payables, right: Payments) -> tuple[Floats, Floats]:
    """For every payment, how often an unrelated payment has its amount: by the orders alone, and by orders and open payments.

    For an amount seen at most once, the Good-Turing estimate is used: it is rarer the fewer amounts of its size occur twice. An
    amount that several open payments share is common whatever the orders show.
    """
    amount, currency = np.r_[left.value, right.amount], np.r_[left.currency, right.currency]
    code = np.unique(currency * (1 << 48) + amount, return_inverse=True)[1]
    size = np.floor(np.log(np.maximum(amount, 1)) / np.log(_SAME_SIZE)).astype(np.int64)
    of_size = np.unique(currency * 1_000 + size, return_inverse=True)[1]
    many = len(left.currency)
    of_orders = np.bincount(code[:many], minlength=code.max() + 1)
    once, twice = (
        np.bincount(of_size[:many], of_orders[code[:many]] == times, minlength=of_size.max() + 1) / times
        for times in (1, 2)
    )
    single = np.clip(2 * (twice + 0.5) / (once + 1), 0.02, 1)[of_size[many:]]
    mine = code[many:]
    orders = np.where(of_orders[mine] <= 1, single, of_orders[mine]) / max(1, many)
    of_open = np.bincount(mine[right.is_open], minlength=code.max() + 1)
    payments = np.maximum(of_open - 1, 0) / (int(right.is_open.sum()) + 20)
    return np.clip(orders, 1e-9, 1), np.clip(np.maximum(orders, payments[mine]), 1e-9, 1)


def _again(right: Payments) -> Floats:
    """For every payment, a likelihood ratio: its amount recurs (or not) for an instalment, against any open payment."""
    code = np.unique(right.currency * (1 << 48) + right.amount, return_inverse=True)[1]
    comes_again = np.bincount(code, right.is_open)[code] >= 2
    of_any = np.clip(comes_again[right.is_open].mean(), 0.05, 0.95) if right.is_open.any() else 0.5
    true = _SHARE_OF_INSTALMENTS_SEEN_AGAIN
    ratio: Floats = np.where(comes_again, true / of_any, (1 - true) / (1 - of_any))
    return ratio


def _contact_bits(left: Payables, people: People) -> Floats:
    """Bits of a shared contact. An order without a contact gets almost as many if its name matches and another order with that
    name shares the contact: it is probably the same person's."""
    shared = np.log2(0.9 * max(2, len(left.currency)) / _STRANGERS_WITH_A_KNOWN_CONTACT)
    bits = np.where(people.is_personal, shared, 0.0)
    bits += np.where(people.same_email & people.same_phone, 2.0, 0.0)
    bits -= np.where(people.same_phone & people.other_email, 2.0, 0.0)
    without = ~people.is_personal
    named = people.name >= who.ANOTHER_MIDDLE
    known = np.zeros(int(people.right.max()) + 1, bool)
    known[people.right[people.is_personal & named]] = True
    probably = without & named & known[people.right] & ~people.other_phone & ~people.other_email
    bits = np.where(probably, shared - people.rarity, bits)
    return bits - np.where(without, 3.5 * people.other_phone + 3.5 * people.other_email, 0.0)


def _name_bits(people: People) -> Floats:
    alone = np.choose(
        people.name,
        [
            0.0,
            -5.0,
            people.rarity - 7.0,
            people.rarity - 6.0,
            people.rarity - 3.5,
            people.rarity - 4.5,
            people.rarity - 5.0,
            people.rarity - 4.0,
            people.rarity - 0.4,
        ],
    )
    # With a shared contact, a name only confirms or weakens it: a family may share one phone.
    beside = np.array([0.0, -3.5, -3.0, -2.5, 0.5, 1.0, 1.0, 2.0, 2.5])[people.name]
    return np.where(people.is_personal, beside, alone)


def _transfer_bits(left: Payables, right: Payments, i: Ints, j: Ints) -> Floats:
    known = ~np.isnan(left.delivered[i]) & ~np.isnan(right.carried_from[j])
    among = (left.delivered[i] >= right.carried_from[j] - 0.5) & (left.delivered[i] <= right.carried_to[j] + 0.5)
    return np.where(known, np.where(among, 3.0, -4.0), 0.0)


def _state_bits(left: Payables, right: Payments, i: Ints, j: Ints) -> Floats:
    """Bits of the order's state. Money in for a cancelled or returned order is rare, above all afterwards, but couriers do pay
    for orders that were delivered and then returned."""
    undone = ~np.isnan(left.undone[i])
    before = undone & (left.undone[i] <= right.at[j])
    return np.where(
        right.direction[j] == "in",
        np.select([before, undone], [-4.0, -1.0], 0.0),
        np.where(undone & (left.undone[i] <= right.at[j] + 1), 3.0, -2.0),
    )
