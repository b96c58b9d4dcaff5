"""Which segments lose too many records on a step, and which of them explains the others."""

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

# The segments of a step without the records of those already named: one row per segment, with its counts.
CountsWithout = Callable[[str, list[tuple[str, str]]], pd.DataFrame]

NOT_ENOUGH, NOTHING_ALIKE, IN_LINE, LOW, EXPLAINED = (
    "not_enough_yet",
    "nothing_to_compare",
    "in_line",
    "bottleneck",
    "explained_by_another",
)
# What does not name its segment is no segment: a lead without an owner often has none because it went no further.
_UNNAMED = "(none)"
_KEY = ["segment_kind", "segment"]


@dataclass(frozen=True)
class _Spreads:
    """By how much healthy segments of a step differ from each other, and from their own past."""

    peers: float
    past: float


def judge(counts: pd.DataFrame, window_days: dict[str, int], policy: Diagnosis, without: CountsWithout) -> pd.DataFrame:
    """Every segment's standing on every step; records that do not name their segment are neither judged nor anybody's peers.

    Args:
        counts: one row per step and segment: entered, passed, past_entered, past_passed.
        window_days: days that the records of each step had, by step.
        policy: thresholds.
        without: counts of a step anew, without the records of given segments.

    Returns:
        The same rows with rate and its interval, what it was held against, the chance, the verdict and, of a segment that is
        low only because another is, which one explains it.
    """
    spreads = {
        str(step): _spreads(_without_suspect(str(step), rows, policy, without), policy)
        for step, rows in counts.groupby("step")
    }
    judged = pd.concat(
        [_stand(rows, window_days[str(step)], spreads[str(step)], policy) for step, rows in counts.groupby("step")],
        ignore_index=True,
    )
    limit = _limit(judged, policy.false_discoveries)
    low = judged["is_enough"] & (judged["p_value"] <= limit) & (judged["gap"] >= policy.smallest_gap)
    judged["verdict"] = np.select(
        [~judged["is_enough"], judged["p_value"].isna(), low], [NOT_ENOUGH, NOTHING_ALIKE, LOW], IN_LINE
    )
    judged["explained_by"] = None
    for step in judged.loc[low, "step"].unique():
        _explain(judged, str(step), window_days[str(step)], spreads[str(step)], policy, without, limit)
    return judged


def _without_suspect(step: str, rows: pd.DataFrame, policy: Diagnosis, without: CountsWithout) -> pd.DataFrame:
    """Counts of a step without the segment that stands out most: the spread of healthy ones is not to be read off a sick one."""
    enough = rows[
        (rows["segment"] != _UNNAMED) & (rows["segment_kind"] != "all") & (rows["entered"] >= policy.fewest_records)
    ]
    if enough.empty:
        return rows
    stood = _stand(enough, 0, _Spreads(policy.natural_spread, policy.natural_spread), policy)
    suspect = stood.sort_values(["evidence", *_KEY], ascending=[False, True, True]).iloc[0]
    return without(step, [(suspect["segment_kind"], suspect["segment"])])


def _spreads(rows: pd.DataFrame, policy: Diagnosis) -> _Spreads:
    """Read from all kinds of a step together: a kind of three segments cannot tell its own spread."""
    named = rows[(rows["segment"] != _UNNAMED) & (rows["segment_kind"] != "all")]
    enough = named[named["entered"] >= policy.fewest_records]
    seen: list[tuple[PassCounts, np.ndarray, np.ndarray]] = []
    for _, kind in _comparable(enough, policy):
        own = _passed(kind)
        peers = compared_with_peers(AtAge("a segment", 0, own), AtAge("its peers", 0, own), policy.natural_spread)
        seen.append((own, peers.expected, ((peers.expected_high - peers.expected_low) / 3.92) ** 2))
    among = _spread_of(seen, policy.natural_spread)
    old = enough[enough["past_entered"] >= policy.fewest_records]
    if old.empty:
        return _Spreads(among, policy.natural_spread)
    rate = (old["past_passed"].to_numpy(float) + 0.5) / (old["past_entered"].to_numpy(float) + 1)
    moved = _spread_of(
        [(_passed(old), rate, rate * (1 - rate) / old["past_entered"].to_numpy(float))], policy.natural_spread
    )
    return _Spreads(among, moved)


def _spread_of(seen: list[tuple[PassCounts, np.ndarray, np.ndarray]], at_least: float) -> float:
    if not seen:
        return at_least
    counts = PassCounts(
        np.concatenate([own.entered for own, _, _ in seen]), np.concatenate([own.passed for own, _, _ in seen])
    )
    return natural_spread(
        counts,
        np.concatenate([rate for _, rate, _ in seen]),
        np.concatenate([unsure for _, _, unsure in seen]),
        at_least,
    )


