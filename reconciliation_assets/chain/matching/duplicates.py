"""Repeated records: which of the records that share a contact and a form or offer are duplicates.

A record is a duplicate when an earlier valid one shares a key with it and lies at most the policy's days before it.
The earlier one stays valid, and only valid ones make later ones duplicates, so the decision for each record depends on
the decisions before it: that is why this walks the candidates in order of time and is not a query. It walks candidates
only, which SQL has already narrowed down.
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
        window: how far before a record its valid original may lie.

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
