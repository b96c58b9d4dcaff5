-- Orders with the record they belong to, the money that arrived for each and what of it is still open. Amounts are
-- compared in the order's own currency where all its money is in it, so that a moving rate opens nothing. Most shops
-- export a gross value with the discount already taken off; it is taken off here only where the money shows it was not.
with money as (
  select
    m.order_id,
    count(*) as payments,
    sum(case when m.kind = 'payment' then m.signed_value else 0 end) as paid_value,
    sum(case when m.kind in ('payment', 'fee') then m.collected_value else 0 end) as paid_basis_value,
    sum(case when m.kind = 'payment' then m.signed_amount else 0 end) as paid_amount,
    sum(case when m.kind in ('refund', 'chargeback') then -m.collected_value else 0 end) as refunded_value,
    sum(m.collected_value) as collected_value,
    bool_and(m.currency = o.currency) as is_one_currency,
    min(m.paid_at) as first_paid_at
  from outcomes.payment_money m
  join canonical.orders o on o.order_id = m.order_id
  group by m.order_id
),
settled as (
  select
    o.order_id,
    case
      when m.is_one_currency and o.discount_amount > 0 and m.paid_amount = o.gross_amount - o.discount_amount
        then o.gross_amount - o.discount_amount
      else o.gross_amount
    end as final_amount
  from canonical.orders o
  left join money m on m.order_id = o.order_id
),
valued as (
  select
    o.order_id,
    s.final_amount,
    cast(round_even(cast(s.final_amount as decimal(38, 6)) * o.rate, $minor_digits) as decimal(18, 3)) as final_value
  from canonical.orders o
  join settled s on s.order_id = o.order_id
)
select
  o.order_id,
  coalesce('lead:' || k.left_id, 'order:' || o.order_id) as record_id,
  o.created_at,
  o.outcome,
  o.rung_order,
  o.gross_value,
  f.final_amount,
  f.final_value,
  coalesce(m.payments, 0) as payments,
  coalesce(m.paid_value, 0) as paid_value,
  coalesce(m.paid_basis_value, 0) as paid_basis_value,
  coalesce(m.refunded_value, 0) as refunded_value,
  coalesce(m.collected_value, 0) as collected_value,
  cast(
    case
      when coalesce(m.is_one_currency, true) then
        round_even(
          cast(greatest(f.final_amount - coalesce(m.paid_amount, 0), 0) as decimal(38, 6)) * o.rate, $minor_digits
        )
      else greatest(f.final_value - m.paid_value, 0)
    end as decimal(18, 3)
  ) as open_value,
  coalesce(m.paid_amount > f.final_amount and m.is_one_currency, false)
    or coalesce(m.paid_value > f.final_value and not m.is_one_currency, false) as is_overpaid,
  m.first_paid_at,
  case when o.rung_order >= 2 or o.confirmed_at is not null
    then coalesce(o.confirmed_at, o.shipped_at, o.delivered_at, o.updated_at) end as qualified_at,
  case when o.rung_order >= 3 or o.delivered_at is not null then coalesce(o.delivered_at, o.updated_at) end as won_at
from canonical.orders o
join valued f on f.order_id = o.order_id
left join matching.lead_order_links k on k.right_id = o.order_id
left join money m on m.order_id = o.order_id
