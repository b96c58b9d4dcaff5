"""The seam between the outside systems and everything else: what a connector is and what it hands over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

Row = Mapping[str, str | None]
"""A contract column to its text, exactly as a CSV cell would hold it.

Instants are ISO 8601 with an offset, amounts decimals in major units, IDs text; None is an empty cell.
"""


@dataclass(frozen=True)
class Window:
    """The stretch of time a pull is asked for.

    Attributes:
        since: only what is new or changed from here on; None asks for everything the source still has.
        until: the instant of the pull. A source that can be asked for an upper bound is; a row that changed after it
            may still be delivered, and comes again with the next window.
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
        rows: beside the contract's columns, a row of a record that could not be read holds `unread_column`, the
            source's own field, and `unread`, what is wrong with it; such a row goes to quarantine.
        passed_over: records that are no data, such as test payments, counted by reason.
        doubts: what does not add up to the totals that the source tells of itself, in sentences.
    """

    table: str
    rows: Sequence[Row]
    passed_over: Mapping[str, int] = field(default_factory=dict)
    doubts: Sequence[str] = ()


@dataclass(frozen=True)
class ProbedAccount:
    """One account, store or organisation as its system describes it.

    Attributes:
        account_id: the system's own ID.
        time_zone: IANA name, or the offset where the system has no name; None where it does not say.
        currency: ISO 4217; None where the system does not say or has several.
    """

    account_id: str
    time_zone: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Probe:
    """What a source says about itself without handing over data.

    Attributes:
        accounts: what the credentials can read.
        clock_skew: the source's clock less ours; None where it sends no time.
        findings: what a person should look at, in sentences.
        lacking: permissions that the source needs and the system says it was not granted, by the system's own names; None
            where the system does not tell and only trying shows.
    """

    accounts: Sequence[ProbedAccount]
    clock_skew: timedelta | None = None
    findings: Sequence[str] = ()
    lacking: Sequence[str] | None = None


class Connector(Protocol):
    """One configured source.

    Attributes:
        name: its name in the sources file, unique there.
        tables: the contract tables it delivers.
        overlap: how much of the last window is pulled again, since late changes reach back that far.
        silent_after: how old its newest record may grow; None where the policy's limit holds.
    """

    name: str
    tables: tuple[str, ...]
    overlap: timedelta
    silent_after: timedelta | None

    def pull(self, window: Window) -> Iterator[Batch]:
        """Yield the window's rows; a key may come in several batches, the rows then being equal or newer.

        Raises:
            SourceError: the pull cannot be completed; what was yielded before must then not be kept.
        """

    def probe(self) -> Probe:
        """Check credentials, clock, zone and currency without reading records.

        Raises:
            SourceError: the source cannot be used as it is.
        """
