"""The ads of the sample company's campaigns, and the demand each brings on each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from reconciliation_assets_tests.lab.sample.arrays import NONE, Bools, Floats, Ints, Random
from reconciliation_assets_tests.lab.sample.campaigns import Campaign, Line
from reconciliation_assets_tests.lab.sample.clock import pull_cadence
from reconciliation_assets_tests.lab.sample.money import MARKETS

_ADS_OF_A_SMALL_CAMPAIGN = 2.4
_ORDERS_OF_A_SMALL_COMPANY = 400
_ADS_PER_AD_SET = 3


@dataclass(frozen=True)
class Ads:
    """Every ad, and one slot without an ad for each demand that comes by itself; arrays have one element per slot.

    Attributes:
        campaign: index into the campaigns.
        ad_set: number of the ad set within the company; -1 without ads.
        number: number of the ad within the company; -1 without ads.
        demand: slots by days; the share of the line's records that each slot brings on each day (sums to 1 per line).
        market: index into `money.MARKETS`.
    """

    campaign: Ints
    ad_set: Ints
    number: Ints
    demand: Floats
    market: Ints

    @property
    def paid(self) -> Bools:
        """Which slots are ads."""
        paid: Bools = self.number >= 0
        return paid


def plan_ads(random: Random, campaigns: Sequence[Campaign], *, orders: int, opened: date, days: int) -> Ads:
    """Fill the campaigns with ads and spread each line's demand over them, day by day.

    The number of ads grows with the square root of the company: 2 or 3 a campaign at 400 orders, 120 at a million.
    """
    per_campaign = max(2, round(_ADS_OF_A_SMALL_CAMPAIGN * (orders / _ORDERS_OF_A_SMALL_COMPANY) ** 0.5))
    campaign: list[int] = []
    within: list[int] = []
    demand: list[Floats] = []
    for index, row in enumerate(campaigns):
        flights = np.ones((1, days)) if row.account is None else _flights(random, per_campaign, days)
        campaign += [index] * len(flights)
        within += list(range(len(flights)))
        demand += list(flights * _campaign_demand(row, opened, days))
    owner = np.array(campaign, dtype=np.int64)
    weights = np.array(demand)
    for line in ("service", "shop"):
        rows = np.array([campaigns[index].line == line for index in campaign])
        weights[rows] /= weights[rows].sum()
    paid = np.array([campaigns[index].account is not None for index in campaign])
    sets_per_campaign = -(-per_campaign // _ADS_PER_AD_SET)
    ad_set = owner * sets_per_campaign + np.array(within, dtype=np.int64) // _ADS_PER_AD_SET
    market = np.array([MARKETS.index(campaigns[index].market) for index in campaign], dtype=np.int64)
    return Ads(
        campaign=owner,
        ad_set=np.where(paid, ad_set, NONE),
        number=np.where(paid, np.cumsum(paid) - 1, NONE),
        demand=weights,
        market=market,
    )


def _campaign_demand(row: Campaign, opened: date, days: int) -> Floats:
    day = np.arange(days)
    demand = pull_cadence(opened, days, row.market) * (day >= row.first_day)
    if row.burst is not None:
        during = (day >= row.burst.first_day) & (day < row.burst.first_day + row.burst.days)
        demand *= np.where(during, row.burst.factor, 1)
    shares: Floats = demand * row.share / demand.sum()
    return shares


def _flights(random: Random, ads: int, days: int) -> Floats:
    """Return each ad's share of its campaign by day; the first ad runs throughout, so that no day is without one."""
    weight = random.uniform(0.5, 1.5, ads)[:, np.newaxis]
    length = random.integers(days // 3, days, ads)
    start = (random.random(ads) * (days - length)).astype(np.int64)
    day = np.arange(days)
    runs = (day >= start[:, np.newaxis]) & (day < (start + length)[:, np.newaxis])
    runs[0] = True
    weights = weight * runs
    shares: Floats = weights / weights.sum(axis=0)
    return shares


def draw_demand(random: Random, ads: Ads, campaigns: Sequence[Campaign], line: Line, size: int) -> tuple[Ints, Ints]:
    """Draw the slot and the day of `size` records of a business line."""
    rows = np.flatnonzero([campaigns[index].line == line for index in ads.campaign])
    days = ads.demand.shape[1]
    cumulated = np.cumsum(ads.demand[rows])
    cell = np.searchsorted(cumulated[:-1], random.random(size) * cumulated[-1], side="right")
    return rows[cell // days].astype(np.int64), (cell % days).astype(np.int64)
