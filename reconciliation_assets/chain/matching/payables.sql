/* table
grain: order or CRM record that money can belong to
owner: data
key: [unique_id]
group: matching_inference
columns:
  link: Kind of link by which money belongs to it
  left_id: The order or CRM record
  created_day: When it was created, as a number of days
  delivered_day: Day of the delivery, in days since 1970 [days]
  undone_day: Day of the return or cancellation, in days since 1970 [days]
  rate: Reporting currency per one unit [rate]
  amount: What the order or opportunity is worth now, before returns [own currency]
  discounted_amount: Amount less the discount [own currency]
  paid_amount: Money that named it and closes what is owed, in its currency
  returned_amount: Money that named it and went back, less what came back of that [own currency]
  is_opportunity: Whether the money would belong to a CRM record and not to an order
*/
-- What money can belong to: orders, and CRM records that no order names, with the value of each and how much of it is already
-- paid by money that names it. Only this table defines what an order or opportunity still owes before the other money is
-- assigned. Missing customer fields are taken from the lead that the order or CRM record names by ID.
with received as (
  select
    k.link,
    k.left_id,
    sum(case when f.direction = 'in' then cast(p.amount as decimal(38, 6)) * p.rate else 0 end) as paid_value,
    sum(case when f.direction = 'in' then coalesce(p.order_amount, p.amount) else 0 end) as paid_amount,
    sum(case f.direction when 'out' then cast(p.amount as decimal(38, 6)) * p.rate when 'back' then -cast(p.amount as decimal(38, 6)) * p.rate else 0 end) as returned_value,
    sum(case f.direction when 'out' then coalesce(p.order_amount, p.amount) when 'back' then -coalesce(p.order_amount, p.amount) else 0 end)
      as returned_amount,
    min(coalesce(p.order_currency, p.currency)) as currency,
    count(distinct coalesce(p.order_currency, p.currency)) as currencies
  from matching.named_payments k
  join canonical.payments p on p.payment_id = k.right_id
  join policy.money_kinds f on f.kind = p.kind
  where f.direction <> 'none'
  group by k.link, k.left_id
),
payables as (
  select
    'order_payment' as link,
    o.order_id as left_id,
    o.created_at,
    o.created_at as due_at,
    case when o.outcome <> 'cancelled' then o.delivered_at end as delivered_at,
    case when o.outcome in ('cancelled', 'returned', 'invalid') then coalesce(o.cancelled_at, o.returned_at, o.updated_at) end
      as undone_at,
    coalesce(o.email_key, n.email_key) as email_key,
    coalesce(o.phone_key, n.phone_key) as phone_key,
    o.customer_id,
    k.left_id as lead_id,
    coalesce(o.name_keys, n.name_keys) as name_keys,
    coalesce(o.name_sound_keys, n.name_sound_keys) as name_sound_keys,
    o.currency,
    o.rate,
    coalesce(o.current_amount, o.gross_amount) as amount,
    greatest(coalesce(o.current_amount, o.gross_amount - coalesce(o.discount_amount, 0)) - coalesce(o.returned_amount, 0), 0)
      as discounted_amount,
    lower(o.payment_method) as method,
    false as is_opportunity,
    o.outcome <> 'invalid' as is_open
  from canonical.orders o
  left join matching.lead_order_links k on k.right_id = o.order_id
  left join canonical.leads n on n.lead_id = k.left_id and k.match_method = 'exact_id'
  union all
  select
    'crm_payment',
    c.crm_id,
    c.created_at,
    coalesce(c.won_at, c.created_at),
    cast(null as timestamptz),
    case when c.outcome in ('lost', 'invalid') then coalesce(c.lost_at, c.updated_at) end,
    coalesce(c.email_key, n.email_key),
    coalesce(c.phone_key, n.phone_key),
    cast(null as varchar),
    k.left_id,
    coalesce(c.name_keys, n.name_keys),
    coalesce(c.name_sound_keys, n.name_sound_keys),
    coalesce(c.currency, $reporting_currency),
    c.final_value / nullif(c.final_amount, 0),
    c.final_amount,
    c.final_amount,
    cast(null as varchar),
    true,
    c.outcome <> 'invalid'
  from canonical.crm_records c
  left join matching.lead_crm_links k on k.right_id = c.crm_id
  left join canonical.leads n on n.lead_id = k.left_id and k.match_method = 'exact_id'
  left join (select distinct crm_id from canonical.orders where crm_id is not null) o on o.crm_id = c.crm_id
  where c.survivor_id is null and o.crm_id is null
)
select
  l.link || ':' || l.left_id as unique_id,
  l.link,
  l.left_id,
  epoch(l.created_at) / 86400.0 as created_day,
  epoch(l.due_at) / 86400.0 as at_day,
  epoch(l.delivered_at) / 86400.0 as delivered_day,
  epoch(l.undone_at) / 86400.0 as undone_day,
  l.email_key,
  l.phone_key,
  l.customer_id,
  l.lead_id,
  l.name_keys,
  l.name_sound_keys,
  l.currency,
  cast(l.rate as double) as rate,
  l.amount,
  l.discounted_amount,
  case when r.currencies = 1 and r.currency = l.currency then r.paid_amount
    else cast(coalesce(r.paid_value / nullif(l.rate, 0), 0) as decimal(18, 3)) end as paid_amount,
  case when r.currencies = 1 and r.currency = l.currency then r.returned_amount
    else cast(coalesce(r.returned_value / nullif(l.rate, 0), 0) as decimal(18, 3)) end as returned_amount,
  l.method,
  l.is_opportunity,
  l.is_open
from payables l
left join received r on r.link = l.link and r.left_id = l.left_id
