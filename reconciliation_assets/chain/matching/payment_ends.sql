-- Settled money as the right end of links that are inferred: what it can be compared by. Open is money that names nothing and
-- found nothing by surer means, or an amount that does not fit; money that names an order which is missing is given to no other one.
select
  p.payment_id as unique_id,
  epoch(p.paid_at) / 86400.0 as at_day,
  cast(null as double) as delivered_day,
  cast(null as double) as undone_day,
  p.email_key,
  p.phone_key,
  p.name_keys,
  p.name_sound_keys,
  p.currency,
  p.amount,
  p.amount as discounted_amount,
  p.currency || ' ' || cast(p.amount as varchar) as amount_key,
  p.currency || ' ' || cast(p.amount as varchar) as discounted_key,
  p.currency || ' ' || cast(p.amount as varchar) as due_key,
  lower(p.method) as method,
  p.kind,
  cast(null as varchar) as awaits,
  (k.right_id is null or k.is_doubtful or k.is_another_amount) and p.order_id is null and p.invoice_id is null and p.crm_id is null and p.waybill is null
    and p.lead_id is null as is_open
from canonical.payments p
left join matching.known_payments k on k.right_id = p.payment_id
where p.is_money and p.kind <> 'fee'
