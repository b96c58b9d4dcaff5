"""List of the inbox: every file and how it is recognised, before anything is landed."""

from collections.abc import Sequence

import pyarrow as pa

from reconciliation_assets.sources.files import InboxFile
from reconciliation_assets.sources.presets.recognition import Unrecognised
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName

INBOX_FILES = TableName("raw", "inbox_files")


def take_stock(warehouse: Ledger, known: Sequence[InboxFile], unknown: Sequence[Unrecognised]) -> int:
    """Record every file of the inbox with its table and preset, or why it is not read; returns the number of rows."""
    rows: list[tuple[str | None, ...]] = [
        *((file.name, file.table, file.kind.preset.name if file.kind else None, None) for file in known),
        *((file.name, None, None, file.reason) for file in unknown),
    ]
    columns = ("file", "source_table", "preset", "reason")
    return warehouse.load(
        INBOX_FILES,
        pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(columns)}),
    )
