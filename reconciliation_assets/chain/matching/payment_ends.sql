-- Settled money as the right end of links that are inferred: what it can be compared by. Open is money that names nothing and
-- found nothing by surer means, or an amount that does not fit; money that names an order which is missing is given to no other one.
-- A transfer of a courier carries the cash of some days: what others it carries were delivered says when this one was.
with transfers as (
  select
    p.settlement_id,
    epoch(min(o.delivered_at)) / 86400.0 as from_day,
    epoch(max(o.delivered_at)) / 86400.0 as to_day
  from canonical.payments p
  join matching.known_payments k on k.right_id = p.payment_id and k.link = 'order_payment' and k.match_method = 'exact_id'
  join canonical.orders o on o.order_id = k.left_id
  where p.settlement_id is not null and p.kind = 'payment'
  group by p.settlement_id
  having count(o.delivered_at) >= 5
)
select
  p.payment_id as unique_id,
  epoch(p.paid_at) / 86400.0 as at_day,
  cast(null as double) as delivered_day,
  cast(null as double) as undone_day,
  t.from_day as settled_from_day,
  t.to_day as settled_to_day,
  cast(null as boolean) as is_opportunity,
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
left join transfers t on t.settlement_id = p.settlement_id and p.kind = 'payment'
where p.is_money and p.kind <> 'fee'
