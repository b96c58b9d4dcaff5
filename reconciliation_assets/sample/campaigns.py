"""What the sample company advertises: its ad accounts, its campaigns with their economics, and the ads in them.

One row of `CAMPAIGNS` holds everything that makes a campaign good or bad; change a row to plant a strong, a weak or a
misreported campaign. Rows without an ad account are the demand that comes by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from reconciliation_assets.sample.arrays import NONE, Floats, Ints, Random
from reconciliation_assets.sample.clock import rhythm
from reconciliation_assets.sample.money import CURRENCIES, MARKETS

Line = Literal["service", "shop"]


@dataclass(frozen=True)
class AdAccount:
    """A Meta ad account; Meta has no accounts in Kuwaiti dinars, so Kuwait's is in US dollars."""

    account_id: str
    currency: str


UAE = AdAccount("1082000000340017", "AED")
KSA = AdAccount("1082000000340025", "SAR")
KUWAIT = AdAccount("1082000000340033", "USD")


@dataclass(frozen=True)
class Campaign:
    """One campaign, or one market's demand without ads.

    Attributes:
        name: the name in Ads Manager; for demand without ads, what it is.
        market: AE, SA or KW.
        line: the training institute (`service`) or the shop.
        account: the ad account; None for demand without ads.
        offer: what is sold.
        language: the language of the ad.
        share: share of the line's leads and orders, relative to the other rows.
        cost_per_record: dirhams spent per lead or order that the company captures.
        claim: results Meta reports per captured record; above 1 it claims more than came.
        value_per_result: dirhams Meta reports per result.
        ticket: prices, relative to the line's average.
        lead_quality: share of the leads that are real.
        win_rate: share of the real service leads that buy.
        refusal_rate: share of cash-on-delivery orders refused at the door.
        instant_form: whether leads come by Meta's own form (else by a landing page).
        first_day: day the campaign starts, counted from the opening.
    """

    name: str
    market: str
    line: Line
    account: AdAccount | None
    offer: str
    language: str
    share: float
    cost_per_record: float = 0.0
    claim: float = 1.0
    value_per_result: float = 0.0
    ticket: float = 1.0
    lead_quality: float = 0.9
    win_rate: float = 0.12
    refusal_rate: float = 0.18
    instant_form: bool = False
    first_day: int = 0


CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign("UAE | HR Diploma | Instant form | AR", "AE", "service", UAE, "hr_diploma", "ar", 15, 96, 1.15, 420, 1.0,
             0.90, 0.13, instant_form=True),
    Campaign("UAE | Data Analytics | Website | EN", "AE", "service", UAE, "data_analytics", "en", 11, 150, 0.85, 610, 1.25,
             0.93, 0.15),
    Campaign("KSA | HR Diploma | Instant form | AR", "SA", "service", KSA, "hr_diploma", "ar", 16, 88, 1.25, 400, 0.95,
             0.88, 0.11, instant_form=True),
    Campaign("KSA | Free Career Test | Instant form | AR", "SA", "service", KSA, "career_test", "ar", 22, 58, 1.9, 560, 0.5,
             0.62, 0.055, instant_form=True),
    Campaign("KWT | Business English | Website | EN", "KW", "service", KUWAIT, "business_english", "en", 7, 120, 1.05, 480,
             0.9, 0.91, 0.13, first_day=30),
    Campaign("Institute without ads, UAE", "AE", "service", None, "hr_diploma", "ar", 13, ticket=1.0, lead_quality=0.95,
             win_rate=0.15),
    Campaign("Institute without ads, KSA", "SA", "service", None, "hr_diploma", "ar", 11, ticket=0.95, lead_quality=0.94,
             win_rate=0.14),
    Campaign("Institute without ads, Kuwait", "KW", "service", None, "business_english", "en", 5, ticket=0.9,
             lead_quality=0.95, win_rate=0.14),
    Campaign("UAE | Oud and Perfume | Sales | AR", "AE", "shop", UAE, "perfume", "ar", 16, 52, 1.3, 330, 1.1,
             refusal_rate=0.17),
    Campaign("UAE | Abaya Winter | Retargeting | EN", "AE", "shop", UAE, "abaya", "en", 9, 38, 1.3, 340, 1.2,
             refusal_rate=0.15),
    Campaign("KSA | Oud and Perfume | Sales | AR", "SA", "shop", KSA, "perfume", "ar", 18, 61, 1.2, 320, 1.0,
             refusal_rate=0.22),
    Campaign("KSA | Skincare | Advantage+ | AR", "SA", "shop", KSA, "skincare", "ar", 12, 118, 0.7, 250, 0.7,
             refusal_rate=0.25),
    Campaign("KWT | Gift Boxes | Sales | AR", "KW", "shop", KUWAIT, "gift_box", "ar", 8, 66, 1.1, 300, 0.95,
             refusal_rate=0.16, first_day=14),
    Campaign("Shop without ads, UAE", "AE", "shop", None, "perfume", "ar", 17, refusal_rate=0.15),
    Campaign("Shop without ads, KSA", "SA", "shop", None, "perfume", "ar", 13, refusal_rate=0.18),
    Campaign("Shop without ads, Kuwait", "KW", "shop", None, "gift_box", "ar", 7, refusal_rate=0.15),
)  # fmt: skip


