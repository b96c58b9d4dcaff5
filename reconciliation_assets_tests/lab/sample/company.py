"""The whole sample company: every plan, made in the order in which one needs another."""

from dataclasses import dataclass

from reconciliation_assets_tests.lab.sample.ads import Ads, plan_ads
from reconciliation_assets_tests.lab.sample.arrays import Ints, Random, filled, random_stream
from reconciliation_assets_tests.lab.sample.clock import as_instant
from reconciliation_assets_tests.lab.sample.insights import Insights, plan_insights
from reconciliation_assets_tests.lab.sample.leads import REPEAT, Claims, Leads, plan_leads
from reconciliation_assets_tests.lab.sample.payments import Money, plan_money
from reconciliation_assets_tests.lab.sample.people import People, plan_people
from reconciliation_assets_tests.lab.sample.service_line import CrmRecords, plan_crm
from reconciliation_assets_tests.lab.sample.shop import Orders, plan_orders
from reconciliation_assets_tests.lab.sample.spec import CompanySpec


@dataclass(frozen=True)
class Company:
    """A sample company's plans over its whole period; what is known of it is a matter of the spec's `as_of`."""

    spec: CompanySpec
    ads: Ads
    orders: Orders
    leads: Leads
    claims: Claims
    crm: CrmRecords
    money: Money
    insights: Insights
    people: People

    @property
    def as_of(self) -> int:
        """The instant of the extract."""
        return as_instant(self.spec.as_of)

    @property
    def crm_market(self) -> Ints:
        """The market, and by it the currency, of each CRM record."""
        market: Ints = self.leads.market[self.crm.lead]
        return market


def plan_company(spec: CompanySpec) -> Company:
    """Plan a company; equal specs give equal companies, and `as_of` changes nothing about it."""

    def stream(topic: str) -> Random:
        return random_stream(spec.seed, topic)

    ads = plan_ads(stream("demand"), spec.campaigns, orders=spec.orders, opened=spec.opened, days=spec.days)
    orders = plan_orders(stream("shop"), spec, ads)
    leads, claims = plan_leads(stream("leads"), spec, ads, orders)
    crm = plan_crm(stream("service"), spec, ads, leads, claims)
    money = plan_money(stream("payments"), spec, orders=orders, leads=leads, claims=claims, crm=crm)
    insights = plan_insights(
        stream("insights"),
        spec,
        ads,
        service_records=int((leads.service & (leads.kind != REPEAT)).sum()),
        shop_records=int((~leads.service).sum() + (claims.lead < 0).sum()),
    )
    market = filled(1 + int(max(orders.person.max(), leads.person.max())), 0)
    market[orders.person] = orders.market
    market[leads.person] = leads.market
    people = plan_people(stream("people"), market, family_phones=spec.noise.family_phones)
    return Company(spec, ads, orders, leads, claims, crm, money, insights, people)
