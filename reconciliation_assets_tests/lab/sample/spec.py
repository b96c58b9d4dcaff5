"""What a sample company is asked to be: its size, its seed, the instant it is looked at, its campaigns and incidents."""

from dataclasses import dataclass, field
from datetime import date, datetime

from reconciliation_assets_tests.lab.sample.campaigns import CAMPAIGNS, Campaign
from reconciliation_assets_tests.lab.sample.clock import DUBAI
from reconciliation_assets_tests.lab.sample.incidents import INCIDENTS, Incident
from reconciliation_assets_tests.lab.sample.noise import Noise

_FEWEST_ORDERS = 100
_FEWEST_DAYS = 30


@dataclass(frozen=True)
class CompanySpec:
    """A company to generate. The same spec gives the same bytes.

    Attributes:
        orders: orders of the whole period; there are about half as many leads.
        seed: what makes this company another one than its neighbour.
        as_of: the instant of the extract; nothing later is written. The same company at a later instant has newer versions of
            the same rows and the rows that came since.
        opened: first day.
        days: length of the period; with the default `as_of` it ends with the extract.
        noise: damage for benchmarks; with any, only the links and the money totals of the truth are promised.
        campaigns: what is advertised, and how well it does.
        incidents: what went wrong.
    """

    orders: int
    seed: int = 0
    as_of: datetime = datetime(2026, 7, 1, tzinfo=DUBAI)
    opened: date = date(2026, 2, 1)
    days: int = 150
    noise: Noise = field(default_factory=Noise)
    campaigns: tuple[Campaign, ...] = CAMPAIGNS
    incidents: tuple[Incident, ...] = INCIDENTS

    def __post_init__(self) -> None:
        """Refuse a company too small to have every case in it, or an instant without an offset."""
        if self.orders < _FEWEST_ORDERS:
            raise ValueError(f"A sample company needs at least {_FEWEST_ORDERS} orders, not {self.orders}.")
        if self.days < _FEWEST_DAYS:
            raise ValueError(f"A sample company needs at least {_FEWEST_DAYS} days, not {self.days}.")
        if self.as_of.tzinfo is None:
            raise ValueError(
                "The as-of instant of a sample company needs an offset, such as 2026-07-01T00:00:00+04:00."
            )
