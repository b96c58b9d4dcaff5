"""One invented company, told in plain terms: its ads, leads, deals, orders and money, before any system shapes them.

It advertises on Meta from Dubai and sells in three markets, each with systems of its own:

    AE  HubSpot     Shopify      Stripe, Tabby   AED
    KW  Zoho CRM    WooCommerce  Tap             KWD, three decimals
    SA  Salesforce  Salla        Tamara          SAR
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

FIRST_DAY = date(2026, 6, 1)
DAYS = 40
AS_OF = datetime(2026, 7, 10, 12, tzinfo=UTC)
CURRENCIES = {"AE": "AED", "KW": "KWD", "SA": "SAR"}
FORMS = {"AE": "410000000000001", "KW": "410000000000002", "SA": "410000000000003"}
PAGE = "400000000000001"
ACCOUNT = "798000000000077"


@dataclass
class Ad:
    """One ad and where it hangs; each ad set has its own attribution setting."""

    ad_id: str
    adset_id: str
    campaign_id: str
    campaign_name: str
    attribution_setting: str
    is_deleted: bool = False


@dataclass
class AdDay:
    """What one ad did on one day, before Meta restates it."""

    ad: Ad
    day: date
    spend: Decimal
    impressions: int
    clicks: int
    leads: int
    purchases: int
    purchase_value: Decimal


@dataclass
class Person:
    """Somebody who does not exist."""

    first_name: str
    last_name: str
    email: str
    phone: str
    market: str


@dataclass
class Lead:
    """One filled form; `ad` is None when it came without an ad."""

    lead_id: str
    created: datetime
    person: Person
    ad: Ad | None
    platform: str
    consents: bool
    is_test: bool = False


@dataclass
class Stage:
    """A deal's stage and when it got there."""

    name: str
    entered: datetime


@dataclass
class Deal:
    """One opportunity of the market's CRM."""

    number: int
    lead: Lead
    created: datetime
    updated: datetime
    stages: list[Stage]
    owner: str
    amount: Decimal
    lost_reason: str | None = None
    swallowed: int | None = None
    deleted: datetime | None = None


@dataclass
class Money:
    """One movement on an order: `captured`, `authorised`, `refunded`, `disputed`, or `credited` with a gift card."""

    number: int
    kind: str
    amount: Decimal
    at: datetime
    provider: str


@dataclass
class Order:
    """One order of the market's shop."""

    number: int
    created: datetime
    updated: datetime
    person: Person
    status: str
    goods: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    method: str
    lead: Lead | None = None
    cancelled: datetime | None = None
    delivered: datetime | None = None
    waybill: str | None = None
    returned: Decimal = Decimal(0)
    money: list[Money] = field(default_factory=list)

    @property
    def market(self) -> str:
        return self.person.market

    @property
    def currency(self) -> str:
        return CURRENCIES[self.market]

    @property
    def total(self) -> Decimal:
        return self.goods - self.discount + self.tax + self.shipping


