"""The table `invoices`: one for each customer of the institute, and for each order of the shop paid by transfer."""

import numpy as np
import pyarrow as pa

from reconciliation_assets.sample.arrays import NONE, Ints, indices, sum_by
from reconciliation_assets.sample.clock import HOUR, naive_iso
from reconciliation_assets.sample.company import Company
from reconciliation_assets.sample.money import CURRENCIES, amount_text
from reconciliation_assets.sample.payments import PAYMENT
from reconciliation_assets.sample.service_line import WON
from reconciliation_assets.sample.shop import BANK_TRANSFER
from reconciliation_assets.sample.tables.identifiers import crm_ids, customer_ids, order_ids, order_invoice_ids, tuition_invoice_ids
from reconciliation_assets.sample.tables.orders import customer_numbers
from reconciliation_assets.sample.text import words


def invoices(company: Company) -> pa.Table:
    """Return the invoices issued until the extract; the accounting system writes Dubai's time without an offset."""
    orders, crm, money = company.orders, company.crm, company.money
    issued_tuition, issued_order = crm.entered[WON] + HOUR, orders.created + HOUR
    won = indices(issued_tuition <= company.as_of)
    bought = indices((orders.method == BANK_TRANSFER) & (issued_order <= company.as_of))

    received = np.where(money.settled(company.as_of) & (money.kind == PAYMENT), money.amount, 0)
    tuition_in, orders_in = sum_by(money.crm, received, crm.size), sum_by(money.order, received, orders.size)

    def rows(number: pa.Array, issued: Ints, amount: Ints, market: Ints, paid: Ints, crm_: Ints, order: Ints) -> pa.Table:
        return pa.table(
            {
                "invoice_id": number,
                "issued_at": naive_iso(issued),
                "amount": amount_text(amount, market),
                "currency": words(CURRENCIES, market),
                "crm_id": crm_ids(crm_),
                "order_id": order_ids(order),
                "customer_id": customer_ids(np.where(order >= 0, customer_numbers(company)[order], NONE)),
                "status": words(("open", "paid"), (paid >= amount).astype(np.int64)),
            }
        )

    return pa.concat_tables(
        [
            rows(tuition_invoice_ids(won), issued_tuition[won], crm.final[won], company.crm_market[won], tuition_in[won], won,
                 np.full(len(won), NONE)),
            rows(order_invoice_ids(bought), issued_order[bought], orders.gross[bought], orders.market[bought],
                 orders_in[bought], np.full(len(bought), NONE), bought),
        ]
    )  # fmt: skip
