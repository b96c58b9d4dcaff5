"""Duplicates among records that share a contact and a form or offer.

A record is a duplicate when an earlier valid one shares a key with it, at most `duplicate_window_days` before. Only valid
records make later ones duplicates, so each decision depends on the decisions before it. That is why this is a loop in order
of time and not a query. It covers only the candidates that SQL has already selected.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

import pyarrow as pa

from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.warehouse.query import TableName

DUPLICATES_SCHEMA = pa.schema(
    [
        ("source_table", pa.string()),
        ("source_id", pa.string()),
        ("duplicate_of", pa.string()),
        ("rule", pa.string()),
    ]
)


def find_duplicates(candidates: pa.Table, window: timedelta) -> pa.Table:
    """The duplicates among the candidates.

    Args:
        candidates: rows of `matching.duplicate_candidates`, in any order.
        window: longest time between a record and its valid original.

    Returns:
        A row per duplicate: which table and record, its valid original, and the rule that found it.
    """
    ordered = candidates.sort_by(
        [(name, "ascending") for name in ("source_table", "created_at", "source_id", "repeat_key")]
    )
    rows = zip(*(ordered[name].to_pylist() for name in _COLUMNS), strict=True)
    duplicates = list(_walk(rows, window))
    return pa.Table.from_pylist(duplicates, DUPLICATES_SCHEMA)


_COLUMNS = ("source_table", "created_at", "source_id", "repeat_key", "rule")
_Row = tuple[str, datetime, str, str, str]


def _walk(rows: Iterator[_Row], window: timedelta) -> Iterator[dict[str, str]]:
    latest_valid: dict[tuple[str, str], tuple[datetime, str]] = {}
    for (table, when, record), keys in groupby(rows, key=lambda row: row[:3]):
        named = [(key, rule) for *_, key, rule in keys]
        originals = [
            (*latest_valid[table, key], rule)
            for key, rule in named
            if (table, key) in latest_valid and when - latest_valid[table, key][0] <= window
        ]
        if originals:
            _, original, rule = max(originals)
            yield {"source_table": table, "source_id": record, "duplicate_of": original, "rule": rule}
        else:
            latest_valid.update({(table, key): (when, record) for key, _ in named})


def _make(context: LedgerContext) -> TableMetadata:
    window = timedelta(days=context.loaded_policy.policy.matching.duplicate_window_days)
    candidates = context.warehouse.arrow("select * from matching.duplicate_candidates")
    context.warehouse.load(DUPLICATES.target, find_duplicates(candidates, window))
    return TableMetadata()


DUPLICATES = PythonTable(
    OutputTable(
        "duplicates",
        "matching",
        "duplicate",
        "data",
        ("source_table", "source_id"),
        description=(
            "Leads and orders that repeat an earlier valid one: same contact, same form or offer, within the policy's days. The "
            "earlier record stays the valid one."
        ),
        group="matching_candidates",
        page="docs/definitions/duplicates-and-validity.md",
        columns={"duplicate_of": Meaning("Record that it repeats")},
    ),
    (TableName("matching", "duplicate_candidates"),),
    _make,
)