@dataclass(frozen=True)
class Ads:
    """Every ad, and one slot without an ad for each demand that comes by itself; arrays have one element per slot.

    Attributes:
        campaign: index into the campaigns.
        adset: number of the ad set within the company; -1 without ads.
        number: number of the ad within the company; -1 without ads.
        demand: slots by days; the share of the line's records that each slot brings on each day (sums to 1 per line).
        market: index into `money.MARKETS`.
    """

    campaign: Ints
    adset: Ints
    number: Ints
    demand: Floats
    market: Ints


def plan_ads(random: Random, campaigns: Sequence[Campaign], orders: int, opened: date, days: int) -> Ads:
    """Fill the campaigns with ads and spread each line's demand over them, day by day.

    The number of ads grows with the square root of the company: 2 or 3 a campaign at 400 orders, about 120 at a million.
    """
    per_campaign = max(2, round(2.4 * (orders / 400) ** 0.5))
    campaign: list[int] = []
    demand: list[Floats] = []
    for index, row in enumerate(campaigns):
        expected = rhythm(opened, days, row.market) * (np.arange(days) >= row.first_day)
        expected = row.share * expected / days
        if row.account is None:
            campaign.append(index)
            demand.append(expected)
            continue
        flights = _flights(random, per_campaign, days)
        campaign += [index] * per_campaign
        demand += list(flights * expected)
    owner = np.array(campaign, dtype=np.int64)
    weights = np.array(demand)
    for line in ("service", "shop"):
        rows = np.array([campaigns[index].line == line for index in campaign])
        weights[rows] /= weights[rows].sum()
    paid = np.array([campaigns[index].account is not None for index in campaign])
    number = np.where(paid, np.cumsum(paid) - 1, NONE)
    # Three ads share an ad set.
    within = number - np.array([number[owner == index].min() for index in campaign])
    adset = np.where(paid, owner * 1_000 + within // 3, NONE)
    market = np.array([MARKETS.index(campaigns[index].market) for index in campaign], dtype=np.int64)
    return Ads(owner, adset, number, weights, market)


def _flights(random: Random, ads: int, days: int) -> Floats:
    """Return ads by days: each ad's share of its campaign's day; the first ad runs throughout, so no day is without."""
    weight = random.uniform(0.5, 1.5, ads)[:, np.newaxis]
    length = random.integers(days // 3, days, ads)
    start = (random.random(ads) * (days - length)).astype(np.int64)
    day = np.arange(days)
    runs = (day >= start[:, np.newaxis]) & (day < (start + length)[:, np.newaxis])
    runs[0] = True
    shares: Floats = weight * runs
    return shares / shares.sum(axis=0)


def draw_demand(random: Random, ads: Ads, campaigns: Sequence[Campaign], line: Line, size: int) -> tuple[Ints, Ints]:
    """Draw the slot and the day of `size` records of a business line."""
    rows = np.flatnonzero([campaigns[index].line == line for index in ads.campaign])
    days = ads.demand.shape[1]
    cumulated = np.cumsum(ads.demand[rows])
    cell = np.searchsorted(cumulated[:-1], random.random(size) * cumulated[-1], side="right")
    return rows[cell // days].astype(np.int64), (cell % days).astype(np.int64)


def account_currency(campaigns: Sequence[Campaign], campaign: Ints) -> Ints:
    """Return the index of each campaign's account currency (the dirham's where there is no account)."""
    codes = [0 if row.account is None else CURRENCIES.index(row.account.currency) for row in campaigns]
    return np.array(codes, dtype=np.int64)[campaign]