@dataclass
class Company:
    """Everything that is true about the company."""

    ads: list[Ad]
    ad_days: list[AdDay]
    leads: list[Lead]
    deals: list[Deal]
    orders: list[Order]

    def deals_in(self, market: str) -> list[Deal]:
        return [deal for deal in self.deals if deal.lead.person.market == market and deal.deleted is None]

    def deleted_deals_in(self, market: str) -> list[Deal]:
        return [deal for deal in self.deals if deal.lead.person.market == market and deal.deleted is not None]

    def orders_in(self, market: str) -> list[Order]:
        return [order for order in self.orders if order.market == market]

    def restate(self, day: date) -> None:
        """Let Meta count one lead and one purchase more for a day it has already told."""
        for ad_day in self.ad_days:
            if ad_day.day == day:
                ad_day.leads += 1
                ad_day.purchases += 1
                ad_day.purchase_value += Decimal("75.50")

    def move_on(self, at: datetime) -> None:
        """Let what was told before change in every market: stages, amounts, statuses, captures and refunds."""
        for market, providers in PROVIDERS.items():
            deal = next(deal for deal in self.deals_in(market) if deal.stages[-1].name not in {"won", "lost"})
            deal.stages.append(Stage("won", at))
            deal.amount, deal.updated = deal.amount + 10, at
            orders = self.orders_in(market)
            restated = next(order for order in orders if not order.money)
            restated.goods, restated.status, restated.delivered = restated.goods + 5, "delivered", at
            revived = next(order for order in orders if order.cancelled)
            revived.status, revived.cancelled = "delivered", None
            (authorised,) = revived.money
            # Tap tells a capture by its charge's new status alone; the others by a movement with a time of its own.
            authorised.kind, authorised.at = "captured", authorised.at if authorised.provider == "tap" else at
            returned = [
                next(o for o in orders if [(m.kind, m.provider) for m in o.money] == [("captured", provider)])
                for provider in providers
            ]
            for order in returned:
                order.money.append(Money(order.number * 10 + 5, "refunded", order.goods, at, order.money[0].provider))
            for order in (restated, revived, *returned):
                order.updated = at
        self.restate((at - timedelta(days=1)).date())

    def grow(self) -> None:
        """Let one more of everything arrive in every market, at the head of lists that show the newest first."""
        for market, providers in PROVIDERS.items():
            number = len(self.leads) + 1000
            dialled = {"AE": "+97150", "KW": "+9656", "SA": "+96650"}[market] + f"{number:07d}"
            person = Person("Invented", f"Newcomer {number}", f"newcomer{number}@example.com", dialled, market)
            at = AS_OF - timedelta(hours=2)
            lead = Lead(f"17841500{number:08d}", at, person, self.ads[0], "fb", consents=True)
            zero = Decimal("0.00")
            order = Order(number, at, at, person, "delivered", Decimal("99.00"), zero, zero, zero, "card", lead)
            order.money = [Money(number * 10, "captured", order.total, at, providers[number % len(providers)])]
            self.leads.insert(0, lead)
            self.deals.insert(0, Deal(number, lead, at, at, [Stage("new", at)], "101", Decimal("99.00")))
            self.orders.insert(0, order)
        ad = replace(self.ads[0], ad_id=f"1204179369{len(self.leads):07d}")
        day = AS_OF.date()
        self.ad_days.insert(0, AdDay(ad, day, Decimal("1.00"), 100, 1, 0, 0, Decimal("0.00")))


PROVIDERS = {"AE": ("stripe", "tabby"), "KW": ("tap",), "SA": ("tamara",)}


def invent_company() -> Company:
    """The same company every time."""
    chance = random.Random(20260710)
    ads = [
        Ad(
            f"1204179368{n:07d}",
            f"1203380059{n // 2:07d}",
            f"1202126947{n // 2:07d}",
            f"GCC | Camp {n // 2 + 1}",
            setting,
            is_deleted=n == 1,
        )
        for n, setting in enumerate(["7d_click_1d_view", "7d_click_1d_view", "1d_click", "7d_click_1d_view_1d_ev"])
    ]
    ad_days = [_ad_day(chance, ad, FIRST_DAY + timedelta(days=n)) for n in range(DAYS) for ad in ads]
    leads = [_lead(chance, n, ads) for n in range(36)]
    deals = [_deal(chance, n, lead) for n, lead in enumerate(leads) if n % 3 != 2 or n % 2]
    orders = [_order(chance, n, leads) for n in range(36)]
    made = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    for market in CURRENCIES:
        deal = next(deal for deal in reversed(deals) if deal.lead.person.market == market)
        for n in (500, 501):
            gone = replace(deal, number=deal.number + n, created=made, updated=made, swallowed=None)
            gone.stages, gone.deleted = [Stage("new", made)], made + timedelta(hours=1)
            deals.append(gone)
    return Company(ads, ad_days, leads, deals, orders)


def _moment(chance: random.Random, days: int) -> datetime:
    start = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    return start + timedelta(days=chance.randrange(days), seconds=chance.randrange(86400))


