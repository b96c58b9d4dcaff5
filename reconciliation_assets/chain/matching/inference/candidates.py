"""Candidate orders and opportunities of payments that name none, and what the people of each pair have in common.

A pair is a candidate if it shares a contact, a customer or a lead, if the amount is exactly what is owed, or if two words of
the names sound alike, with each other's given name among them. Nothing else makes a candidate.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy

from reconciliation_assets.policy.model import Matching
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.scoring import Block, candidate_pairs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# A payment without a shared contact is no candidate if it comes more than this many days after the order.
LONGEST_DAYS = 120
# Time stamps in a wrong zone are off by up to this much, and deposits come in before the order is entered.
STAMPED_EARLY_DAYS = 1.0
# The lowest digits of a word's code are its rarity, in quarters of a bit.
_RARITY_STEPS = 128
_STEPS_PER_BIT = 4


@dataclass(frozen=True)
class Payables:
    """What payments can belong to, as arrays; amounts in thousandths of the currency's major unit, times in days."""

    ids: pa.ChunkedArray
    currency: Ints
    value: Ints
    has_value: Bools
    discounted: Ints
    paid: Ints
    returned: Ints
    rate: Floats
    at: Floats
    delivered: Floats
    undone: Floats
    method: Ints
    is_opportunity: Bools
    is_open: Bools


@dataclass(frozen=True)
class Payments:
    """Settled payments as arrays in the same units; `group` is what a payment shows of its payer."""

    ids: pa.ChunkedArray
    currency: Ints
    amount: Ints
    fee: Ints
    rate: Floats
    at: Floats
    method: Ints
    direction: npt.NDArray[np.str_]
    carried_from: Floats
    carried_to: Floats
    group: Ints
    is_open: Bools


@dataclass(frozen=True)
class People:
    """What the people of each pair have in common; left and right are positions in `Payables` and `Payments`.

    Attributes:
        name: one of the name levels below.
        rarity: bits of evidence that two people do not share these words by chance.
    """

    left: Ints
    right: Ints
    same_email: Bools
    same_phone: Bools
    other_email: Bools
    other_phone: Bools
    same_customer: Bools
    same_lead: Bools
    name: Ints
    rarity: Floats

    def with_strangers(self, left: Ints, right: Ints) -> "People":
        """These pairs, followed by the given ones, whose people share nothing."""
        size = len(left)
        others = People(left, right, *(np.zeros(size, dtype=bool),) * 6, np.full(size, UNKNOWN), np.zeros(size))
        return People(*(np.r_[getattr(self, name), getattr(others, name)] for name in People.__dataclass_fields__))

    @cached_property
    def is_personal(self) -> Bools:
        """Whether a contact, a customer or a lead is shared."""
        return self.same_email | self.same_phone | self.same_customer | self.same_lead


# What a payment shows of its payer; a contact counts only if an order or opportunity has it too.
SHOWS_CONTACT, SHOWS_NAME, SHOWS_NOTHING = range(3)

# Name levels, from no name at all to the same name.
UNKNOWN, ANOTHER_NAME, COMMON_WORDS, SAME_FAMILY, ONE_WORD, SAME_GIVEN, ANOTHER_MIDDLE, ANOTHER_ORDER, SAME_NAME = (
    range(9)
)

