"""What each piece of evidence weighs for a payment and what it may belong to, in bits: +3 makes the pair eight times likelier.

Every weight is the logarithm of a ratio: how often a payment and its own order agree like this, over how often a payment that
has nothing to do with the order does. The second is counted in the company's own tables: how common an amount, a word of a name
and a gap of time are. The first is learnt from payments that name their order; while these are few, shipped chances hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reconciliation_assets.chain.matching.inference import candidates as who
from reconciliation_assets.chain.matching.inference.candidates import Bools, Floats, Ints, Payables, Payments, People

# How an amount fits what is owed (of money that goes back: what was received), from none to exactly.
NO_FIT, MORE, PART, OTHER_CURRENCY, ROUNDED_UP, LESS_FEE, NO_VALUE, INSTALMENT, DISCOUNTED, IN_FULL = range(10)
# Paid once: money that fits like this leaves nothing owed.
CLOSES = np.isin(np.arange(10), (OTHER_CURRENCY, ROUNDED_UP, LESS_FEE, DISCOUNTED, IN_FULL))

# Known links that weigh as much as the shipped chances.
_LINKS_OF_THE_SHIPPED_CHANCES = 50
_RANDOM_RECORDS = 800
_UNIT = 1_000
_LARGEST_FEE_SHARE = 0.1
_LARGEST_FEE = 30 * _UNIT
_LARGEST_CURRENCY_MARGIN = 0.03
# Of the payments with nobody's order, so many come from somebody whose contact is known all the same.
_STRANGERS_WITH_A_KNOWN_CONTACT = 0.02

# Upper ends of the gaps between order and payment, in days: five minutes, an hour, a day, ...
_GAPS = np.array([-who.STAMPED_EARLY_DAYS, 0.0, 5 / 1440, 1 / 24, 1, 3, 7, 14, 30, 45, 90, who.LONGEST_DAYS, np.inf])
STAMPED_EARLY, WITHIN_MINUTES, WITHIN_AN_HOUR, WITHIN_A_DAY = 1, 2, 3, 4
# So many amounts are an instalment of a deal, in this number of parts or that, rounded down or up.
_AMOUNTS_OF_INSTALMENTS = 2 * (who.MOST_INSTALMENTS - 1)
_SHARE_OF_INSTALMENTS_SEEN_AGAIN = 0.7
# Amounts that are no further apart than this factor are of one size.
_SAME_SIZE = 1.25
# Stamps in the wrong zone come from a source that names no order: those that do cannot teach how many there are.
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
        learnt_from: how many known pairs they were learnt from.
        by_method: of times, the shares of true pairs for each way of paying, the last row for an unknown one.
    """

    true: dict[str, Floats] = field(default_factory=dict)
    random: dict[str, Floats] = field(default_factory=dict)
    learnt_from: int = 0
    by_method: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class PairWeights:
    """What speaks for each pair.

    Attributes:
        bits: all evidence together, against any one of the open payables being the partner by chance.
        fit: how the amount fits.
        gap: the level of the gap of time.
        parts: what each kind of evidence adds to the bits.
    """

    bits: Floats
    fit: Ints
    gap: Ints
    parts: dict[str, Floats]


