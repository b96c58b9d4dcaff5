"""The table `orders`."""

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.arrays import NONE, Ints, random_stream
from reconciliation_assets_tests.lab.sample.clock import DAY, NEVER, iso
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.leads import BY_CRM_ID, BY_HAND, BY_LEAD_ID
from reconciliation_assets_tests.lab.sample.money import CURRENCIES, MARKETS, amount_text
from reconciliation_assets_tests.lab.sample.people import ARABIC, LATIN, email_text, name_text, phone_text
from reconciliation_assets_tests.lab.sample.shop import (
    METHODS,
    REASONS,
    REFUSED,
    SENT_BACK,
    STATUS_WORDS,
    STOPPED,
    TURNED_AWAY,
)
from reconciliation_assets_tests.lab.sample.tables.identifiers import (
    crm_ids,
    customer_ids,
    lead_ids,
    order_ids,
    waybills,
)
from reconciliation_assets_tests.lab.sample.tables.traffic import traffic, written_offsets
from reconciliation_assets_tests.lab.sample.tables.versions import Columns, export
from reconciliation_assets_tests.lab.sample.text import spellings, where, words

# VAT that a price with tax contains, as a fraction: 5 % in the UAE, 15 % in Saudi Arabia, none in Kuwait.
VAT_OVER, VAT_UNDER = np.array([5, 15, 0]), np.array([105, 115, 100])


def customer_numbers(company: Company) -> Ints:
    """Return the customer of each order as the shop knows it; -1 where somebody ordered as a guest.

    Orders whose lead is out of reach of their own contact, or was ruled out, are guests': their customer number would tie them.
    """
    claims, person = company.claims, company.orders.person
    guest = claims.late | (claims.rejected >= 0) | np.isin(claims.how, (BY_CRM_ID, BY_HAND)) | (person % 4 == 0)
    return np.where(guest, NONE, person)


def orders(company: Company) -> pa.Table:
    """Return the orders; an older version of one is the order as it stood earlier in its life."""
    plan, claims, people, campaigns = company.orders, company.claims, company.people, company.spec.campaigns
    random = random_stream(company.spec.seed, "orders table")
    size = plan.size
    campaign = company.ads.campaign[plan.slot]
    offsets = written_offsets(random, plan.market)
    claimed = claims.lead >= 0
    # An order that came by another way than its lead could be read as the lead's origin.
    same_visit = ~company.ads.paid[plan.slot] | (company.leads.slot[claims.lead] == plan.slot)
    nameless = np.isin(claims.how, (BY_CRM_ID, BY_HAND))
    arabic = random.random(size) < 0.45
    methods = [word for market in METHODS for word in market]
    taste, twice_tied = random.random(size), random.random(size) < 0.4

    main_crm = np.full(company.leads.size, NONE, dtype=np.int64)
    survivors = np.flatnonzero(company.crm.merged_into < 0)
    main_crm[company.crm.lead[survivors]] = survivors
    of_lead = np.where(claims.lead >= 0, main_crm[claims.lead], NONE)
    names_crm = (claims.how == BY_CRM_ID) | ((claims.how == BY_LEAD_ID) & twice_tied)
    facts = {
        "order_id": order_ids(np.arange(size)),
        "created_at": iso(plan.created, offsets),
        "gross_value": amount_text(plan.gross, plan.market),
        "currency": words(CURRENCIES, plan.market),
        "lead_id": lead_ids(np.where(claims.how == BY_LEAD_ID, claims.lead, NONE)),
        "crm_id": crm_ids(np.where(names_crm, of_lead, NONE)),
        "customer_id": customer_ids(customer_numbers(company)),
        **traffic(
            random, company, plan.slot, visit="o", tracked=~claimed | (same_visit & (random.random(size) < 0.3)),
            identified=np.ones(size, dtype=bool), ad_only=random.random(size) < 0.01,
        ),
        "market": words(MARKETS, plan.market),
        "language": words([row.language for row in campaigns], campaign),
        "email": where(~nameless, email_text(random, people, plan.person)),
        "phone": where(~nameless, phone_text(random, people, plan.person, local=True)),
        "full_name": where(~nameless, name_text(people, plan.person, np.where(arabic, ARABIC, LATIN))),
        "offer": words([row.offer for row in campaigns], campaign),
        "payment_method": words(methods, plan.market * len(METHODS[0]) + plan.method),
        "tax": amount_text(plan.gross * VAT_OVER[plan.market] // VAT_UNDER[plan.market], plan.market),
        "shipping": amount_text(plan.shipping, plan.market),
    }  # fmt: skip

    def known(instant: Ints, seen: Ints) -> pa.Array:
        return iso(np.where(instant <= seen, instant, NEVER), offsets)

    def state(seen: Ints) -> Columns:
        standing = plan.standing(seen)
        explained = np.isin(standing, (STOPPED, TURNED_AWAY, SENT_BACK))
        return {
            "updated_at": iso(plan.last_change(seen), offsets),
            "status": spellings(STATUS_WORDS, standing, taste),
            "confirmed_at": known(plan.confirmed, seen),
            "shipped_at": known(plan.shipped, seen),
            "delivered_at": known(np.where(plan.fate == REFUSED, NEVER, plan.finished), seen),
            "cancelled_at": known(plan.cancelled, seen),
            "returned_at": known(plan.returned, seen),
            "reason": words(REASONS, np.where(explained, plan.reason, NONE)),
            "waybill": waybills(np.where(plan.shipped <= seen, np.arange(size), NONE)),
        }

    return export(
        random,
        as_of=company.as_of,
        created=plan.created,
        life=8 * DAY,
        facts=facts,
        state=state,
        last_change=plan.last_change,
    )