_SHARED = "list_intersect(l.sounds, r.sounds)"
_NAMES_MISSING = "(coalesce(len(l.sounds), 0) = 0 or coalesce(len(r.sounds), 0) = 0)"
_PERSONAL = (
    "(coalesce(l.email_key = r.email_key, false) or coalesce(l.phone_key = r.phone_key, false)"
    " or coalesce(l.customer_id = r.customer_id, false) or coalesce(l.lead_id = r.lead_id, false))"
)
_POSSIBLE = f"""
  r.at_day >= l.created_day - {STAMPED_EARLY_DAYS}
  and case r.direction
    when 'in' then (l.owed_units > 0 or l.amount_units is null)
      and (coalesce(l.undone_day > r.at_day, true) or coalesce(l.delivered_day < l.undone_day, false))
    when 'out' then true
    else l.returned_units >= r.amount_units
  end
  and (
    coalesce(l.lead_id = r.lead_id, false)
    or ({_PERSONAL} and r.at_day - l.at_day <= {{window}})
    or (not r.names_something and r.at_day - l.at_day <= {LONGEST_DAYS} and (
      (l.currency = r.currency and (list_contains(l.asked, r.amount_units) or list_contains(l.instalments, r.amount_units)) and ({_NAMES_MISSING} or list_has_any(l.sounds, r.sounds)))
      or (len({_SHARED}) >= 2 and list_contains(r.sounds, l.sounds[1]) and list_contains(l.sounds, r.sounds[1]))
    ))
  )
"""
_IN_WINDOW = dict.fromkeys(("email", "phone", "customer"), "r.at_day - l.at_day <= {window}")
_EQUAL = {"email": "email_key", "phone": "phone_key", "customer": "customer_id", "lead": "lead_id"}
_TOLD = {
    **{
        f"same_{name}": f"coalesce(l.{key} = r.{key} and {_IN_WINDOW.get(name, 'true')}, false)"
        for name, key in _EQUAL.items()
    },
    **{f"other_{name}": f"coalesce(l.{_EQUAL[name]} <> r.{_EQUAL[name]}, false)" for name in ("email", "phone")},
    "shared": f"coalesce(len({_SHARED}), 0)",
    "written_alike": "coalesce(len(list_intersect(l.words, r.words)), 0)",
    "sound_rarity": f"coalesce(list_sum(list_transform({_SHARED}, lambda x: x % {_RARITY_STEPS})), 0) / {_STEPS_PER_BIT}.0",
    "word_rarity": "coalesce(list_sum(list_transform(list_intersect(l.words, r.words), "
    f"lambda x: x % {_RARITY_STEPS})), 0) / {_STEPS_PER_BIT}.0",
    "left_words": "coalesce(len(list_distinct(l.sounds)), 0)",
    "right_words": "coalesce(len(list_distinct(r.sounds)), 0)",
    "same_given": "coalesce(l.sounds[1] = r.sounds[1], false)",
    "same_family": "coalesce(l.sounds[-1] = r.sounds[-1], false)",
    "given_in_both": "coalesce(list_contains(r.sounds, l.sounds[1]) and list_contains(l.sounds, r.sounds[1]), false)",
}
_SOUND_PAIRS = (
    "list_transform(list_filter(flatten(list_transform({0}, lambda a: list_transform({0}, lambda b: [a, b]))), "
    "lambda p: p[1] < p[2]), lambda p: p[1] || ' ' || p[2])"
)
_ASKED = "list_transform(asked, lambda a: currency || ' ' || a)"
_INSTALMENTS = "list_transform(instalments, lambda a: currency || ' ' || a)"
_AMOUNT = "currency || ' ' || amount_units"


def _each_with_each(words: str, others: str) -> str:
    """SQL for every combination of the two lists: two `unnest` in one SELECT would only pair them by position."""
    return (
        f"unnest(flatten(list_transform({words}, lambda x: list_transform({others}, "
        "lambda y: cast(x as varchar) || '|' || cast(y as varchar)))))"
    )


def _periods(days: int, back: int) -> str:
    """SQL for the periods in which a payment's order may be: its own, `back` before it, and one after for early time stamps."""
    return "[" + ", ".join(f"floor(at_day / {days}) - {number}" for number in range(-1, back + 1)) + "]"


