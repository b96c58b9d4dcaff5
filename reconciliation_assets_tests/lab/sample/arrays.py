"""The array types a plan is made of, and the random streams that fill them.

A plan is a set of equally long arrays, one element per row; -1 in an index array means "none".
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Random: TypeAlias = np.random.Generator

NONE = -1

# Each topic draws from its own stream, so that a change in one leaves the others' plans as they were.
_TOPICS = (
    *("people", "demand", "shop", "leads", "service", "payments", "insights", "noise"),
    *("meta_insights table", "leads table", "crm_records table", "orders table", "payments table"),
    "bottleneck",
)


def random_stream(seed: int, topic: str) -> Random:
    """Return the random stream of one topic of one company.

    Raises:
        ValueError: the topic is not one of the known ones.
    """
    return np.random.default_rng([seed, _TOPICS.index(topic)])


def indices(mask: Bools) -> Ints:
    """Return the positions at which the mask is true."""
    return np.flatnonzero(mask).astype(np.int64)


def filled(size: int, value: int) -> Ints:
    """Return an array of one value."""
    return np.full(size, value, dtype=np.int64)


def chance(random: Random, share: float, size: int) -> Bools:
    """Draw which of `size` elements are among a share."""
    among: Bools = random.random(size) < share
    return among


def draw(random: Random, probabilities: tuple[float, ...], size: int) -> Ints:
    """Draw `size` codes; code k has `probabilities[k]`, which sum to 1."""
    return np.searchsorted(np.cumsum(probabilities)[:-1], random.random(size), side="right").astype(np.int64)


def sum_by(index: Ints, values: Ints, size: int) -> Ints:
    """Sum integer values by index, exactly; elements with index -1 are left out."""
    known = index >= 0
    totals = filled(size, 0)
    np.add.at(totals, index[known], values[known])
    return totals


def any_by(index: Ints, which: Bools, size: int) -> Bools:
    """Return for each index whether any of its elements is among `which`; index -1 is left out."""
    hit = np.zeros(size, dtype=bool)
    hit[index[which & (index >= 0)]] = True
    return hit
