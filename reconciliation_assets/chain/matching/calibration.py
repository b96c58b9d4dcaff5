"""Calibration: what a method's own confidence has been worth, learnt from the backtest.

Isotonic regression: the more confident a link is, the more often it is right, and nothing else is assumed. Of links stored
with 0.9, about nine in ten were right.
"""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import scipy

from reconciliation_assets.chain.program import Made, Program, Workbench
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("matching", "match_calibration")
_SCHEMA = pa.schema(
    [
        ("link", pa.string()),
        ("match_method", pa.string()),
        ("raw_from", pa.float64()),
        ("raw_to", pa.float64()),
        ("confidence", pa.float64()),
        ("links", pa.int64()),
    ]
)


def calibrate(raw: np.ndarray, is_right: np.ndarray) -> list[tuple[float, float, float, int]]:
    """Steps of raw confidence, each with the share of its links that were right.

    Args:
        raw: confidence of each link as its method gave it.
        is_right: whether it was right, in the same order.

    Returns:
        From (inclusive), to (exclusive), calibrated confidence, and how many links it rests on; together they cover all.
    """
    order = np.argsort(raw, kind="stable")
    raw, is_right = raw[order], is_right[order].astype(float)
    values, start = np.unique(raw, return_index=True)
    shares = np.add.reduceat(is_right, start) / np.diff(np.r_[start, len(raw)])
    counts = np.diff(np.r_[start, len(raw)])
    blocks = scipy.optimize.isotonic_regression(shares, weights=counts).blocks
    steps = []
    for first, end in pairwise(blocks):
        links = int(counts[first:end].sum())
        right = float((shares[first:end] * counts[first:end]).sum())
        lower = float(values[first]) if first else 0.0
        upper = float(values[end]) if end < len(values) else 2.0
        steps.append((lower, upper, (right + 0.5) / (links + 1), links))
    return steps


def _make(bench: Workbench) -> Made:
    fewest = bench.loaded_policy.policy.matching.backtest.fewest
    found = bench.warehouse.arrow(
        """
        select found_link as link, match_method, raw_confidence, is_right from matching.backtest_links
        where match_method is not null and strength > 2
        order by found_link, match_method, raw_confidence, is_right
        """
    ).to_pandas()
    rows = [
        {
            "link": link,
            "match_method": method,
            "raw_from": lower,
            "raw_to": upper,
            "confidence": confidence,
            "links": links,
        }
        for (link, method), links_of in found.groupby(["link", "match_method"], sort=True)
        if len(links_of) >= fewest
        for lower, upper, confidence, links in calibrate(
            links_of["raw_confidence"].to_numpy(), links_of["is_right"].to_numpy()
        )
    ]
    bench.warehouse.load(_TARGET, pa.Table.from_pylist(rows, _SCHEMA))
    return Made({"methods calibrated": len({(row["link"], row["match_method"]) for row in rows})})


CALIBRATION = Program(
    _TARGET,
    (TableName("matching", "backtest_links"),),
    "What the raw confidence of each method has been worth in the backtest, step by step.",
    _make,
)
