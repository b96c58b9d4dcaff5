"""Signed corrections that the sample company's finance team made by hand."""

from dataclasses import dataclass

from reconciliation_assets_tests.lab.sample.clock import DAY, as_instant, midnight
from reconciliation_assets_tests.lab.sample.spec import CompanySpec

DECIDED_AFTER = 11 * DAY


@dataclass(frozen=True)
class Adjustment:
    """A signed correction of what was collected for one cohort day.

    Attributes:
        number: its number.
        campaign: index into the campaigns; one without an ad account makes it an adjustment without a campaign.
        day: day of the cohort, counted from the opening.
        fils: the amount, in fils of the dirham.
        reason: why.
    """

    number: int
    campaign: int
    day: int
    fils: int
    reason: str


ADJUSTMENTS = (
    Adjustment(1, 0, 12, 45_000, "tuition paid into the old account"),
    Adjustment(2, 10, 41, -31_025, "refund paid in cash at the counter"),
    Adjustment(3, 13, 66, -12_050, "till difference"),
)


def known_adjustments(spec: CompanySpec) -> list[Adjustment]:
    """Return the adjustments made until the extract."""
    opening = midnight(spec.opened)
    return [row for row in ADJUSTMENTS if opening + row.day * DAY + DECIDED_AFTER <= as_instant(spec.as_of)]
