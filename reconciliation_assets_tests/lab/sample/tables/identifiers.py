"""The identifiers by which the tables of the sample company name each other's rows; -1 always gives null.

Numbers are padded with zeros, see `people` for why.
"""

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.arrays import NONE, Ints
from reconciliation_assets_tests.lab.sample.campaigns import Campaign
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.text import numbered, words


def campaign_ids(campaigns: tuple[Campaign, ...]) -> list[str | None]:
    """Return Meta's ID of each campaign (17 digits); None for demand without ads."""
    return [None if row.account is None else f"12021450{number:09d}" for number, row in enumerate(campaigns, start=1)]


def campaigns_of(company: Company, slot: Ints) -> pa.Array:
    """Return Meta's campaign ID of each ad slot."""
    return words(campaign_ids(company.spec.campaigns), company.ads.campaign[slot])


def ad_sets_of(company: Company, slot: Ints) -> pa.Array:
    """Return Meta's ad set ID of each ad slot."""
    return numbered("12021451", company.ads.ad_set[slot], 9)


def ads_of(company: Company, slot: Ints) -> pa.Array:
    """Return Meta's ad ID of each ad slot."""
    return numbered("12021452", company.ads.number[slot], 9)


def order_ids(order: Ints) -> pa.Array:
    """Return the shop's order numbers."""
    return numbered("SO-", order, 7)


def lead_ids(lead: Ints) -> pa.Array:
    """Return lead numbers."""
    return numbered("L-", lead, 7)


def meta_lead_ids(company: Company, lead: Ints) -> pa.Array:
    """Return Meta's lead IDs (16 digits), which only leads of its own forms have, and only while tracking works."""
    leads = company.leads
    instant = np.array([row.instant_form for row in company.spec.campaigns])[company.ads.campaign[leads.slot[lead]]]
    return numbered("7840000", np.where(instant & ~leads.untracked[lead] & (lead >= 0), lead, NONE), 9)


def crm_ids(crm: Ints) -> pa.Array:
    """Return CRM record numbers."""
    return numbered("D-", crm, 7)


def customer_ids(person: Ints) -> pa.Array:
    """Return the shop's customer numbers."""
    return numbered("C-", person, 7)


def tuition_invoice_ids(crm: Ints) -> pa.Array:
    """Return the numbers of the institute's invoices: one per CRM record that was won."""
    return numbered("INV-1", crm, 7)


def order_invoice_ids(order: Ints) -> pa.Array:
    """Return the numbers of the shop's invoices: one per order paid by bank transfer."""
    return numbered("INV-2", order, 7)


def waybills(order: Ints) -> pa.Array:
    """Return the couriers' waybill numbers."""
    return numbered("WB", order, 10)


def payment_ids(money: Ints) -> pa.Array:
    """Return payment numbers."""
    return numbered("PAY-", money, 8)
