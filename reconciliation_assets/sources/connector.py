"""The interface to outside systems: connectors and what they deliver."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

Row = Mapping[str, str | None]
"""Text by contract column, exactly as in a CSV cell.

Times are ISO 8601 with an offset, amounts decimals in major units, IDs text; None is an empty cell.
"""


@dataclass(frozen=True)
class Window:
    """The time window of a pull.

    Attributes:
        since: only records that are new or changed from here on; None for everything the source still has.
        until: the time of the pull. It is sent to sources that support an upper bound. A row that changed later may be
            delivered all the same, and again in the next window.
    """

    since: datetime | None
    until: datetime

    def __post_init__(self) -> None:
        if self.until.tzinfo is None or (self.since is not None and self.since.tzinfo is None):
            raise ValueError("a window's ends need a zone")


@dataclass(frozen=True)
class Batch:
    """Rows of one contract table.

    Attributes:
        rows: the contract's columns. A row of a record that could not be read also has `unread_column`, the source's own
            field, and `unread`, what is wrong with it; such a row goes to quarantine.
        passed_over: counts of ignored records that are not data, such as test payments, by reason.
        doubts: sentences about records that do not add up to the totals reported by the source.
    """

    table: str
    rows: Sequence[Row]
    passed_over: Mapping[str, int] = field(default_factory=dict)
    doubts: Sequence[str] = ()


@dataclass(frozen=True)
class ProbedAccount:
    """One account, store or organisation, as described by its system.

    Attributes:
        account_id: the system's own ID.
        time_zone: IANA name, or the offset if the system gives no name; None if it gives neither.
        currency: ISO 4217; None if the system gives none or several.
    """

    account_id: str
    time_zone: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Probe:
    """The result of testing a source without reading records.

    Attributes:
        accounts: the accounts that the credentials can read.
        clock_skew: the source's clock minus ours; None if it sends no time.
        findings: sentences about what a person should check.
        missing_permissions: needed permissions that are not granted, by the system's own names; None if the system does not report its
            permissions.
    """

    accounts: Sequence[ProbedAccount]
    clock_skew: timedelta | None = None
    findings: Sequence[str] = ()
    missing_permissions: Sequence[str] | None = None


class Connector(Protocol):
    """One configured source.

    Attributes:
        name: its name in the sources file, unique there.
        tables: the contract tables it delivers.
        overlap: part of the last window that is pulled again, because late changes reach back that far.
        silent_after: maximum age of its newest record; None for the policy's limit.
    """

    name: str
    tables: tuple[str, ...]
    overlap: timedelta
    silent_after: timedelta | None

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the window's rows; a key may come again in a later batch, with an equal or newer row.

        Raises:
            SourceError: the pull cannot be completed; batches yielded before must then be discarded.
        """

    def probe(self) -> Probe:
        """Check credentials, clock, zone and currency without reading records.

        Raises:
            SourceError: the source cannot be used as configured.
        """