_BLOCKS = (
    *(Block(key, key) for key in _EQUAL.values()),
    Block(_each_with_each(_ASKED, "sounds"), f"{_AMOUNT} || '|' || unnest(sounds)"),
    Block(
        f"unnest({_ASKED}) || '|' || floor(at_day / 14)",
        f"{_AMOUNT} || '|' || unnest({_periods(14, 3)})",
    ),
    Block(
        f"unnest({_INSTALMENTS}) || '|' || floor(at_day / 30)",
        f"{_AMOUNT} || '|' || unnest({_periods(30, 3)})",
    ),
    Block(
        f"unnest({_SOUND_PAIRS.format('sounds')}) || '|' || floor(at_day / 30)",
        _each_with_each(_SOUND_PAIRS.format("sounds"), _periods(30, 3)),
    ),
)


# A deal is paid in two to four equal parts, each rounded to the smallest coin, to a whole unit or to five.
MOST_INSTALMENTS, INSTALMENT_STEPS = 4, (10, 1_000, 5_000)


def _units(amount: str) -> str:
    """SQL for an amount in thousandths, as a whole number wide enough for any amount that the contract allows."""
    return f"cast(cast({amount} as decimal(38, 3)) * 1000 as bigint)"


_INSTALMENTS_OF = ", ".join(
    f"[{_units('amount')} // {number * step} * {step} + up for up in [0, {step}]]"
    for number in range(2, MOST_INSTALMENTS + 1)
    for step in INSTALMENT_STEPS
)


def read_payables(warehouse: Ledger, layer: str, matching: Matching) -> pa.Table:
    """Payables ordered by ID, with the amounts they ask for; contacts above the policy's `shared_contact_limit` are emptied."""
    personal = ", ".join(
        f"case when count(*) over (partition by {key}) <= {matching.shared_contact_limit} then {key} end as {key}"
        for key in ("email_key", "phone_key", "customer_id")
    )
    units = ", ".join(
        f"{_units(name)} as {name.removesuffix('_amount')}_units"
        for name in ("discounted_amount", "paid_amount", "returned_amount")
    )
    return warehouse.arrow(
        f"""
        select unique_id, link, left_id, created_day, at_day, delivered_day, undone_day, {personal}, lead_id, name_keys,
          name_sound_keys, currency, rate, method, is_opportunity, is_open, {units},
          {_units("amount")} as amount_units,
          {_units("greatest(amount - paid_amount, 0)")} as owed_units,
          list_distinct([{_units("asked")} for asked in
            [amount - paid_amount, discounted_amount - paid_amount, amount, paid_amount - returned_amount] if asked > 0]) as asked,
          case when is_opportunity and amount > paid_amount then list_distinct(flatten([{_INSTALMENTS_OF}])) end as instalments
        from {layer}.payables
        order by unique_id
        """
    )


def read_payments(warehouse: Ledger, layer: str, trial: str | None) -> pa.Table:
    """Settled payments ordered by ID; where a trial table is named, only its payments are open."""
    is_open = f"is_open and unique_id in (select right_id from {trial})" if trial else "is_open"
    is_hidden = f"unique_id in (select right_id from {trial} where is_hidden)" if trial else "false"
    return warehouse.arrow(
        f"""
        select unique_id, at_day, direction, settled_from_day, settled_to_day, email_key, phone_key, customer_id, lead_id,
          name_keys, name_sound_keys, currency, rate, method, names_something, {is_open} as is_open, {is_hidden} as is_hidden,
          {_units("amount")} as amount_units, {_units("fee")} as fee_units
        from {layer}.matchable_payments
        order by unique_id
        """
    )


def arrays(payables: pa.Table, payments: pa.Table) -> tuple[Payables, Payments]:
    """Both sides as arrays, with one code per currency and payment method."""
    currency = _codes(payables["currency"], payments["currency"])
    method = _codes(payables["method"], payments["method"])
    left = Payables(
        payables["unique_id"],
        currency[0],
        _whole(payables["amount_units"]),
        pc.is_valid(payables["amount_units"]).to_numpy(),
        _whole(payables["discounted_units"]),
        _whole(payables["paid_units"]),
        _whole(payables["returned_units"]),
        _real(payables["rate"]),
        _real(payables["at_day"]),
        _real(payables["delivered_day"]),
        _real(payables["undone_day"]),
        method[0],
        payables["is_opportunity"].to_numpy(),
        payables["is_open"].to_numpy(),
    )
    right = Payments(
        payments["unique_id"],
        currency[1],
        _whole(payments["amount_units"]),
        _whole(payments["fee_units"]),
        _real(payments["rate"]),
        _real(payments["at_day"]),
        method[1],
        payments["direction"].to_numpy().astype(str),
        _real(payments["settled_from_day"]),
        _real(payments["settled_to_day"]),
        _group(payables, payments),
        payments["is_open"].to_numpy(),
    )
    return left, right