def _ad_day(chance: random.Random, ad: Ad, day: date) -> AdDay:
    purchases = chance.choice([0, 0, 1, 2])
    return AdDay(
        ad,
        day,
        Decimal(chance.randrange(2000, 30000)) / 100,
        chance.randrange(1000, 9000),
        chance.randrange(10, 200),
        chance.choice([0, 1, 1, 3]),
        purchases,
        purchases * Decimal(chance.randrange(10000, 60000)) / 100,
    )


def _lead(chance: random.Random, number: int, ads: list[Ad]) -> Lead:
    market = ("AE", "KW", "SA")[number // 12]
    dialled = {"AE": f"+97150{number:07d}", "KW": f"+9656{number:07d}", "SA": f"+96650{number:07d}"}[market]
    person = Person("Invented", f"Person {number}", f"person{number}@example.com", dialled, market)
    ad = None if number % 6 == 5 else ads[number % len(ads)]
    return Lead(
        f"17841400{number:08d}",
        _moment(chance, 25),
        person,
        ad,
        ("fb", "ig")[number % 2],
        number % 4 != 0,
        number % 12 == 11,
    )


_STAGES = ("new", "contacted", "qualified", "proposal", "won")


def _deal(chance: random.Random, number: int, lead: Lead) -> Deal:
    created = lead.created + timedelta(minutes=chance.randrange(5, 600))
    reached = list(_STAGES[: chance.randrange(1, len(_STAGES) + 1)])
    lost = number % 5 == 4 and reached[-1] != "won"
    stages, entered = [], created
    for name in [*reached, *(["lost"] if lost else [])]:
        stages.append(Stage(name, entered))
        entered += timedelta(hours=chance.randrange(2, 72))
    return Deal(
        number + 1,
        lead,
        created,
        min(stages[-1].entered, AS_OF),
        stages,
        ("101", "102")[number % 2],
        Decimal(chance.randrange(50000, 400000)) / 100,
        "price" if lost else None,
        900 + number if number % 7 == 3 else None,
    )


def _order(chance: random.Random, number: int, leads: list[Lead]) -> Order:
    lead = leads[number] if number % 3 else None
    person = leads[number].person
    created = (lead.created if lead else _moment(chance, 25)) + timedelta(hours=chance.randrange(1, 200))
    step = Decimal("0.001") if person.market == "KW" else Decimal("0.01")
    goods = (Decimal(chance.randrange(20000, 90000)) / 100).quantize(step)
    order = Order(
        1001 + number,
        created,
        created + timedelta(hours=1),
        person,
        "delivered",
        goods,
        step * 500 if number % 4 == 1 else step * 0,
        (goods * Decimal("0.05")).quantize(step),
        step * 1500,
        "cod" if number % 6 == 2 else "card",
        lead,
    )
    _live(chance, order, number)
    return order


def _live(chance: random.Random, order: Order, number: int) -> None:
    later = [order.created + timedelta(hours=hours) for hours in (1, 60, 120, 200)]
    providers = PROVIDERS[order.market]
    provider = providers[number % len(providers)]
    order.waybill = f"48{number:08d}" if number % 2 else None
    if number % 9 == 4:
        order.status, order.cancelled, order.updated = "cancelled", later[1], later[1]
        order.money = [Money(number * 10, "authorised", order.total, later[0], provider)]
    elif order.method == "cod":
        order.status, order.updated = "shipped", later[1]
    else:
        order.delivered, order.updated = later[2], later[2]
        order.money = [Money(number * 10, "captured", order.total, later[0], provider)]
        if number % 5 == 0:
            part = (order.goods / 4).quantize(order.goods)
            order.money.append(Money(number * 10 + 1, "refunded", part, later[3], provider))
        if number == 3:
            card, rest = Decimal("30.00"), order.total - Decimal("30.00")
            order.money = [
                Money(number * 10, "captured", rest, later[0], provider),
                Money(number * 10 + 3, "credited", card, later[0], "gift_card"),
            ]
        if number in {1, 7}:
            order.money.append(Money(number * 10 + 2, "disputed", order.total, later[3], provider))
