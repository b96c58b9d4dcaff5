"""Building columns of text: words by code, numbered identifiers, blanks."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets_tests.lab.sample.arrays import Bools, Floats, Ints

NULL = pa.scalar(None, pa.string())


def words(vocabulary: Sequence[str | None], codes: Ints) -> pa.Array:
    """Return the word of each code; -1 gives null."""
    return pa.array(vocabulary, pa.string()).take(pa.array(codes, mask=codes < 0))


def spellings(vocabulary: Sequence[Sequence[str]], codes: Ints, taste: Floats) -> pa.Array:
    """Return one of the spellings of each code, by a taste between 0 and 1; -1 gives null."""
    flat = [spelling for group in vocabulary for spelling in group]
    counts = np.array([len(group) for group in vocabulary], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    chosen = starts[codes] + (taste * counts[codes]).astype(np.int64)
    return words(flat, np.where(codes < 0, -1, chosen))


def numbered(prefix: str, numbers: Ints, width: int) -> pa.Array:
    """Return identifiers such as SO-0000012; a negative number gives null."""
    digits = pc.utf8_lpad(pa.array(numbers, mask=numbers < 0).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def where(mask: Bools, column: pa.Array) -> pa.Array:
    """Keep a column's text where the mask is true, null elsewhere."""
    return pc.if_else(pa.array(mask), column, NULL)


def join(*pieces: pa.Array | str) -> pa.Array:
    """Join pieces of text row by row; a null piece makes the row null."""
    return pc.binary_join_element_wise(*pieces, "")


def blanks(size: int) -> pa.Array:
    """Return an empty text column."""
    return pa.nulls(size, pa.string())
