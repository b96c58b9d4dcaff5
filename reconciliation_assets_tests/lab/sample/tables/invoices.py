"""The table `invoices`: one for each customer of the institute, and for each order of the shop paid by transfer."""

import numpy as np
import pyarrow as pa

from reconciliation_assets_tests.lab.sample.arrays import Ints, indices, sum_by
from reconciliation_assets_tests.lab.sample.clock import HOUR, naive_iso
from reconciliation_assets_tests.lab.sample.company import Company
from reconciliation_assets_tests.lab.sample.money import CURRENCIES, amount_text
from reconciliation_assets_tests.lab.sample.payments import PAYMENT
from reconciliation_assets_tests.lab.sample.service_line import WON
from reconciliation_assets_tests.lab.sample.tables.identifiers import (
    crm_ids,
    customer_ids,
    order_ids,
    order_invoice_ids,
    tuition_invoice_ids,
)
from reconciliation_assets_tests.lab.sample.tables.orders import customer_numbers
from reconciliation_assets_tests.lab.sample.tables.versions import Columns
from reconciliation_assets_tests.lab.sample.text import blanks, words


def invoices(company: Company) -> pa.Table:
    """Return the invoices issued until the extract; the accounting system writes Dubai's time without an offset."""
    return pa.concat_tables([_tuition(company), _transfers(company)])


def _tuition(company: Company) -> pa.Table:
    crm = company.crm
    issued = crm.entered[WON] + HOUR
    won = indices(issued <= company.as_of)
    paid = _received(company, company.money.crm, crm.size)[won]
    return pa.table(
        {
            "invoice_id": tuition_invoice_ids(won),
            **_figures(issued[won], crm.final[won], company.crm_market[won], paid),
            "crm_id": crm_ids(won),
            "order_id": blanks(len(won)),
            "customer_id": blanks(len(won)),
        }
    )


def _transfers(company: Company) -> pa.Table:
    orders = company.orders
    issued = orders.created + HOUR
    billed = indices(orders.by_transfer & (issued <= company.as_of))
    paid = _received(company, company.money.order, orders.size)[billed]
    return pa.table(
        {
            "invoice_id": order_invoice_ids(billed),
            **_figures(issued[billed], orders.gross[billed], orders.market[billed], paid),
            "crm_id": blanks(len(billed)),
            "order_id": order_ids(billed),
            "customer_id": customer_ids(customer_numbers(company)[billed]),
        }
    )


def _figures(issued: Ints, amount: Ints, market: Ints, paid: Ints) -> Columns:
    return {
        "issued_at": naive_iso(issued),
        "amount": amount_text(amount, market),
        "currency": words(CURRENCIES, market),
        "status": words(("open", "paid"), (paid >= amount).astype(np.int64)),
    }


def _received(company: Company, index: Ints, size: int) -> Ints:
    money = company.money
    received = np.where(money.settled(company.as_of) & (money.kind == PAYMENT), money.amount, 0)
    return sum_by(index, received, size)
