"""Things that went wrong in the sample company, each planted where a reader of the report should find it.

Days count from the opening, so an incident keeps its place when the company is looked at earlier or later.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class LostTracking:
    """A form whose leads arrived without campaign, ad and click identifiers; source and medium still say Meta.

    Attributes:
        campaign: name of the campaign whose form it is.
        first_day: first day without tracking.
        days: how long it lasted.
    """

    campaign: str
    first_day: int
    days: int = 7


@dataclass(frozen=True)
class LateRemittance:
    """A courier that handed over the cash of some delivery weeks late.

    Attributes:
        courier: code of the courier, see `shop.COURIERS`.
        first_week: first week of the deliveries concerned, counted from the opening's, which is 0.
        weeks: how many weeks of deliveries.
        delay_days: how much later than agreed the money came.
    """

    courier: str
    first_week: int
    weeks: int = 2
    delay_days: int = 32


Incident: TypeAlias = LostTracking | LateRemittance

INCIDENTS: tuple[Incident, ...] = (
    LostTracking("KSA | HR Diploma | Instant form | AR", first_day=71),
    LateRemittance("NJD", first_week=5),
)
