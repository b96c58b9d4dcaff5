"""The table `payments`: payments, refunds, chargebacks and fees of every channel."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconciliation_assets_tests.lab.sample.arrays import NONE, Ints, random_stream
from reconciliation_assets_tests.lab.sample.clock import DAY, iso
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.money import CURRENCIES, amount_text
from reconciliation_assets_tests.lab.sample.payments import (
    CONTACT,
    CRM,
    CRM_AND_INVOICE,
    INVOICE,
    KINDS,
    LOST_TO_NOISE,
    METHOD_WORDS,
    MISSING_ORDER,
    ORDER,
    PAYMENT,
    WAYBILL,
)
from reconciliation_assets_tests.lab.sample.people import BANK, email_text, name_text, phone_text
from reconciliation_assets_tests.lab.sample.shop import COURIERS
from reconciliation_assets_tests.lab.sample.tables.identifiers import (
    crm_ids,
    customer_ids,
    order_ids,
    order_invoice_ids,
    payment_ids,
    tuition_invoice_ids,
    waybills,
)
from reconciliation_assets_tests.lab.sample.tables.orders import VAT_OVER, VAT_UNDER, customer_numbers
from reconciliation_assets_tests.lab.sample.tables.traffic import written_offsets
from reconciliation_assets_tests.lab.sample.tables.versions import Columns, export
from reconciliation_assets_tests.lab.sample.text import join, numbered, where, words

_SETTLED, _PENDING, _FAILED = range(3)
_STATUS_WORDS = ("settled", "pending", "failed")


def payments(company: Company) -> pa.Table:
    """Return the money rows; an older version of one is the payment while it was pending."""
    plan, people = company.money, company.people
    random = random_stream(company.spec.seed, "payments table")
    size = plan.size
    offsets = written_offsets(random, plan.currency)
    by_order = plan.names == ORDER
    by_crm = np.isin(plan.names, (CRM, CRM_AND_INVOICE))
    by_invoice = np.isin(plan.names, (INVOICE, CRM_AND_INVOICE))
    speaks = random.random(size)
    shows = (plan.names == CONTACT) | ((by_order | by_crm) & (speaks < 0.5))
    shows |= (plan.names == LOST_TO_NOISE) & (speaks < 0.35)
    named = shows | ((plan.names == LOST_TO_NOISE) & (speaks < 0.8))
    person = np.maximum(plan.person, 0)
    number = np.arange(size)
    missing = numbered("WEB-", np.where(plan.names == MISSING_ORDER, number, NONE), 6)
    tuition = tuition_invoice_ids(np.where(by_invoice, plan.crm, NONE))
    of_orders = order_invoice_ids(np.where(by_invoice, plan.order, NONE))
    customer = np.where(plan.order >= 0, customer_numbers(company)[plan.order], NONE)
    taxed = (plan.kind == PAYMENT) & (plan.order >= 0)
    tax = np.where(taxed, plan.amount * VAT_OVER[plan.currency] // VAT_UNDER[plan.currency], -1)
    facts = {
        "payment_id": payment_ids(number),
        "kind": words(KINDS, plan.kind),
        "amount": amount_text(plan.amount, plan.currency),
        "currency": words(CURRENCIES, plan.currency),
        "tax": amount_text(tax, plan.currency),
        "fee": amount_text(plan.fee, plan.currency),
        "order_id": pc.coalesce(order_ids(np.where(by_order, plan.order, NONE)), missing),
        "invoice_id": pc.coalesce(tuition, of_orders),
        "crm_id": crm_ids(np.where(by_crm, plan.crm, NONE)),
        "customer_id": customer_ids(np.where(by_order & (random.random(size) < 0.5), customer, NONE)),
        "waybill": waybills(np.where(plan.names == WAYBILL, plan.order, NONE)),
        "reference": numbered("TRX", number, 9),
        "email": where(shows, email_text(random, people, person)),
        "phone": where(shows, phone_text(random, people, person, local=False)),
        "payer_name": where(named, name_text(people, person, np.full(size, BANK))),
        "method": words(METHOD_WORDS, plan.method),
    }
    couriers = [code for market in COURIERS for code, _ in market]
    courier = np.where(plan.settlement >= 0, plan.settlement // 1_000, NONE)
    transfer = join(
        words(couriers, courier), "-", words(CURRENCIES, plan.currency), numbered("-W", plan.settlement % 1_000, 3)
    )

    def last_change(seen: Ints) -> Ints:
        return np.where(plan.paid <= seen, plan.paid, plan.announced)

    def state(seen: Ints) -> Columns:
        settled = plan.paid <= seen
        status = np.where(plan.failed, _FAILED, np.where(settled, _SETTLED, _PENDING))
        instant = iso(last_change(seen), offsets)
        return {
            "status": words(_STATUS_WORDS, status),
            "paid_at": instant,
            "settlement_id": where(settled & (plan.settlement >= 0), transfer),
            "updated_at": instant,
        }

    return export(
        random,
        as_of=company.as_of,
        created=plan.announced,
        life=9 * DAY,
        facts=facts,
        state=state,
        last_change=last_change,
    )
