"""Calibration: precision of links in the backtest, by method, kind of evidence and number of candidates.

Once enough links of a kind were judged, their confidence is never above the precision seen. A kind below the policy's floor
carries no money.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from reconciliation_assets.chain.matching.kinds import MONEY, ObservedLinks, chance_kind, shipped_confidence
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.contracts.vocabulary import VOCABULARIES
from reconciliation_assets.policy.model import Method
from reconciliation_assets.warehouse.query import TableName

_TARGET = TableName("matching", "match_calibration")
_SCHEMA = pa.schema(
    [
        ("link", pa.string()),
        ("match_method", pa.string()),
        ("evidence_kind", pa.string()),
        ("candidates", pa.int64()),
        ("judged", pa.int64()),
        ("right_ones", pa.int64()),
        ("precision", pa.float64()),
        ("confidence", pa.float64()),
        ("may_carry_money", pa.bool_()),
    ]
)


def calibrate(
    rows: list[tuple[str, Method, str, int, float, int, int]],
    fewest: int,
    floors: Mapping[Method, float],
    money_floor: float,
) -> pa.Table:
    """Precision and confidence of each kind of evidence, and whether it may carry money: rows of `matching.match_calibration`.

    Args:
        rows: link, method, kind, candidates, confidence as the method gives it, links found, links that were right. Payments
            that were not sure enough have candidates = 0 and are grouped by probability, whatever their evidence.
        fewest: number of links needed to judge a kind.
        floors: minimum precision of each method, for links to leads.
        money_floor: minimum confidence of a kind of evidence that carries money.
    """
    found = []
    for link, method, kind, candidates, raw, judged, right in rows:
        observed = ObservedLinks(judged, right)
        if candidates == 0:
            found.append((link, method, kind, 0, judged, right, observed.precision, observed.drawn(raw), False))
            continue
        before = shipped_confidence(kind) if link == MONEY else raw
        if link == MONEY:
            may = observed.drawn(before) >= money_floor
        else:
            may = judged < fewest or right / judged >= floors.get(method, 0.0)
        confidence = observed.confidence(before, fewest)
        found.append((link, method, kind, candidates, judged, right, observed.precision, confidence, may))
    columns = list(zip(*found, strict=True)) if found else [()] * len(_SCHEMA)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)], _SCHEMA)


def _make(context: LedgerContext) -> TableMetadata:
    matching = context.loaded_policy.policy.matching
    rows: list[Any] = context.warehouse.rows(
        f"""
        select case when found_link like '%_payment' then '{MONEY}' else found_link end as link, match_method, evidence_kind,
          least(candidates, 3),
          avg(cast(raw_confidence as decimal(18, 12))),  -- decimals add up to the same in any order of the threads
          count(*),
          count(case when is_right then 1 end)
        from matching.backtest_links
        where strength > 2 and (is_accepted or found_link not like '%_payment')
        group by all
        union all
        select '{MONEY}', 'inferred', printf('{chance_kind("%.1f")}', floor(10 * raw_confidence) / 10), 0, avg(raw_confidence), count(*),
          count(case when is_right then 1 end)
        from matching.backtest_links
        where strength > 2 and not is_accepted and found_link like '%_payment'
        group by all
        order by all
        """
    )
    table = calibrate(rows, matching.backtest.fewest, matching.precision_floors, matching.money.precision_floor)
    context.warehouse.load(_TARGET, table)
    return TableMetadata({"kinds of evidence tried": table.num_rows})


CALIBRATION = PythonTable(
    OutputTable(
        "match_calibration",
        "matching",
        "link, method, kind of evidence and number of candidates (3 for more)",
        "data",
        ("link", "match_method", "evidence_kind", "candidates"),
        description="What links of each method, kind of evidence and number of candidates were worth in the backtest, and whether they may carry money.",
        required=(
            "link",
            "match_method",
            "evidence_kind",
            "candidates",
            "judged",
            "right_ones",
            "confidence",
            "may_carry_money",
        ),
        words={"link": VOCABULARIES["links"], "match_method": VOCABULARIES["methods"]},
        shares=("precision", "confidence"),
        published=True,
        group="matching_proof",
        columns={
            "match_method": Meaning("Method"),
            "candidates": Meaning("How many pairs competed, 3 for three or more", "count"),
            "judged": Meaning("Hidden records that such links were found for", "count"),
            "right_ones": Meaning("Those of them that were right", "count"),
            "confidence": Meaning("Calibrated confidence", "share"),
            "may_carry_money": Meaning("Whether links of this kind of evidence may carry money"),
        },
    ),
    (TableName("matching", "backtest_links"),),
    _make,
)
