-- Transfers that carried many payments: bank lines of the input table, and payments that others name as their transfer. Such a
-- payment is the same money once more, so it is a transfer and no money of its own.
with carried as (
  select distinct settlement_id, currency
  from current.payments
  where settlement_id is not null and settlement_id <> payment_id
)
select
  'transfers' as source_table,
  t.transfer_id,
  t.transferred_at,
  t.amount,
  t.currency,
  coalesce(t.settlement_id, c.settlement_id) as settlement_id
from current.transfers t
left join carried c on c.settlement_id = trim(t.reference) and c.currency = t.currency
union all
select
  'payments',
  p.payment_id,
  p.paid_at,
  p.amount,
  p.currency,
  coalesce(i.settlement_id, r.settlement_id)
from current.payments p
left join carried i on i.settlement_id = p.payment_id and i.currency = p.currency
left join carried r on r.settlement_id = trim(p.reference) and r.currency = p.currency
where p.kind = 'payment'
  and replace(replace(lower(p.status), ' ', '_'), '-', '_') = 'settled'
  and coalesce(p.settlement_id, p.payment_id) = p.payment_id
  and coalesce(p.order_id, p.invoice_id, p.crm_id, p.lead_id, p.customer_id, p.waybill) is null
  and coalesce(i.settlement_id, r.settlement_id) is not null
