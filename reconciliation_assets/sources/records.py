"""Reading the records of a list one by one: an unreadable record does not affect the others, nor, where possible, its amount.

A record whose key, time or amount cannot be read goes to quarantine with its readable values. An optional value, such as a fee
or a phone number, becomes null and is reported. If a field fails in most records of a pull, the system has changed, and the
pull stops before anything is landed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from reconciliation_assets.sources import shapes
from reconciliation_assets.sources.connector import Batch, Row
from reconciliation_assets.sources.errors import SchemaDrift
from reconciliation_assets.sources.shapes import Shape, at

S = TypeVar("S", bound=Shape)

KeepValues = Callable[[object], Row]
"""Returns what to keep of an unreadable record, by contract column."""


def keep_paths(**paths: str) -> KeepValues:
    """Keep the text at these dotted paths, by contract column."""

    def keep(record: object) -> Row:
        return {column: at(record, path) if isinstance(record, Mapping) else None for column, path in paths.items()}

    return keep


class RecordReader:
    """Reads the records of one list of one pull, and collects the unreadable and ignored ones.

    Args:
        system: the source's name, for messages.
        table: the contract table of the rows.
        where: name of the list, such as `orders`, for messages.
        keep: returns what to keep of an unreadable record.
    """

    def __init__(self, system: str, table: str, where: str, keep: KeepValues) -> None:
        self._system = system
        self._table = table
        self._where = where
        self._keep = keep
        self._read = 0
        # By content, because a list may repeat a record.
        self._drift: dict[int, SchemaDrift] = {}
        self._unreadable: dict[int, Row] = {}
        self._passed_over: dict[str, set[int]] = {}

    def one(self, shape: type[S], record: object, name: str | None = None) -> S | None:
        """Read one record into its shape; None if it cannot be read, which is recorded.

        Args:
            shape: the expected shape.
            record: the record.
            name: the ID by which it was requested, if the record does not contain it.
        """
        side: list[str] = []
        try:
            found = shapes.read(shape, record, system=self._system, where=self._where, side=side)
        except SchemaDrift as drift:
            content = hash(name or repr(record))
            self._drift[content] = drift
            self._unreadable[content] = {**self._keep(record), "unread_column": drift.field, "unread": drift.problem}
            return None
        self._read += 1
        for field in side:
            self.pass_over(f"{self._where}.{field} has an unexpected type or format and is unknown", record)
        return found

    def each(self, shape: type[S], records: Iterable[object]) -> Iterator[S]:
        """Yield the readable records in their shape."""
        for record in records:
            found = self.one(shape, record)
            if found is not None:
                yield found

    def pass_over(self, because: str, record: object) -> None:
        """Count an ignored record or value by reason; a repeated record counts once."""
        self._passed_over.setdefault(because, set()).add(hash(repr(record)))

    def batch(self, rows: Sequence[Row]) -> Batch:
        """The batch: the rows, the unreadable records for quarantine, and the counts of ignored records.

        Raises:
            SchemaDrift: most of the records could not be read.
        """
        if len(self._drift) > max(1, self._read):
            ((field, _),) = Counter(drift.field for drift in self._drift.values()).most_common(1)
            raise next(drift for drift in self._drift.values() if drift.field == field)
        counts = {because: len(records) for because, records in self._passed_over.items()}
        return Batch(self._table, [*rows, *self._unreadable.values()], counts)
