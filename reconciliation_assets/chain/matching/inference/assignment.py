"""The best overall choice among scored pairs, and the probability of each chosen pair among its rivals.

First come, first served would depend on the order of the rows. Here the sum of all weights is maximised: pairs that share no
end with others are chosen at once, the rest splits into small groups that are solved exactly.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# A conflict with more cells comes from a key that says nothing about people; its best pairs are taken greedily.
_CELLS_SOLVED_EXACTLY = 4_000_000


def choose(pairs: pa.Table, match_share: float) -> pa.Table:
    """The chosen pairs, each with its probability among its rivals.

    Args:
        pairs: left_slot (the part of the left end that can be linked only once; null where it can be linked any number of
            times), left_id, right_id, match_weight, and any other columns; in any order.
        match_share: expected share of right ends with a partner; the rest is the probability that none fits.

    Returns:
        The chosen rows with `probability` (0 to 1) and `candidates`, the number of left ends that competed for the right one.
    """
    ordered = pairs.sort_by([("right_id", "ascending"), ("match_weight", "descending"), ("left_id", "ascending")])
    if not ordered.num_rows:
        return ordered.append_column("probability", pa.array([], pa.float64())).append_column(
            "candidates", pa.array([], pa.int64())
        )
    right = _codes(ordered["right_id"])
    left = _codes(pc.coalesce(ordered["left_slot"], pc.binary_join_element_wise("any", ordered["right_id"], " ")))
    weight = ordered["match_weight"].to_numpy()
    odds = np.exp2(np.minimum(weight, 60.0))
    rivals = np.maximum(np.bincount(right, odds)[right], np.bincount(left, odds)[left])
    chosen = _best(left, right, weight)
    return (
        ordered.append_column("probability", pa.array(odds / (1 - match_share + rivals)))
        .append_column("candidates", pa.array(np.bincount(right)[right].astype(np.int64)))
        .filter(pa.array(chosen))
    )


def _codes(values: pa.ChunkedArray) -> Ints:
    encoded = values.combine_chunks().dictionary_encode()
    codes: Ints = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _best(left: Ints, right: Ints, weight: Floats) -> Bools:
    alone = (np.bincount(left)[left] == 1) & (np.bincount(right)[right] == 1)
    chosen: Bools = alone.copy()
    rest = np.flatnonzero(~alone)
    if not len(rest):
        return chosen
    lefts, rights = left[rest], right[rest]
    total = int(lefts.max()) + 1
    nodes = total + int(rights.max()) + 1
    graph = scipy.sparse.coo_matrix((np.ones(len(rest), dtype=np.int8), (lefts, total + rights)), shape=(nodes, nodes))
    group = scipy.sparse.csgraph.connected_components(graph, directed=False)[1][lefts]
    order = np.lexsort((rest, group))
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    for members in np.split(rest[order], starts[1:]):
        chosen[members[_solved(left[members], right[members], weight[members])]] = True
    return chosen


def _solved(left: Ints, right: Ints, weight: Floats) -> Ints:
    """Positions of the pairs of one conflict with the largest total weight."""
    lefts, column = np.unique(left, return_inverse=True)
    rights, row = np.unique(right, return_inverse=True)
    if len(lefts) == 1 or len(rights) == 1:
        return np.array([int(weight.argmax())])
    if len(lefts) * len(rights) > _CELLS_SOLVED_EXACTLY:
        return _greedy(column, row, weight)
    gain = np.zeros((len(rights), len(lefts)))
    place = np.full((len(rights), len(lefts)), -1)
    gain[row, column], place[row, column] = weight, np.arange(len(weight))
    best = place[scipy.optimize.linear_sum_assignment(gain, maximize=True)]
    taken: Ints = best[best >= 0]
    return taken


def _greedy(column: Ints, row: Ints, weight: Floats) -> Ints:
    taken_columns, taken_rows, taken = set(), set(), []
    for pair in np.argsort(-weight, kind="stable"):
        if column[pair] not in taken_columns and row[pair] not in taken_rows:
            taken_columns.add(column[pair])
            taken_rows.add(row[pair])
            taken.append(int(pair))
    return np.array(taken)