def find_people(payables: pa.Table, payments: pa.Table, matching: Matching, limits: tuple[str, Path]) -> People:
    """All candidate pairs with what their people have in common; `limits` are the engine's memory and spill folder."""
    payables = _with_contacts_of_other_orders(payables)
    sounds = _encoded(payables["name_sound_keys"], payments["name_sound_keys"])
    words = _encoded(payables["name_keys"], payments["name_keys"])
    sides = [
        table.drop_columns(["name_keys", "name_sound_keys"])
        .append_column("sounds", sounds[side])
        .append_column("words", words[side])
        .append_column("number", pa.array(np.arange(table.num_rows)))
        for side, table in enumerate((payables, payments))
    ]
    found = candidate_pairs(
        _BLOCKS,
        *sides,
        possible=_POSSIBLE.format(window=matching.contact_window_days),
        candidates_per_key=matching.inferred.candidates_per_key,
        told={name: sql.format(window=matching.contact_window_days) for name, sql in _TOLD.items()},
        limits=limits,
    )
    told = {name: found[name].to_numpy() for name in found.column_names}
    return People(
        told["left_number"],
        told["right_number"],
        told["same_email"],
        told["same_phone"],
        told["other_email"],
        told["other_phone"],
        told["same_customer"],
        told["same_lead"],
        _name_level(told),
        _rarity(told),
    )


def _with_contacts_of_other_orders(payables: pa.Table) -> pa.Table:
    """The payables, with a missing e-mail or phone filled from other orders of the same person where these agree.

    Same person means a shared contact and the same given name, because a family may share one phone.
    """
    names = payables["name_sound_keys"].combine_chunks()
    given = pc.fill_null(pc.list_element(pc.if_else(pc.greater(pc.list_value_length(names), 0), names, None), 0), "")
    contacts = [payables[name].combine_chunks().cast(pa.string()) for name in ("email_key", "phone_key", "customer_id")]
    keys = [pc.binary_join_element_wise(contact, given, "|") for contact in contacts]
    known = [np.flatnonzero(pc.is_valid(key).to_numpy(zero_copy_only=False)) for key in keys]
    if not sum(map(len, known)):
        return payables
    codes = pa.concat_arrays([key.drop_null() for key in keys]).dictionary_encode().indices.to_numpy()
    rows, size = np.concatenate(known), payables.num_rows
    nodes = size + int(codes.max()) + 1
    graph = scipy.sparse.coo_matrix((np.ones(len(rows), np.int8), (rows, size + codes)), shape=(nodes, nodes))
    person = scipy.sparse.csgraph.connected_components(graph, directed=False)[1][:size]
    for name, contact in zip(("email_key", "phone_key"), contacts, strict=False):
        encoded = contact.dictionary_encode()
        code = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        pairs = np.unique(np.stack([person[code >= 0], code[code >= 0]]), axis=1)
        one = pairs[:, np.bincount(pairs[0], minlength=nodes)[pairs[0]] == 1] if pairs.size else pairs
        only = np.full(nodes, -1)
        only[one[0]] = one[1]
        filled = np.where(code >= 0, code, only[person])
        values = encoded.dictionary.take(pa.array(np.maximum(filled, 0))) if len(encoded.dictionary) else contact
        values = pc.if_else(pa.array(filled >= 0), values, None)
        payables = payables.set_column(payables.column_names.index(name), name, values)
    return payables