def _comparable(rows: pd.DataFrame, policy: Diagnosis) -> list[tuple[str, pd.DataFrame]]:
    """The kinds whose segments may be held against each other, with their segments, where there is more than one."""
    peers = {kind for kind, yes in policy.peers.items() if yes}
    return [(str(kind), each) for kind, each in rows.groupby("segment_kind") if kind in peers and len(each) > 1]


def _stand(rows: pd.DataFrame, window_days: int, spreads: _Spreads, policy: Diagnosis) -> pd.DataFrame:
    """Rates of one step with intervals, and how each stands to its peers and to its past."""
    rows = rows.copy()
    own = _passed(rows)
    rows["rate"] = own.rate
    rows["rate_low"], rows["rate_high"] = interval(own.passed, own.entered)
    rows["is_enough"] = rows["entered"] >= policy.fewest_records
    for name in ("peer_rate", "peer_low", "peer_high", "peer_p_value", "peers"):
        rows[name] = np.nan
    for name in ("past_rate", "past_low", "past_high", "past_p_value"):
        rows[name] = np.nan
    # A peer with few records is worth little, and says as little by its weight; all of them are asked.
    for _, kind in _comparable(rows[(rows["entered"] > 0) & (rows["segment"] != _UNNAMED)], policy):
        counts = _passed(kind)
        stand = compared_with_peers(
            AtAge("a segment", window_days, counts), AtAge("its peers", window_days, counts), spreads.peers
        )
        told = counts.entered.sum() - counts.entered >= policy.fewest_records
        rows.loc[kind.index, "peers"] = len(kind) - 1
        for name, values in zip(
            ("peer_rate", "peer_low", "peer_high", "peer_p_value"),
            (stand.expected, stand.expected_low, stand.expected_high, stand.p_value),
            strict=True,
        ):
            rows.loc[kind.index, name] = np.where(told, values, np.nan)
    old = rows[(rows["past_entered"] >= policy.fewest_records) & (rows["segment"] != _UNNAMED)]
    before = PassCounts(old["past_entered"].to_numpy(float), old["past_passed"].to_numpy(float))
    stand = compared_with_past(
        AtAge("a segment", window_days, _passed(old)), AtAge("its own past", window_days, before), spreads.past
    )
    low, high = interval(before.passed, before.entered)
    for name, values in zip(
        ("past_rate", "past_low", "past_high", "past_p_value"), (before.rate, low, high, stand.p_value), strict=True
    ):
        rows.loc[old.index, name] = values
    by_peers = rows["peer_p_value"].fillna(2) <= rows["past_p_value"].fillna(2)
    none = rows["peer_p_value"].isna() & rows["past_p_value"].isna()
    rows["compared_with"] = pd.Series(np.where(by_peers, "peers", "past"), index=rows.index).mask(none, None)
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


def _limit(judged: pd.DataFrame, false_discoveries: float) -> float:
    """The chance up to which findings are told, so that of all told no more than a share are accidents (Benjamini-Hochberg)."""
    tried = judged[judged["is_enough"]]
    p_values = np.concatenate([tried["peer_p_value"].dropna().to_numpy(), tried["past_p_value"].dropna().to_numpy()])
    if not len(p_values):
        return 0.0
    found = p_values[scipy.stats.false_discovery_control(np.clip(p_values, 0, 1)) <= false_discoveries]
    return float(found.max()) if len(found) else 0.0


def _explain(  # one step's rows, its age and spreads, and how to count anew
    judged: pd.DataFrame,
    step: str,
    window_days: int,
    spreads: _Spreads,
    policy: Diagnosis,
    without: CountsWithout,
    limit: float,
) -> None:
    """Name the low segment with the most evidence, take its records out, and ask the other low ones again.

    What is no longer low without those records, or has hardly any left, was low because of them.
    """
    waiting = judged[(judged["step"] == step) & (judged["verdict"] == LOW)].sort_values(
        ["evidence", *_KEY], ascending=[False, True, True]
    )
    named: list[tuple[str, str]] = []
    while len(waiting):
        first = waiting.iloc[0]
        named.append((first["segment_kind"], first["segment"]))
        rest = waiting.iloc[1:]
        if rest.empty:
            return
        again = _stand(without(step, named), window_days, spreads, policy).set_index(_KEY)
        still = []
        for index, row in rest.iterrows():
            key = (row["segment_kind"], row["segment"])
            now = again.loc[key] if key in again.index else None
            if now is not None and now["is_enough"] and now["p_value"] <= limit and now["gap"] >= policy.smallest_gap:
                still.append((index, float(now["evidence"])))
            else:
                judged.loc[index, ["verdict", "explained_by"]] = [EXPLAINED, f"{named[-1][0]} {named[-1][1]}".strip()]
        order = [index for index, _ in sorted(still, key=lambda each: -each[1])]
        waiting = rest.loc[order]


def _passed(rows: pd.DataFrame) -> PassCounts:
    return PassCounts(rows["entered"].to_numpy(float), rows["passed"].to_numpy(float))
