"""What Meta reports about the sample company's ads: spend, reach, results and the value it attributes to itself."""

from dataclasses import dataclass

import numpy as np

from reconciliation_assets_tests.lab.sample.ads import Ads
from reconciliation_assets_tests.lab.sample.arrays import Ints, Random
from reconciliation_assets_tests.lab.sample.money import CURRENCIES, exactly_convertible, nearest
from reconciliation_assets_tests.lab.sample.spec import CompanySpec

_COST_PER_THOUSAND_IMPRESSIONS = 27.0
_CLICK_RATE = 0.013


@dataclass(frozen=True)
class Insights:
    """One element per ad and day on which it ran; money in minor units of the ad account's currency.

    Attributes:
        slot: the ad, see `ads.Ads`.
        day: day of the account, counted from the opening.
        currency: index into `money.CURRENCIES`.
        spend: what the ad cost that day.
        impressions: how often it was shown.
        clicks: how often it was clicked.
        results: the leads or purchases Meta claims.
        value: the value Meta attributes to them.
    """

    slot: Ints
    day: Ints
    currency: Ints
    spend: Ints
    impressions: Ints
    clicks: Ints
    results: Ints
    value: Ints


def plan_insights(random: Random, spec: CompanySpec, ads: Ads, *, service_records: int, shop_records: int) -> Insights:
    """Report every ad's days: spend follows the expected records and their cost, results what Meta claims of them.

    Args:
        random: the stream of the topic.
        spec: the company.
        ads: its ads.
        service_records: captured records of the institute.
        shop_records: captured records of the shop.
    """
    rows = spec.campaigns
    service = np.array([row.line == "service" for row in rows])[ads.campaign]
    expected = ads.demand * np.where(service, service_records, shop_records)[:, np.newaxis]
    slot, day = np.nonzero((expected > 0) & ads.paid[:, np.newaxis])
    campaign, records, size = ads.campaign[slot], expected[slot, day], len(slot)
    currencies = [CURRENCIES.index(row.account.currency) if row.account else 0 for row in rows]
    currency = np.array(currencies, dtype=np.int64)[campaign]

    cost = records * np.array([row.cost_per_record for row in rows])[campaign] * random.lognormal(-0.03, 0.25, size)
    impressions = random.poisson(cost / _COST_PER_THOUSAND_IMPRESSIONS * 1_000)
    results = random.poisson(records * np.array([row.claim for row in rows])[campaign])
    worth = np.array([row.value_per_result for row in rows])[campaign] * random.uniform(0.85, 1.15, size)
    return Insights(
        slot=slot.astype(np.int64),
        day=day.astype(np.int64),
        currency=currency,
        spend=_without_halves(nearest(cost, currency), currency),
        impressions=impressions,
        clicks=random.binomial(impressions, _CLICK_RATE),
        results=results,
        value=exactly_convertible(results * worth, currency),
    )


def _without_halves(amounts: Ints, currencies: Ints) -> Ints:
    """Take a halala off where the riyal's exact peg leaves half a fils, which the peg written as a decimal does not."""
    halves = (currencies == CURRENCIES.index("SAR")) & (amounts % 1_500 == 750)
    whole: Ints = amounts - halves
    return whole
