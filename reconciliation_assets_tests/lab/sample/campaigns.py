"""What the sample company advertises: its ad accounts, and its campaigns with their economics.

One row of `CAMPAIGNS` holds everything that makes a campaign good or bad; change a row to plant a strong, a weak or a
misreported campaign. Rows without an ad account are the demand that comes by itself.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Line: TypeAlias = Literal["service", "shop"]


@dataclass(frozen=True)
class AdAccount:
    """A Meta ad account; Meta has no accounts in Kuwaiti dinars, so Kuwait's is in US dollars."""

    account_id: str
    currency: str


@dataclass(frozen=True)
class Burst:
    """Days on which a campaign brings a multiple of its usual demand, counted from the opening."""

    first_day: int
    days: int
    factor: float


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One campaign, or one market's demand without ads.

    Attributes:
        name: the name in Ads Manager; for demand without ads, what it is.
        market: AE, SA or KW.
        line: the training institute (`service`) or the shop.
        account: the ad account; None for demand without ads.
        offer: what is sold.
        language: the language of the ad.
        share: share of the line's leads and orders, relative to the line's other rows.
        cost_per_record: dirhams spent per lead or order that the company captures.
        claim: results Meta reports per captured record; above 1 it claims more than came.
        value_per_result: dirhams Meta reports per result.
        ticket: prices, relative to the line's average.
        lead_quality: share of the leads that are real.
        win_rate: share of the real service leads that buy.
        refusal_rate: share of cash-on-delivery orders refused at the door.
        instant_form: whether leads come by Meta's own form (else by a landing page).
        first_day: day the campaign starts, counted from the opening.
        burst: days of special demand.
    """

    name: str
    market: str
    line: Line
    account: AdAccount | None = None
    offer: str
    language: str = "ar"
    share: float
    cost_per_record: float = 0.0
    claim: float = 1.0
    value_per_result: float = 0.0
    ticket: float = 1.0
    lead_quality: float = 0.92
    win_rate: float = 0.12
    refusal_rate: float = 0.18
    instant_form: bool = False
    first_day: int = 0
    burst: Burst | None = None


UAE = AdAccount("1082000000340017", "AED")
KSA = AdAccount("1082000000340025", "SAR")
KUWAIT = AdAccount("1082000000340033", "USD")

_INSTITUTE = (
    Campaign(
        name="UAE | HR Diploma | Instant form | AR",
        market="AE",
        line="service",
        account=UAE,
        offer="hr_diploma",
        share=15,
        cost_per_record=96,
        claim=1.15,
        value_per_result=420,
        lead_quality=0.9,
        win_rate=0.13,
        instant_form=True,
    ),
    Campaign(
        name="UAE | Data Analytics | Website | EN",
        market="AE",
        line="service",
        account=UAE,
        offer="data_analytics",
        language="en",
        share=11,
        cost_per_record=150,
        claim=0.85,
        value_per_result=610,
        ticket=1.25,
        lead_quality=0.93,
        win_rate=0.15,
    ),
    # The form of this one loses its tracking in the week of its admissions drive, see `incidents`.
    Campaign(
        name="KSA | HR Diploma | Instant form | AR",
        market="SA",
        line="service",
        account=KSA,
        offer="hr_diploma",
        share=17,
        cost_per_record=88,
        claim=1.25,
        value_per_result=400,
        ticket=0.95,
        lead_quality=0.88,
        win_rate=0.12,
        instant_form=True,
        burst=Burst(first_day=71, days=7, factor=9),
    ),
    # The one Meta loves: cheap leads, the highest reported return, and hardly any money.
    Campaign(
        name="KSA | Free Career Test | Instant form | AR",
        market="SA",
        line="service",
        account=KSA,
        offer="career_test",
        share=20,
        cost_per_record=58,
        claim=1.9,
        value_per_result=560,
        ticket=0.5,
        lead_quality=0.62,
        win_rate=0.055,
        instant_form=True,
    ),
    Campaign(
        name="KWT | Business English | Website | EN",
        market="KW",
        line="service",
        account=KUWAIT,
        offer="business_english",
        language="en",
        share=7,
        cost_per_record=120,
        claim=1.05,
        value_per_result=480,
        ticket=0.9,
        lead_quality=0.91,
        win_rate=0.14,
        first_day=30,
    ),
    Campaign(
        name="Institute without ads, UAE", market="AE", line="service", offer="hr_diploma", share=13, win_rate=0.15
    ),
    Campaign(
        name="Institute without ads, KSA", market="SA", line="service", offer="hr_diploma", share=11, win_rate=0.14
    ),
    Campaign(
        name="Institute without ads, Kuwait",
        market="KW",
        line="service",
        offer="business_english",
        share=5,
        ticket=0.9,
        win_rate=0.14,
    ),
)

_SHOP = (
    Campaign(
        name="UAE | Oud and Perfume | Sales | AR",
        market="AE",
        line="shop",
        account=UAE,
        offer="perfume",
        share=16,
        cost_per_record=52,
        claim=1.3,
        value_per_result=330,
        ticket=1.1,
        refusal_rate=0.17,
    ),
    Campaign(
        name="UAE | Abaya | Retargeting | EN",
        market="AE",
        line="shop",
        account=UAE,
        offer="abaya",
        language="en",
        share=9,
        cost_per_record=40,
        claim=1.3,
        value_per_result=340,
        ticket=1.15,
        refusal_rate=0.15,
    ),
    # The weeks before Eid al-Fitr, whose cash one courier remits late, see `incidents`.
    Campaign(
        name="KSA | Oud and Perfume | Sales | AR",
        market="SA",
        line="shop",
        account=KSA,
        offer="perfume",
        share=19,
        cost_per_record=61,
        claim=1.2,
        value_per_result=320,
        refusal_rate=0.22,
        burst=Burst(first_day=35, days=12, factor=3.5),
    ),
    Campaign(
        name="KSA | Skincare | Advantage+ | AR",
        market="SA",
        line="shop",
        account=KSA,
        offer="skincare",
        share=12,
        cost_per_record=105,
        claim=0.7,
        value_per_result=250,
        ticket=0.72,
        refusal_rate=0.25,
    ),
    Campaign(
        name="KWT | Gift Boxes | Sales | AR",
        market="KW",
        line="shop",
        account=KUWAIT,
        offer="gift_box",
        share=8,
        cost_per_record=66,
        claim=1.1,
        value_per_result=300,
        ticket=0.95,
        refusal_rate=0.16,
        first_day=14,
    ),
    Campaign(name="Shop without ads, UAE", market="AE", line="shop", offer="perfume", share=17, refusal_rate=0.15),
    Campaign(name="Shop without ads, KSA", market="SA", line="shop", offer="perfume", share=13),
    Campaign(name="Shop without ads, Kuwait", market="KW", line="shop", offer="gift_box", share=7, refusal_rate=0.15),
)

CAMPAIGNS: tuple[Campaign, ...] = _INSTITUTE + _SHOP
