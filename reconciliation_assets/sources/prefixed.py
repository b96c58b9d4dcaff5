"""Prefixes that keep the IDs of two systems apart if they use the same numbers, such as two shops of the same kind."""

from collections.abc import Iterator
from dataclasses import replace

from reconciliation_assets.sources.connector import Batch, Connector, Probe, Row, Window

PREFIXED = frozenset({"order_id", "crm_id", "merged_into", "invoice_id", "customer_id"})
"""Columns with IDs of a company's own systems. IDs of Meta, leads and payments are unique without a prefix."""


class Prefixed:
    """A connector whose IDs get a prefix.

    Args:
        connector: the original connector.
        prefix: put before every ID of the columns in `PREFIXED`.
    """

    def __init__(self, connector: Connector, prefix: str) -> None:
        self.name = connector.name
        self.tables = connector.tables
        self.overlap = connector.overlap
        self.silent_after = connector.silent_after
        self._connector = connector
        self._prefix = prefix

    def pull(self, window: Window) -> Iterator[Batch]:
        """See `Connector.pull`."""
        for batch in self._connector.pull(window):
            yield replace(batch, rows=[self._with_prefix(row) for row in batch.rows])

    def probe(self) -> Probe:
        """See `Connector.probe`."""
        return self._connector.probe()

    def _with_prefix(self, row: Row) -> Row:
        return {
            column: self._prefix + value if value and column in PREFIXED else value for column, value in row.items()
        }
