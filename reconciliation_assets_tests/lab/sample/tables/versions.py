"""How an export shows time: rows as of an instant, older versions of some, and a few rows written twice.

A table consists of facts, which do not change, and of a state, which is asked for at an instant per row.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.arrays import Ints, Random, chance, filled, indices

Columns: TypeAlias = dict[str, pa.Array]
StateAt: TypeAlias = Callable[[Ints], Columns]
ChangedAt: TypeAlias = Callable[[Ints], Ints]

_OLDER_VERSIONS = 0.06
_WRITTEN_TWICE = 0.004


def export(
    random: Random, *, as_of: int, created: Ints, life: int, facts: Columns, state: StateAt, last_change: ChangedAt
) -> pa.Table:
    """Put a table together from its facts and its state.

    Older versions come after the current rows, so that the last row of a key is not the latest.

    Args:
        random: the stream of the table.
        as_of: the instant of the extract.
        created: instant from which each row exists.
        life: seconds within which a row mostly changes; older versions are from there.
        facts: the columns that do not change.
        state: the other columns, as they are at an instant per row.
        last_change: instant of each row's last change until an instant per row.
    """
    size = len(created)
    # Drawn for the whole period, so that a later extract ages and repeats the same rows.
    aged, twice = chance(random, _OLDER_VERSIONS, size), chance(random, _WRITTEN_TWICE, size)
    moment = random.random(size)

    now = filled(size, as_of)
    exists = created <= as_of
    current = pa.table({**facts, **state(now)})
    then = created + (moment * np.maximum(0, np.minimum(as_of, created + life) - created)).astype(np.int64)
    old = pa.array(indices(exists & aged & (last_change(then) < last_change(now))))
    older = pa.table({**facts, **state(then)}).take(old)
    again = current.take(pa.array(indices(exists & twice)))
    return pa.concat_tables([current.filter(pa.array(exists)), older, again])