def learn(left: Payables, right: Payments, known_left: Ints, known_right: Ints) -> LevelShares:
    """The chances that known pairs show, drawn towards the shipped ones where they are few."""
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
    """The same chances with those of times and ways of paying as some pairs show them.

    Args:
        i, j: positions of the pairs.
        weight: how likely each is a true one.
        known: so many of the first pairs are known by an ID. They do not teach what money without one is for.
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
    """Share of each level among weighed pairs, drawn towards the shipped share where they are few."""
    seen = np.bincount(_known(levels), weight[levels >= 0], minlength=len(shipped))
    mixed = seen + _LINKS_OF_THE_SHIPPED_CHANCES * shipped
    shares: Floats = mixed / mixed.sum()
    return shares


def _by_method(levels: Ints, method: Ints, weight: Floats, methods: int, all_methods: Floats) -> Floats:
    """Shares by way of paying, drawn towards those of all ways where pairs are few."""
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
    """Which gap of `_GAPS` lies between each payable and payment; money stamped before the order is level 1, long before it 0."""
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
    """Whether money coming in is of an order (0), of a deal with an agreed value (1) or of one without (2)."""
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
    """How each payment's amount fits what is asked (all of it, or all less a discount), in the payable's currency."""
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
    """What speaks for each pair of one direction of money.

    Args:
        left, right, people: the ends and the pairs.
        chances: what true and random pairs look like.
        fit: how the amount of each pair fits what is asked.
        asked: what each payable may still take: what it owes, or what it received and did not give back.
        is_open: payables that may take anything at all.
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
    # There is a row per pair, and tenths of a bit are told: half the precision is half the memory.
    parts = {name: each.astype(np.float32) for name, each in parts.items()}
    return PairWeights(np.where(fit > MORE, bits, -np.inf), fit, gap, parts)


def weigh_times(
    left: Payables, right: Payments, people: People, chances: LevelShares, weighed: PairWeights
) -> PairWeights:
    """The same pairs, their times and ways of paying weighed by other chances."""
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
    # How many payables would take the amount as a part of what they ask, less a fee, or rounded up: that often it is chance.
    amount = right.amount[j]
    above = (total - np.searchsorted(wanted, amount, side="right")) / total
    highest = np.minimum(amount * (1 + _LARGEST_FEE_SHARE), amount + _LARGEST_FEE)
    near = (
        np.searchsorted(wanted, highest, side="right") - np.searchsorted(wanted, amount * 0.98, side="left")
    ) / total
    near = np.clip(near, 0.002, 1)
    of_orders, common = (of_all[j] for of_all in commonness(left, right))
    # Instalments come again by themselves: that other payments are of the amount says nothing against them.
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
    """For every payment, how often money of somebody else would be of its amount: as the orders say, and as open payments say too.

    An amount seen once says more the fewer amounts of its size come twice (the Good-Turing estimate of what is unseen); one that
    several open payments share is common whatever the orders say.
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
    """For every payment, how much likelier an instalment's amount is to come again, or not to, than any open payment's."""
    code = np.unique(right.currency * (1 << 48) + right.amount, return_inverse=True)[1]
    comes_again = np.bincount(code, right.is_open)[code] >= 2
    of_any = np.clip(comes_again[right.is_open].mean(), 0.05, 0.95) if right.is_open.any() else 0.5
    true = _SHARE_OF_INSTALMENTS_SEEN_AGAIN
    ratio: Floats = np.where(comes_again, true / of_any, (1 - true) / (1 - of_any))
    return ratio


def _contact_bits(left: Payables, people: People) -> Floats:
    """What a shared contact says. An order without any contact, under the same name as one that shares it, is probably the same
    person's: little less is said for it."""
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
    # Beside a contact a name only confirms or doubts: a family shares its phone.
    beside = np.array([0.0, -3.5, -3.0, -2.5, 0.5, 1.0, 1.0, 2.0, 2.5])[people.name]
    return np.where(people.is_personal, beside, alone)


def _transfer_bits(left: Payables, right: Payments, i: Ints, j: Ints) -> Floats:
    known = ~np.isnan(left.delivered[i]) & ~np.isnan(right.carried_from[j])
    among = (left.delivered[i] >= right.carried_from[j] - 0.5) & (left.delivered[i] <= right.carried_to[j] + 0.5)
    return np.where(known, np.where(among, 3.0, -4.0), 0.0)


def _state_bits(left: Payables, right: Payments, i: Ints, j: Ints) -> Floats:
    """Money for an order that came to nothing is rare, and rarer after that; couriers hand over what was delivered and came back."""
    undone = ~np.isnan(left.undone[i])
    before = undone & (left.undone[i] <= right.at[j])
    return np.where(
        right.direction[j] == "in",
        np.select([before, undone], [-4.0, -1.0], 0.0),
        np.where(undone & (left.undone[i] <= right.at[j] + 1), 3.0, -2.0),
    )
