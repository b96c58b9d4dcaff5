"""Payments that name no order: assigned to an order or CRM record by contact, relationship and inference together, or to none.

Money in is assigned first, then refunds, which go where money came in, then reversals of refunds. In each step every candidate
of every payment is weighed, all compete, and only sure pairs are linked. The same code serves the real tables and those of the
backtest, which are in a schema of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets.chain.matching.inference import candidates as who
from reconciliation_assets.chain.matching.inference import weights as by
from reconciliation_assets.chain.matching.inference.assignment_of_money import (
    chances,
    paired_in_time,
    share_with_an_order,
    within_what_is_owed,
)
from reconciliation_assets.chain.matching.inference.candidates import Floats, Ints, Payables, Payments, People
from reconciliation_assets.chain.matching.inference.evidence import parts_in_words, told
from reconciliation_assets.chain.matching.inference.sums import PairGroup, completing, owed_at_once, paid_together
from reconciliation_assets.chain.matching.kinds import MONEY, chance_kind, shipped_confidence
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.policy.model import Matching
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName

_KNOWN_LINKS_LEARNT_FROM = 20_000
# Open payments from which times and payment methods are learnt, and the number of passes over them.
_PAYMENTS_LEARNT_FROM, _ROUNDS_OF_LEARNING = 20_000, 6
# Pairs less likely than this are not kept even for manual review.
_LEAST_CHANCE = 0.05
# A payment that probably belongs to one of at most this many goes to manual review, however alike they are.
_FEW = 5
# A pair competes when it is at least this share as likely as the best one of its payment.
_COMPETES_FROM = 0.01


@dataclass(frozen=True)
class BestPairs:
    """The best pair of each payment: positions of its ends, probability, whether it is linked, and the evidence."""

    left: Ints
    right: Ints
    chance: Floats
    confidence: Floats
    is_sure: np.ndarray
    is_likely: np.ndarray
    rivals: Ints
    kind: np.ndarray
    method: np.ndarray
    evidence: np.ndarray
    parts: np.ndarray
    shares: dict[int, float]


@dataclass(frozen=True)
class Assigned:
    """The result of an assignment.

    Attributes:
        made: its metadata.
        shares: share of the payments that have an order, by what they show of their payer.
        shown: right_id and shown: what each open payment shows of its payer.
    """

    made: TableMetadata
    shares: dict[int, float]
    shown: pa.Table


def assign(warehouse: Ledger, layer: str, matching: Matching, trial: str | None = None) -> "Assigned":
    """Make `<layer>.assigned_payments`: the most likely order or CRM record of every payment that names none.

    Columns: link, left_id, right_id, match_method, evidence_kind, probability, match_confidence, is_sure, is_likely, evidence, weights, candidates.

    Args:
        layer: schema of the payables, the payments and the calibration.
        matching: the policy's limits.
        trial: for the backtest, a table of the only payments to assign (`right_id`, and `is_hidden`); every kind of evidence
            may then carry money.
    """
    target = TableName(layer, "assigned_payments")
    payables, payments = who.read_payables(warehouse, layer, matching), who.read_payments(warehouse, layer, trial)
    if not payables.num_rows or not pc.any(payments["is_open"]).as_py():
        warehouse.load(target, _table(payables, payments, []))
        return Assigned(TableMetadata({"learnt from": "nothing is open"}), {}, pa.table({"right_id": [], "shown": []}))
    left, right = who.arrays(payables, payments)
    people = _without_rejected(warehouse, who.find_people(payables, payments, matching, warehouse.limits), left, right)
    known = _known(warehouse, layer, left, right)
    learnt = by.learn(left, right, *known)
    believed = _Believed.read(warehouse, layer, matching, is_trial=trial is not None)

    paid, returned = left.paid.copy(), left.returned.copy()
    chosen = []
    for direction in ("in", "out", "back"):
        asked = {"in": left.value - paid, "out": paid - returned, "back": returned}[direction]
        discounted = left.discounted - paid if direction == "in" else asked
        mine = right.direction[people.right] == direction
        asked = np.maximum(asked, 0)
        found = _nobody()
        if mine.any():
            compared = _compare(left, right, _only(people, mine), known, learnt, asked, discounted, direction)
            found = _settle(left, right, compared, asked, direction, believed)
        brought = np.bincount(
            found.left[found.is_sure],
            _in_currency_of(left, right, found.left[found.is_sure], found.right[found.is_sure]),
            minlength=len(left.value),
        ).astype(np.int64)
        if direction == "in":
            paid = paid + brought
        else:
            returned = returned + (brought if direction == "out" else -brought)
        chosen.append(found)
    warehouse.load(target, _table(payables, payments, chosen))
    bits = [
        {"comparison": name, "outcome": str(place), "weight": round(float(np.log2(true / random)), 2)}
        for name, levels in learnt.random.items()
        for place, (true, random) in enumerate(zip(learnt.true[name], levels, strict=True))
    ]
    shown = pa.table({"right_id": right.ids, "shown": right.group % 3}).filter(pa.array(right.is_open))
    figures: dict[str, float | int | str] = {
        "learnt from": f"{learnt.learnt_from:,} known links",
        "pairs compared": len(people.left),
    }
    return Assigned(TableMetadata(figures, bits), chosen[0].shares, shown)


@dataclass(frozen=True)
class _Believed:
    """Confidence of each kind of evidence, and the limits from which pairs are linked.

    Attributes:
        observed: confidence and whether it may carry money, by method, kind and number of candidates, from the backtest.
        floor: minimum confidence that carries money.
        accept_from, review_from: minimum probability of a pair that is linked, and of one that goes to manual review.
        is_trial: whether this is the backtest, in which every kind may carry money.
    """

    observed: dict[tuple[str, str, int], tuple[float, bool]]
    floor: float
    accept_from: float
    review_from: float
    is_trial: bool

    @classmethod
    def read(cls, warehouse: Ledger, layer: str, matching: Matching, *, is_trial: bool) -> "_Believed":
        rows = warehouse.rows(
            "select match_method, evidence_kind, candidates, confidence, may_carry_money "
            f"from {layer}.match_calibration where link = '{MONEY}'"
        )
        observed = {(method, kind, candidates): (confidence, may) for method, kind, candidates, confidence, may in rows}
        money = matching.money
        return cls(observed, money.precision_floor, money.accept_from, matching.inferred.review_from, is_trial)

    def of(self, method: str, kind: str, candidates: int) -> tuple[float, bool]:
        """The confidence of links of a kind, and whether they carry money."""
        shipped = shipped_confidence(kind)
        confidence, may = self.observed.get((method, kind, min(candidates, 3)), (shipped, shipped >= self.floor))
        return confidence, may or self.is_trial

    def of_chances(self, chances: Floats) -> Floats:
        """Confidence of pairs that are not sure enough: the calibrated one of their tenth of probability, else the probability."""
        tenths = np.floor(10 * chances).astype(np.int64)
        confidence = chances.copy()
        for tenth in np.unique(tenths):
            seen = self.observed.get(("inferred", chance_kind(f"{tenth / 10:.1f}"), 0))
            if seen:
                confidence[tenths == tenth] = seen[0]
        return confidence


def _settle(
    left: Payables, right: Payments, compared: "_Compared", asked: Ints, direction: str, believed: _Believed
) -> BestPairs:
    """The best pair of each payment of one direction, after all pairs were weighed and compete."""
    accept_from = believed.accept_from
    people, weighed, looking = compared.people, compared.weighed, compared.looking
    fit = weighed.fit
    fits = np.isfinite(weighed.bits)
    share = share_with_an_order(weighed.bits[fits], people.right[fits], looking, right.group)
    bits = weighed.bits + np.log2(share / (1 - share))[people.right]
    taken_once = by.CLOSES[fit]
    chance = np.zeros(len(bits))
    chance[fits] = chances(people.left[fits], people.right[fits], bits[fits], taken_once[fits])

    alike = fits & people.is_personal & np.isin(fit, (by.IN_FULL, by.DISCOUNTED))
    paired = paired_in_time(people.left, people.right, bits, chance, alike, left.at, right.at, accept_from)
    best = _best_of_each(people.right, chance, fits)
    together = PairGroup.none()
    if direction == "in":
        settled = np.r_[people.right[paired], people.right[best[chance[best] >= accept_from]]]
        together = paid_together(left, right, people, fit, chance, asked, compared.completes, accept_from).without(
            people.right, people.right[paired]
        )
        taken = np.r_[settled, people.right[together.pairs]]
        together = together.beside(compared.several.without(people.right, taken))
    special = np.r_[paired, together.pairs]
    best = np.r_[best[~np.isin(people.right[best], people.right[special])], special]
    best = best[np.argsort(people.right[best], kind="stable")]
    is_paired, is_together = np.isin(best, paired), np.isin(best, together.pairs)
    sure_enough = np.where(is_paired | is_together, accept_from, chance[best])
    if len(paired):
        sums = np.bincount(people.right[alike], chance[alike], minlength=len(right.at))
        sure_enough = np.where(is_paired, np.minimum(sums[people.right[best]], 1.0), sure_enough)
    if len(together.pairs):
        sure_enough[is_together] = together.chance[np.searchsorted(together.pairs, best[is_together])]

    rivals = _rivals(people.right, bits, fits, len(right.at))[people.right[best]]
    somebody = np.bincount(people.right[fits], chance[fits], minlength=len(right.at))[people.right[best]]
    kind, method, evidence = told(left, right, people, weighed, best, is_paired, is_together, together)
    worth = {each: believed.of(*each) for each in set(zip(method, kind, rivals.tolist(), strict=True))}
    worth_of_each = [worth[each] for each in zip(method, kind, rivals.tolist(), strict=True)]
    # A payment belongs to one order: one transfer for several orders is divided by hand.
    sure = (
        (sure_enough >= accept_from) & (fit[best] != by.MORE) & np.array([may for _, may in worth_of_each], dtype=bool)
    )
    confidence = np.where(
        sure_enough < accept_from,
        believed.of_chances(sure_enough),
        np.minimum(sure_enough, np.array([value for value, _ in worth_of_each], dtype=float)),
    )
    accepted = np.flatnonzero(sure)
    pairs = best[accepted]
    closes = (taken_once[pairs]) & ~is_together[accepted]
    kept = within_what_is_owed(
        people.left[pairs],
        _in_currency_of(left, right, people.left[pairs], people.right[pairs]).astype(np.int64),
        closes,
        right.at[people.right[pairs]],
        sure_enough[accepted],
        asked,
        left.has_value if direction == "in" else np.ones(len(asked), bool),
    )
    sure[accepted[~kept]] = False
    likely = (confidence >= believed.review_from) | ((somebody >= 0.5) & (rivals <= _FEW))
    alike_ends = _alike(left, people, chance, best, np.flatnonzero(likely & ~sure & ~is_together))
    for place, ends in alike_ends.items():
        evidence[place] += f"; as likely: {ends}"
    parts = parts_in_words(weighed, best)
    shares = {int(shown): float(share[right.group == shown][0]) for shown in np.unique(right.group)}
    left_end, right_end = people.left[best], people.right[best]
    return BestPairs(
        left_end, right_end, sure_enough, confidence, sure, likely, rivals, kind, method, evidence, parts, shares
    )


@dataclass(frozen=True)
class _Compared:
    """The pairs of one direction of money, weighed.

    Attributes:
        completes: pairs with no sign of the payer that match only in total.
        several: transfers for several orders, each paired with the first of these.
        looking: payments that are matched on their own.
    """

    people: People
    weighed: by.PairWeights
    completes: np.ndarray
    several: PairGroup
    looking: Ints


def _compare(
    left: Payables,
    right: Payments,
    people: People,
    known: tuple[Ints, Ints],
    learnt: by.LevelShares,
    asked: Ints,
    discounted: Ints,
    direction: str,
) -> _Compared:
    may_take = left.is_open & ((asked > 0) | ~left.has_value if direction == "in" else asked > 0)
    looking = np.flatnonzero(right.is_open & (right.direction == direction))
    fit = by.fits(left, right, people.left, people.right, asked, discounted)
    several, completes = PairGroup.none(), np.zeros(len(fit), dtype=bool)
    if direction == "in":
        several = owed_at_once(left, right, people, fit, asked)
        missing = completing(left, right, people, fit, asked)
        people = people.with_strangers(*missing)
        fit, completes = np.r_[fit, np.full(len(missing[0]), by.PART)], np.r_[completes, np.ones(len(missing[0]), bool)]
        looking = looking[~np.isin(looking, np.r_[people.right[several.pairs], missing[1]])]
    weighed = by.weigh(left, right, people, learnt, fit, asked, may_take)
    weighed.bits[completes] = -np.inf
    weighed = _learnt_from_all(left, right, people, known, learnt, weighed, looking)
    return _Compared(people, weighed, completes, several, looking)


def _learnt_from_all(
    left: Payables,
    right: Payments,
    people: People,
    known: tuple[Ints, Ints],
    learnt: by.LevelShares,
    weighed: by.PairWeights,
    looking: Ints,
) -> by.PairWeights:
    """The pairs weighed again by the times and payment methods of the open payments, each pair counted by its probability.

    Payments that name their order come by other methods than those that name none: mostly cards, against couriers.
    """
    taught = looking[np.linspace(0, len(looking) - 1, min(len(looking), _PAYMENTS_LEARNT_FROM)).astype(np.int64)]
    pairs = np.flatnonzero(np.isfinite(weighed.bits) & np.isin(people.right, taught))
    some = _only(people, pairs)
    part = by.PairWeights(
        weighed.bits[pairs],
        weighed.fit[pairs],
        weighed.gap[pairs],
        {name: bits[pairs] for name, bits in weighed.parts.items()},
    )
    i, j = np.r_[known[0], some.left], np.r_[known[1], some.right]
    for _ in range(_ROUNDS_OF_LEARNING):
        share = share_with_an_order(part.bits, some.right, taught, right.group)
        odds = np.exp2(np.minimum(part.bits, 45.0)) * (share / (1 - share))[some.right]
        likely = odds / (1 + np.bincount(some.right, odds, minlength=len(right.at))[some.right])
        learnt = by.learn_times(learnt, left, right, i, j, np.r_[np.ones(len(known[0])), likely], len(known[0]))
        part = by.weigh_times(left, right, some, learnt, part)
    return by.weigh_times(left, right, people, learnt, weighed)


def _rivals(right: Ints, bits: Floats, fits: np.ndarray, payments: int) -> Ints:
    """Number of pairs that compete for each payment."""
    odds = np.exp2(np.clip(bits, -45, 45))
    highest = np.zeros(payments)
    np.maximum.at(highest, right[fits], odds[fits])
    competes = fits & (odds >= _COMPETES_FROM * highest[right])
    rivals: Ints = np.maximum(np.bincount(right[competes], minlength=payments), 1)
    return rivals


def _best_of_each(right: Ints, chance: Floats, fits: np.ndarray) -> Ints:
    at = np.flatnonzero(fits & (chance >= _LEAST_CHANCE))
    order = at[np.lexsort((at, -chance[at], right[at]))]
    best: Ints = order[np.r_[True, np.diff(right[order]) != 0]] if len(order) else order
    return best


def _alike(left: Payables, people: People, chance: Floats, best: Ints, places: Ints) -> dict[int, str]:
    """For chosen pairs, by position, the IDs of other payables that are at least half as likely."""
    of = {int(people.right[best[place]]): int(place) for place in places}
    near = np.zeros(int(people.right.max()) + 1)
    near[people.right[best[places]]] = chance[best[places]] / 2
    rows = np.flatnonzero((near[people.right] > 0) & (chance >= near[people.right]))
    found: dict[int, list[str]] = {}
    for pair in rows[~np.isin(rows, best[places])]:
        found.setdefault(of[int(people.right[pair])], []).append(
            left.ids[int(people.left[pair])].as_py().partition(":")[2]
        )
    return {place: ", ".join(ends) for place, ends in found.items()}


def _in_currency_of(left: Payables, right: Payments, i: Ints, j: Ints) -> Floats:
    """Amounts of payments in the currency of their payable; 0 where there is no rate."""
    same = left.currency[i] == right.currency[j]
    with np.errstate(invalid="ignore", divide="ignore"):
        converted = right.amount[j] * right.rate[j] / left.rate[i]
    return np.where(same, right.amount[j], np.nan_to_num(converted))


def _only(people: People, rows: np.ndarray) -> People:
    return People(*(getattr(people, name)[rows] for name in People.__dataclass_fields__))


def _without_rejected(warehouse: Ledger, people: People, left: Payables, right: Payments) -> People:
    """The pairs that nobody rejected by hand."""
    rejected = warehouse.arrow(
        "select link || ':' || left_id as left_id, right_id from canonical.manual_matches where verdict = 'reject'"
    )
    i = pc.fill_null(pc.index_in(rejected["left_id"], left.ids.combine_chunks()), -1).to_numpy(zero_copy_only=False)
    j = pc.fill_null(pc.index_in(rejected["right_id"], right.ids.combine_chunks()), -1).to_numpy(zero_copy_only=False)
    if not len(i):
        return people
    pair, gone = people.left * len(right.at) + people.right, i.astype(np.int64) * len(right.at) + j
    return _only(people, ~np.isin(pair, gone[(i >= 0) & (j >= 0)]))


def _known(warehouse: Ledger, layer: str, left: Payables, right: Payments) -> tuple[Ints, Ints]:
    """Positions of payables and payments that are linked by an exact ID."""
    known = warehouse.arrow(
        f"""
        select link || ':' || left_id as left_id, right_id from {layer}.named_payments where match_method = 'exact_id'
        order by md5(right_id), right_id limit {_KNOWN_LINKS_LEARNT_FROM}
        """
    )
    i = pc.fill_null(pc.index_in(known["left_id"], left.ids.combine_chunks()), -1).to_numpy(zero_copy_only=False)
    j = pc.fill_null(pc.index_in(known["right_id"], right.ids.combine_chunks()), -1).to_numpy(zero_copy_only=False)
    both = (i >= 0) & (j >= 0)
    return i[both].astype(np.int64), j[both].astype(np.int64)


def _nobody() -> BestPairs:
    none = np.array([], object)
    whole = np.array([], np.int64)
    return BestPairs(
        whole, whole, np.zeros(0), np.zeros(0), np.zeros(0, bool), np.zeros(0, bool), whole, none, none, none, none, {}
    )


def _table(payables: pa.Table, payments: pa.Table, chosen: Sequence[BestPairs]) -> pa.Table:
    def joined(name: str, kind: pa.DataType) -> pa.Array:
        parts = [getattr(each, name) for each in chosen]
        return pa.array(np.concatenate(parts) if parts else [], kind)

    left, right = joined("left", pa.int64()), joined("right", pa.int64())
    return pa.table(
        {
            "link": payables["link"].take(left),
            "left_id": payables["left_id"].take(left),
            "right_id": payments["unique_id"].take(right),
            "match_method": joined("method", pa.string()),
            "evidence_kind": joined("kind", pa.string()),
            "probability": joined("chance", pa.float64()),
            "match_confidence": joined("confidence", pa.float64()),
            "is_sure": joined("is_sure", pa.bool_()),
            "is_likely": joined("is_likely", pa.bool_()),
            "evidence": joined("evidence", pa.string()),
            "weights": joined("parts", pa.string()),
            "candidates": joined("rivals", pa.int64()),
        }
    )


def _make(context: LedgerContext) -> TableMetadata:
    return assign(context.warehouse, "matching", context.loaded_policy.policy.matching).made


ASSIGNMENT = PythonTable(
    OutputTable(
        "assigned_payments",
        "matching",
        "payment that names nothing, with its most likely order or CRM record",
        "finance",
        ("right_id",),
        description="Money that names nothing, with the order or CRM record it most likely belongs to, and whether that is sure enough.",
        columns={"is_sure": Meaning("Whether the pair is likely enough and its kind of evidence may carry money")},
    ),
    (
        TableName("matching", "payables"),
        TableName("matching", "matchable_payments"),
        TableName("matching", "named_payments"),
        TableName("matching", "match_calibration"),
        TableName("canonical", "manual_matches"),
    ),
    _make,
)
