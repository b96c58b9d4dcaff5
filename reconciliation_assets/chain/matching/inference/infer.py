"""Inferred links to leads: the most likely lead of each record that names none, chosen together, with the evidence.

The same code serves the real tables and those of the backtest, which are in a schema of their own.
"""

import json

import pyarrow as pa

from reconciliation_assets.chain.matching.inference.assignment import choose
from reconciliation_assets.chain.matching.inference.models import LEAD_CRM, LEAD_ORDER, Model
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import OutputTable
from reconciliation_assets.policy.model import Matching
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets.warehouse.scoring import Comparison, Scored, score_pairs

_KNOWN_LINKS_LEARNT_FROM = 20_000
# Keys are only compared for equality; as 64-bit numbers that is faster and takes a fraction of the memory.
_WITH_SHORT_KEYS = """
  * replace (
    list_transform(name_keys, lambda key: hash(key)) as name_keys,
    list_transform(name_sound_keys, lambda key: hash(key)) as name_sound_keys,
    case when email_key is not null then hash(email_key) end as email_key,
    case when phone_key is not null then hash(phone_key) end as phone_key
  )
"""
# Pairs less likely than this are not kept even for calibration.
_LEAST_PROBABILITY = 0.1


def infer(
    warehouse: Ledger, model: Model, layer: str, matching: Matching, trial: TableName | None = None
) -> Scored | None:
    """Make `<layer>.inferred_<model>`: link, left_id, right_id, probability, evidence, weights, candidates, evidence_kind.

    Args:
        model: how the link is inferred.
        layer: schema of the records and known links.
        matching: the policy's limits.
        trial: a table with the `right_id` of the records to score; all open ones if None. Exact only for models without a slot,
            whose right records do not compete.

    Returns:
        The scored pairs and their weights, or None where nothing is open.
    """
    right_ends = TableName(layer, model.right_ends)
    target = TableName(layer, f"inferred_{model.name}")
    if not warehouse.rows(f"select 1 from {right_ends} where is_open limit 1"):
        warehouse.load(target, _NO_LINKS)
        return None
    scored = score_pairs(
        model.comparisons,
        model.blocks,
        warehouse.arrow(f"select {_WITH_SHORT_KEYS} from {layer}.{model.left_ends}"),
        warehouse.arrow(f"select {_WITH_SHORT_KEYS} from {right_ends}"),
        warehouse.arrow(
            f"""
            select left_id, right_id from {layer}.{model.known_links}
            where match_method = 'exact_id' order by md5(right_id), right_id limit {_KNOWN_LINKS_LEARNT_FROM}
            """
        ),
        possible=model.possible,
        candidates_per_key=matching.inferred.candidates_per_key,
        fewest_known=matching.inferred.fewest_known_links,
        match_share=model.match_share,
        limits=warehouse.limits,
        tried=warehouse.arrow(f"select right_id from {trial}") if trial else None,
    )
    with warehouse.reading("_scored", scored.pairs):
        warehouse.execute(
            f"""
            create or replace temporary table _pairs as
            select p.*, {model.slot("p.left_id") if model.slot else "cast(null as varchar)"} as left_slot
            from _scored p
            join {right_ends} r on r.unique_id = p.right_id
            left join canonical.manual_matches m
              on m.verdict = 'reject' and m.link = '{model.name}' and m.left_id = p.left_id and m.right_id = p.right_id
            where m.link is null
            """
        )
    chosen = choose(warehouse.arrow("select * from _pairs"), model.match_share)
    with warehouse.reading("_chosen", chosen):
        warehouse.execute(
            f"""
            create or replace table {target} as
            select
              '{model.name}' as link,
              left_id,
              right_id,
              probability,
              {_words(model.comparisons)} || ', ' || candidates || case when candidates = 1 then ' candidate' else ' candidates' end
                as evidence,
              {_weights(model.comparisons)} as weights,
              candidates,
              'probability from ' || printf('%.2f', floor(least(probability, 0.999) * 20) / 20) as evidence_kind
            from _chosen
            where probability >= {_LEAST_PROBABILITY}
            """
        )
    warehouse.execute("drop table _pairs")
    return scored


_NO_LINKS = pa.table(
    {
        "link": pa.array([], pa.string()),
        "left_id": pa.array([], pa.string()),
        "right_id": pa.array([], pa.string()),
        "probability": pa.array([], pa.float64()),
        "evidence": pa.array([], pa.string()),
        "weights": pa.array([], pa.string()),
        "candidates": pa.array([], pa.int64()),
        "evidence_kind": pa.array([], pa.string()),
    }
)


def _words(comparisons: tuple[Comparison, ...]) -> str:
    """SQL for the outcomes of a pair's comparisons in words; what could not be compared is left out."""
    return "concat_ws(', ', " + ", ".join(_outcome(each) for each in comparisons) + ")"


def _outcome(comparison: Comparison) -> str:
    last = len(comparison.levels) - 1
    cases = " ".join(f"when {last - place} then '{level.says}'" for place, level in enumerate(comparison.levels))
    return f"case gamma_{comparison.name} {cases} end"


def _weights(comparisons: tuple[Comparison, ...]) -> str:
    """SQL for what each comparison adds, in bits: `amount +9.1; name +5.2`."""
    parts = ", ".join(
        f"case when gamma_{each.name} >= 0 then '{each.name.replace('_', ' ')} ' || printf('%+.1f', mw_{each.name}) end"
        for each in comparisons
    )
    return f"concat_ws('; ', {parts})"


def _inferred(model: Model, grain: str, description: str) -> PythonTable:
    def make(context: LedgerContext) -> TableMetadata:
        scored = infer(context.warehouse, model, "matching", context.loaded_policy.policy.matching)
        if scored is None:
            return TableMetadata({"learnt from": "nothing is open"})
        learnt = f"{scored.learnt_from:,} known links" if scored.learnt_from else "the shipped chances"
        return TableMetadata(
            {"learnt from": learnt, "pairs compared": scored.pairs.num_rows, "weights": json.dumps(scored.weights)},
            scored.weights,
        )

    return PythonTable(
        OutputTable(
            f"inferred_{model.name}", "matching", grain, "data", ("right_id",), description, group="matching_inference"
        ),
        (
            TableName("matching", model.left_ends),
            TableName("matching", model.right_ends),
            TableName("matching", model.known_links),
            TableName("canonical", "manual_matches"),
        ),
        make,
    )


INFERRED_LEAD_CRM = _inferred(
    LEAD_CRM,
    "CRM record with an inferred lead",
    "CRM records that name no lead, each with the lead it most likely came from.",
)
INFERRED_LEAD_ORDER = _inferred(
    LEAD_ORDER,
    "order with an inferred lead",
    "Orders that name no lead, each with the lead it most likely came from.",
)
