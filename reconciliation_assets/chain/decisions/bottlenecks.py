"""Bottlenecks: which segments lose too many records at a step, and which of them explains the others."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from reconciliation_assets.chain.decisions.maturity import AtAge
from reconciliation_assets.chain.decisions.rates import (
    PassCounts,
    compared_with_past,
    compared_with_peers,
    evidence_for,
    interval,
    natural_spread,
)
from reconciliation_assets.policy.model import Diagnosis

# Recounts a step without the records of the given segments: one row per segment, with its counts.
CountsWithout = Callable[[str, list[tuple[str, str]]], pd.DataFrame]

NOT_ENOUGH, NOTHING_ALIKE, IN_LINE, LOW, EXPLAINED = (
    "not_enough_yet",
    "nothing_to_compare",
    "in_line",
    "bottleneck",
    "explained_by_another",
)
# Records without a segment are not a segment: a lead often has no owner because it went no further.
_UNNAMED = "(none)"
_KEY = ["segment_kind", "segment"]


@dataclass(frozen=True)
class _Spreads:
    """Natural spread of healthy segments of a step, among peers and against their own past, as standard deviation of log odds."""

    peers: float
    past: float


def assess(
    counts: pd.DataFrame, window_days: dict[str, int], policy: Diagnosis, without: CountsWithout
) -> pd.DataFrame:
    """Assess every segment at every step; records without a segment are neither assessed nor used as peers.

    Args:
        counts: one row per step and segment: entered, passed, past_entered, past_passed.
        window_days: days that the records of each step had, by step.
        policy: thresholds.
        without: recounts a step without the records of given segments.

    Returns:
        The same rows with the rate and its interval, the comparison used, the p-value, the verdict and, for a segment that is
        low only because of another one, which one explains it.
    """
    spreads = {
        str(step): _spreads(_without_largest_deviation(str(step), rows, policy, without), policy)
        for step, rows in counts.groupby("step")
    }
    assessed = pd.concat(
        [_compare(rows, window_days[str(step)], spreads[str(step)], policy) for step, rows in counts.groupby("step")],
        ignore_index=True,
    )
    limit = _p_value_limit(assessed, policy.false_discoveries)
    low = assessed["is_enough"] & (assessed["p_value"] <= limit) & (assessed["gap"] >= policy.smallest_gap)
    assessed["verdict"] = np.select(
        [~assessed["is_enough"], assessed["p_value"].isna(), low], [NOT_ENOUGH, NOTHING_ALIKE, LOW], IN_LINE
    )
    assessed["explained_by"] = None
    for step in assessed.loc[low, "step"].unique():
        _explain(assessed, str(step), window_days[str(step)], spreads[str(step)], policy, without, limit)
    return assessed


def _without_largest_deviation(
    step: str, rows: pd.DataFrame, policy: Diagnosis, without: CountsWithout
) -> pd.DataFrame:
    """Counts of a step without the most deviating segment, so that it does not widen the estimated spread of healthy segments."""
    enough = rows[
        (rows["segment"] != _UNNAMED) & (rows["segment_kind"] != "all") & (rows["entered"] >= policy.fewest_records)
    ]
    if enough.empty:
        return rows
    compared = _compare(enough, 0, _Spreads(policy.natural_spread, policy.natural_spread), policy)
    suspect = compared.sort_values(["evidence", *_KEY], ascending=[False, True, True]).iloc[0]
    return without(step, [(suspect["segment_kind"], suspect["segment"])])


def _spreads(rows: pd.DataFrame, policy: Diagnosis) -> _Spreads:
    """Estimated from all kinds of segment of a step together: a kind with three segments is too small to estimate its own."""
    named = rows[(rows["segment"] != _UNNAMED) & (rows["segment_kind"] != "all")]
    enough = named[named["entered"] >= policy.fewest_records]
    samples: list[tuple[PassCounts, np.ndarray, np.ndarray]] = []
    for _, kind in _comparable(enough, policy):
        own = _pass_counts(kind)
        peers = compared_with_peers(AtAge("a segment", 0, own), AtAge("its peers", 0, own), policy.natural_spread)
        samples.append((own, peers.expected, ((peers.expected_high - peers.expected_low) / 3.92) ** 2))
    peer_spread = _spread_of(samples, policy.natural_spread)
    with_past = enough[enough["past_entered"] >= policy.fewest_records]
    if with_past.empty:
        return _Spreads(peer_spread, policy.natural_spread)
    rate = (with_past["past_passed"].to_numpy(float) + 0.5) / (with_past["past_entered"].to_numpy(float) + 1)
    past_spread = _spread_of(
        [(_pass_counts(with_past), rate, rate * (1 - rate) / with_past["past_entered"].to_numpy(float))],
        policy.natural_spread,
    )
    return _Spreads(peer_spread, past_spread)


def _spread_of(samples: list[tuple[PassCounts, np.ndarray, np.ndarray]], at_least: float) -> float:
    if not samples:
        return at_least
    counts = PassCounts(
        np.concatenate([own.entered for own, _, _ in samples]), np.concatenate([own.passed for own, _, _ in samples])
    )
    return natural_spread(
        counts,
        np.concatenate([rate for _, rate, _ in samples]),
        np.concatenate([variance for _, _, variance in samples]),
        at_least,
    )


def _comparable(rows: pd.DataFrame, policy: Diagnosis) -> list[tuple[str, pd.DataFrame]]:
    """The kinds whose segments the policy allows to compare, with their segments, if there is more than one."""
    peers = {kind for kind, yes in policy.peers.items() if yes}
    return [(str(kind), each) for kind, each in rows.groupby("segment_kind") if kind in peers and len(each) > 1]


def _compare(rows: pd.DataFrame, window_days: int, spreads: _Spreads, policy: Diagnosis) -> pd.DataFrame:
    """Rates of one step with intervals, each compared with its peers and with its past."""
    rows = rows.copy()
    own = _pass_counts(rows)
    rows["rate"] = own.rate
    rows["rate_low"], rows["rate_high"] = interval(own.passed, own.entered)
    rows["is_enough"] = rows["entered"] >= policy.fewest_records
    for name in ("peer_rate", "peer_low", "peer_high", "peer_p_value", "peers"):
        rows[name] = np.nan
    for name in ("past_rate", "past_low", "past_high", "past_p_value"):
        rows[name] = np.nan
    # All peers are included: one with few records has a small weight.
    for _, kind in _comparable(rows[(rows["entered"] > 0) & (rows["segment"] != _UNNAMED)], policy):
        counts = _pass_counts(kind)
        comparison = compared_with_peers(
            AtAge("a segment", window_days, counts), AtAge("its peers", window_days, counts), spreads.peers
        )
        has_enough_peers = counts.entered.sum() - counts.entered >= policy.fewest_records
        rows.loc[kind.index, "peers"] = len(kind) - 1
        for name, values in zip(
            ("peer_rate", "peer_low", "peer_high", "peer_p_value"),
            (comparison.expected, comparison.expected_low, comparison.expected_high, comparison.p_value),
            strict=True,
        ):
            rows.loc[kind.index, name] = np.where(has_enough_peers, values, np.nan)
    with_past = rows[(rows["past_entered"] >= policy.fewest_records) & (rows["segment"] != _UNNAMED)]
    before = PassCounts(with_past["past_entered"].to_numpy(float), with_past["past_passed"].to_numpy(float))
    comparison = compared_with_past(
        AtAge("a segment", window_days, _pass_counts(with_past)),
        AtAge("its own past", window_days, before),
        spreads.past,
    )
    low, high = interval(before.passed, before.entered)
    for name, values in zip(
        ("past_rate", "past_low", "past_high", "past_p_value"),
        (before.rate, low, high, comparison.p_value),
        strict=True,
    ):
        rows.loc[with_past.index, name] = values
    by_peers = rows["peer_p_value"].fillna(2) <= rows["past_p_value"].fillna(2)
    is_alone = rows["peer_p_value"].isna() & rows["past_p_value"].isna()
    rows["compared_with"] = pd.Series(np.where(by_peers, "peers", "past"), index=rows.index).mask(is_alone, None)
    for name in ("rate", "low", "high"):
        rows[f"expected_{name}"] = np.where(by_peers, rows[f"peer_{name}"], rows[f"past_{name}"])
    rows = rows.rename(columns={"expected_rate": "expected"})
    rows["p_value"] = np.where(by_peers, rows["peer_p_value"], rows["past_p_value"])
    rows["gap"] = rows["expected"] - rows["rate"]
    rows["evidence"] = np.maximum(_evidence(own, rows["peer_rate"]), _evidence(own, rows["past_rate"]))
    return rows


def _evidence(own: PassCounts, expected: pd.Series) -> np.ndarray:
    rate = np.clip(expected.to_numpy(float), 1e-6, 1 - 1e-6)
    return np.nan_to_num(evidence_for(own, rate))


def _p_value_limit(assessed: pd.DataFrame, false_discoveries: float) -> float:
    """The largest p-value that is a finding, so that the share of false discoveries is bounded (Benjamini-Hochberg)."""
    tested = assessed[assessed["is_enough"]]
    p_values = np.concatenate([tested["peer_p_value"].dropna().to_numpy(), tested["past_p_value"].dropna().to_numpy()])
    if not len(p_values):
        return 0.0
    found = p_values[scipy.stats.false_discovery_control(np.clip(p_values, 0, 1)) <= false_discoveries]
    return float(found.max()) if len(found) else 0.0


def _explain(  # one step's rows, its age and spreads, and how to recount it
    assessed: pd.DataFrame,
    step: str,
    window_days: int,
    spreads: _Spreads,
    policy: Diagnosis,
    without: CountsWithout,
    limit: float,
) -> None:
    """Keep the low segment with the most evidence, remove its records, and test the other low segments again; repeat.

    A segment that is no longer low without those records, or has too few left, is explained by them.
    """
    remaining = assessed[(assessed["step"] == step) & (assessed["verdict"] == LOW)].sort_values(
        ["evidence", *_KEY], ascending=[False, True, True]
    )
    explaining: list[tuple[str, str]] = []
    while len(remaining):
        first = remaining.iloc[0]
        explaining.append((first["segment_kind"], first["segment"]))
        rest = remaining.iloc[1:]
        if rest.empty:
            return
        again = _compare(without(step, explaining), window_days, spreads, policy).set_index(_KEY)
        still_low = []
        for index, row in rest.iterrows():
            key = (row["segment_kind"], row["segment"])
            now = again.loc[key] if key in again.index else None
            if now is not None and now["is_enough"] and now["p_value"] <= limit and now["gap"] >= policy.smallest_gap:
                still_low.append((index, float(now["evidence"])))
            else:
                assessed.loc[index, ["verdict", "explained_by"]] = [
                    EXPLAINED,
                    f"{explaining[-1][0]} {explaining[-1][1]}".strip(),
                ]
        order = [index for index, _ in sorted(still_low, key=lambda each: -each[1])]
        remaining = rest.loc[order]


def _pass_counts(rows: pd.DataFrame) -> PassCounts:
    return PassCounts(rows["entered"].to_numpy(float), rows["passed"].to_numpy(float))
