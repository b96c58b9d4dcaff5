-- What money can belong to: orders, and CRM records that agreed on a value, as the left end of payments that are inferred.
-- Each says which kind of money it still waits for.
with received as (
  select k.link, k.left_id, sum(case when p.kind = 'payment' then p.amount else 0 end) as amount
  from matching.known_payments k
  join canonical.payments p on p.payment_id = k.right_id
  where not k.is_doubtful
  group by k.link, k.left_id
)
select
  'order_payment:' || o.order_id as unique_id,
  epoch(o.created_at) / 86400.0 as at_day,
  epoch(o.delivered_at) / 86400.0 as delivered_day,
  epoch(coalesce(o.returned_at, o.cancelled_at)) / 86400.0 as undone_day,
  cast(null as double) as settled_from_day,
  cast(null as double) as settled_to_day,
  false as is_opportunity,
  o.email_key,
  o.phone_key,
  o.name_keys,
  o.name_sound_keys,
  o.currency,
  o.gross_amount as amount,
  o.gross_amount - coalesce(o.discount_amount, 0) as discounted_amount,
  o.currency || ' ' || cast(o.gross_amount as varchar) as amount_key,
  o.currency || ' ' || cast(o.gross_amount - coalesce(o.discount_amount, 0) as varchar) as discounted_key,
  o.currency || ' ' || cast(case when r.amount < o.gross_amount then o.gross_amount - r.amount end as varchar) as due_key,
  lower(o.payment_method) as method,
  cast(null as varchar) as kind,
  case when o.outcome not in ('cancelled', 'invalid') and coalesce(r.amount, 0) < o.gross_amount - coalesce(o.discount_amount, 0)
    then 'payment ' else '' end
    || case when o.outcome in ('returned', 'cancelled') then 'refund chargeback' else '' end as awaits,
  true as is_open
from canonical.orders o
left join received r on r.link = 'order_payment' and r.left_id = o.order_id
union all
select
  'crm_payment:' || c.crm_id,
  epoch(coalesce(c.won_at, c.created_at)) / 86400.0,
  cast(null as double),
  cast(null as double),
  cast(null as double),
  cast(null as double),
  true,
  c.email_key,
  c.phone_key,
  c.name_keys,
  c.name_sound_keys,
  coalesce(c.currency, $reporting_currency),
  c.final_amount,
  c.final_amount,
  coalesce(c.currency, $reporting_currency) || ' ' || cast(c.final_amount as varchar),
  coalesce(c.currency, $reporting_currency) || ' ' || cast(c.final_amount as varchar),
  coalesce(c.currency, $reporting_currency) || ' ' || cast(case when r.amount < c.final_amount then c.final_amount - r.amount end as varchar),
  cast(null as varchar),
  cast(null as varchar),
  case when c.outcome = 'won' and coalesce(r.amount, 0) < c.final_amount then 'payment ' else '' end
    || case when r.amount > 0 then 'refund chargeback' else '' end,
  c.final_amount > 0
from canonical.crm_records c
left join received r on r.link = 'crm_payment' and r.left_id = c.crm_id
where c.merged_into is null and c.final_amount is not null
