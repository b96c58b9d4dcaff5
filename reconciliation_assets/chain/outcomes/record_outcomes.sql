/* table
grain: captured record
owner: finance
key: [record_id]
words:
  rung: rungs
columns:
  orders: Orders of the record [count]
  payments: Settled payments, refunds and chargebacks of the record [count]
*/
-- Captured records with their values, their money, the rung each reached, and when.
with parts as (
  select
    record_id,
    sum(stated_value) as stated_value,
    sum(case when outcome not in ('cancelled', 'lost', 'returned', 'invalid') then final_value else 0 end) as final_value,
    count(order_id) as orders
  from outcomes.record_parts
  group by record_id
),
money as (
  select
    record_id,
    sum(collected_value) as collected_value,
    sum(refunded_value) as refunded_value,
    count(*) as payments,
    min(case when kind = 'payment' then paid_at end) as first_paid_at
  from outcomes.payment_money
  where record_id is not null
  group by record_id
),
orders as (
  select
    record_id,
    max(rung_order) as rung_order,
    min(qualified_at) as qualified_at,
    min(won_at) as won_at
  from outcomes.order_outcomes
  group by record_id
),
reached as (
  select
    r.record_id,
    coalesce(p.stated_value, 0) as stated_value,
    coalesce(p.final_value, 0) as final_value,
    coalesce(p.orders, 0) as orders,
    coalesce(m.collected_value, 0) as collected_value,
    coalesce(m.refunded_value, 0) as refunded_value,
    coalesce(m.payments, 0) as payments,
    m.first_paid_at,
    least(o.qualified_at, c.qualified_at) as qualified_at,
    least(o.won_at, c.won_at) as won_at,
    case
      when coalesce(m.collected_value, 0) > 0 then 4
      when not r.is_valid then 0
      else greatest(
        1,
        coalesce(o.rung_order, 0),
        coalesce(c.rung_order, 0),
        case when o.won_at is not null then 3 when o.qualified_at is not null then 2 else 0 end
      )
    end as rung_order
  from matching.captured_records r
  left join parts p on p.record_id = r.record_id
  left join money m on m.record_id = r.record_id
  left join orders o on o.record_id = r.record_id
  left join outcomes.opportunity_outcomes c on c.record_id = r.record_id
)
select
  e.record_id,
  e.stated_value,
  e.final_value,
  e.orders,
  e.collected_value,
  e.refunded_value,
  e.payments,
  e.rung_order,
  g.rung,
  case when e.rung_order >= 2 then least(e.qualified_at, e.won_at, e.first_paid_at) end as qualified_at,
  case when e.rung_order >= 3 then least(e.won_at, e.first_paid_at) end as won_at,
  e.first_paid_at
from reached e
join policy.rungs g on g.rung_order = e.rung_order