def _name_level(told: dict[str, np.ndarray]) -> Ints:
    shared, fewer = told["shared"], np.minimum(told["left_words"], told["right_words"])
    more = np.maximum(told["left_words"], told["right_words"])
    all_of_one = shared == fewer
    same_given, same_family = told["same_given"], told["same_family"]
    return np.select(
        [
            fewer == 0,
            shared == 0,
            all_of_one & (shared >= 2) & same_given & (same_family | (fewer < more)),
            all_of_one & (shared >= 2) & told["given_in_both"],
            same_given & same_family & (shared >= 2),
            all_of_one & (shared == 1),
            same_given,
            same_family,
        ],
        [UNKNOWN, ANOTHER_NAME, SAME_NAME, ANOTHER_ORDER, ANOTHER_MIDDLE, ONE_WORD, SAME_GIVEN, SAME_FAMILY],
        COMMON_WORDS,
    ).astype(np.int64)


def _rarity(told: dict[str, np.ndarray]) -> Floats:
    """Rarity of the shared words in bits: of the spelling where it is the same, else of the sound less 1 bit per word."""
    unalike = np.maximum(told["shared"] - told["written_alike"], 0)
    rarity: Floats = np.maximum(told["sound_rarity"], np.where(unalike == 0, told["word_rarity"], 0.0)) - 1.0 * unalike
    return rarity


def _encoded(*sides: pa.ChunkedArray) -> list[pa.Array]:
    """Lists of words as lists of codes, in the same order; the lowest digits of a code are the word's rarity."""
    lists = [side.combine_chunks() for side in sides]
    flat = pa.concat_arrays([pc.list_flatten(each).cast(pa.string()) for each in lists])
    encoded = flat.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    names = max(1, sum(len(each) - each.null_count for each in lists))
    counts = np.bincount(codes, minlength=len(encoded.dictionary))
    # Counts plus one, so that a word seen in one name does not count as too rare.
    bits = np.clip(np.log2((names + 2) / (counts + 1)), 0, 30)
    values = codes * _RARITY_STEPS + np.rint(bits * _STEPS_PER_BIT).astype(np.int64)[codes]
    result, begin = [], 0
    for each in lists:
        lengths = pc.fill_null(pc.list_value_length(each), 0).to_numpy(zero_copy_only=False)
        offsets = np.r_[0, np.cumsum(lengths)].astype(np.int32)
        result.append(pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[begin : begin + offsets[-1]])))
        begin += int(offsets[-1])
    return result


def _codes(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[Ints, Ints]:
    """One set of codes for both sides; -1 for null."""
    both = pa.chunked_array([*left.chunks, *right.chunks], pa.string()).combine_chunks().dictionary_encode()
    codes = pc.fill_null(both.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes[: len(left)], codes[len(left) :]


def _whole(values: pa.ChunkedArray) -> Ints:
    whole: Ints = pc.fill_null(values, 0).to_numpy().astype(np.int64)
    return whole


def _real(values: pa.ChunkedArray) -> Floats:
    real: Floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return real


def _group(payables: pa.Table, payments: pa.Table) -> Ints:
    """Group of each payment: 0 to 2 for what it shows of its payer (SHOWS_...), plus 3 if the backtest hid its ID."""
    contact = np.any(
        [
            pc.fill_null(pc.is_in(payments[key], payables[key].combine_chunks().drop_null()), False).to_numpy()
            for key in _EQUAL.values()
        ],
        axis=0,
    )
    shows = np.where(contact, SHOWS_CONTACT, np.where(_valid(payments, "name_sound_keys"), SHOWS_NAME, SHOWS_NOTHING))
    group: Ints = shows + 3 * payments["is_hidden"].to_numpy()
    return group


def _valid(table: pa.Table, *columns: str) -> Bools:
    valid: Bools = np.any([pc.is_valid(table[name]).to_numpy() for name in columns], axis=0)
    return valid
