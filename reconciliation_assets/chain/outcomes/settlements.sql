/* table
grain: settlement of a courier or payment provider and currency
owner: finance
key: [settlement_id, currency]
page: docs/definitions/remittances.md
required: [settlement_id, currency, settled_at, last_paid_at, net_amount]
at_least_zero: [payments, orders, gross_amount]
columns:
  settlement_id: Settlement that carried the money
  last_paid_at: Latest payment of the settlement
  payments: Payments, refunds and chargebacks in it [count]
  orders: Orders they belong to [count]
  gross_amount: Payments [own currency]
  rate: Reporting currency per one unit [rate]
*/
-- Settlements of couriers and payment providers as in their own reports: the sum of their payments less refunds and fees, which
-- is the amount a transfer should bring.
select
  p.settlement_id,
  p.currency,
  min(p.paid_at) as settled_at,
  max(p.paid_at) as last_paid_at,
  sum(case when p.kind = 'fee' then 0 else 1 end) as payments,
  count(distinct k.left_id) as orders,
  sum(case when p.kind = 'payment' then p.amount else 0 end) as gross_amount,
  sum(case when p.is_refund then -p.sign * p.amount else 0 end) as refunded_amount,
  sum(case when p.kind = 'fee' then p.amount else coalesce(p.fee, 0) end) as fee_amount,
  sum(case when p.kind = 'fee' then -p.amount else p.sign * p.amount - coalesce(p.fee, 0) end) as net_amount,
  max(p.rate) as rate
from canonical.payments p
left join matching.payment_links k on k.right_id = p.payment_id and k.link = 'order_payment'
where p.is_settled and p.settlement_id is not null
group by p.settlement_id, p.currency
