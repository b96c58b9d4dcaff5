/* table
grain: settled payment
owner: data
key: [unique_id]
group: matching_inference
columns:
  direction: 'Which way the money went: in, out, or back again'
  settled_from_day: First delivery among the orders of its transfer, in days since 1970 [days]
  settled_to_day: Last delivery among the orders of its transfer, in days since 1970 [days]
  rate: Reporting currency per one unit [rate]
  amount: Amount, positive for every kind [own currency]
  fee: Fee the provider kept [own currency]
  names_something: Whether the payment names an invoice or waybill
*/
-- Settled money, with the fields it is compared by. Money is open if it names nothing. Money that names a missing order or CRM
-- record is linked to no other one. If the invoice, waybill or lead it names is missing, contact and customer are still compared.
-- A courier's transfer carries the cash of a few days: the delivery days of its other parcels show when this one was delivered.
with transfers as (
  select
    p.settlement_id,
    epoch(min(o.delivered_at)) / 86400.0 as from_day,
    epoch(max(o.delivered_at)) / 86400.0 as to_day
  from canonical.payments p
  join matching.named_payments k on k.right_id = p.payment_id and k.link = 'order_payment'
  join canonical.orders o on o.order_id = k.left_id
  where p.settlement_id is not null and p.kind = 'payment'
  group by p.settlement_id
  having count(o.delivered_at) >= 5
)
select
  p.payment_id as unique_id,
  epoch(p.paid_at) / 86400.0 as at_day,
  f.direction,
  t.from_day as settled_from_day,
  t.to_day as settled_to_day,
  p.email_key,
  p.phone_key,
  p.customer_id,
  p.lead_id,
  p.name_keys,
  p.name_sound_keys,
  p.currency,
  cast(p.rate as double) as rate,
  p.amount,
  coalesce(p.fee, 0) as fee,
  lower(p.method) as method,
  p.invoice_id is not null or p.waybill is not null as names_something,
  k.right_id is null and p.order_id is null and p.crm_id is null and i.order_id is null and i.crm_id is null as is_open
from canonical.payments p
join policy.money_kinds f on f.kind = p.kind
left join canonical.invoices i on i.invoice_id = p.invoice_id
left join matching.named_payments k on k.right_id = p.payment_id
left join transfers t on t.settlement_id = p.settlement_id and p.kind = 'payment'
where p.is_settled and f.direction <> 'none'
