/* table
grain: order
owner: finance
key: [order_id]
columns:
  created_at: When the order was placed
  outcome: What became of the order, by the policy's words
  payable_amount: 'What is to be paid for the order in money: final value less goods that came back and credit [own currency]'
  payments: Settled payments, refunds and chargebacks of it [count]
  overpaid_value: What was paid beyond what the order is worth, less what came back [reporting currency]
*/
-- Orders with the captured record they belong to, the money that arrived for each and the amount still open. Amounts are compared
-- in the order's own currency if all its money is known in it, so that a change of the rate leaves nothing open. The value of an
-- order is the shop's current value, else its gross value less discounts granted after placing. An order paid at its gross value
-- had no such discount.
with money as (
  select
    m.order_id,
    count(*) as payments,
    sum(case when m.kind = 'payment' then m.signed_value else 0 end) as paid_value,
    sum(m.collected_value + m.refunded_value) as paid_basis_value,
    sum(case when m.kind = 'payment' then m.closing_amount else 0 end) as paid_amount,
    sum(case when m.is_refund and m.signed_amount < 0 then m.closing_amount when m.is_refund then -m.closing_amount else 0 end)
      as refunded_amount,
    sum(m.refunded_value) as refunded_value,
    sum(m.collected_value) as collected_value,
    bool_and(m.closing_amount is not null or m.kind = 'fee') as is_one_currency,
    min(m.paid_at) as first_paid_at
  from outcomes.payment_money m
  where m.order_id is not null
  group by m.order_id
),
credit as (
  select
    order_id,
    sum(closing_amount) as credit_amount,
    sum(credit_value) as credit_value,
    bool_and(closing_amount is not null) as is_one_currency
  from outcomes.credits
  where order_id is not null
  group by order_id
),
received as (
  select
    o.order_id,
    o.rate,
    coalesce(
      o.current_amount,
      case when m.paid_amount = o.gross_amount then o.gross_amount end,
      o.gross_amount - coalesce(o.discount_amount, 0)
    ) as worth_amount,
    o.current_amount is not null as is_told,
    o.gross_amount - coalesce(o.discount_amount, 0) as placed_amount,
    coalesce(m.is_one_currency, true) and coalesce(c.is_one_currency, true) as is_one_currency,
    coalesce(m.paid_amount, 0) + coalesce(c.credit_amount, 0) - coalesce(m.refunded_amount, 0) as kept_amount,
    coalesce(m.paid_amount, 0) as paid_amount,
    coalesce(c.credit_amount, 0) as credit_amount,
    coalesce(m.paid_value, 0) as paid_value,
    coalesce(c.credit_value, 0) as credit_value,
    greatest(coalesce(o.returned_amount, 0), coalesce(m.refunded_amount, 0), 0) as back_amount,
    greatest(coalesce(o.returned_amount, 0) - greatest(coalesce(m.refunded_amount, 0), 0), 0) as goods_amount
  from canonical.orders o
  left join money m on m.order_id = o.order_id
  left join credit c on c.order_id = o.order_id
),
-- Some shops take returned goods off the current value, others do not. If the money fits one of the two exactly, that one is
-- used. Otherwise returns are already taken off if current value and returns together are no more than the placed value.
settled as (
  select
    r.order_id,
    r.rate,
    r.is_one_currency,
    r.paid_amount,
    r.credit_amount,
    r.paid_value,
    r.credit_value,
    r.back_amount,
    r.goods_amount,
    r.kept_amount,
    case
      when not r.is_told or r.back_amount = 0 then r.worth_amount
      when r.kept_amount = r.worth_amount - r.back_amount then r.worth_amount
      when r.kept_amount = r.worth_amount or r.worth_amount + r.back_amount <= r.placed_amount
        then r.worth_amount + r.back_amount
      else r.worth_amount
    end as final_amount
  from received r
),
owed as (
  select
    s.order_id,
    s.final_amount,
    s.rate,
    s.is_one_currency,
    s.paid_value,
    s.credit_value,
    greatest(s.final_amount - s.goods_amount - s.credit_amount, 0) as payable_amount,
    greatest(s.final_amount - s.paid_amount - s.goods_amount, 0) as owed_amount,
    greatest(s.final_amount - s.paid_amount - s.goods_amount - s.credit_amount, 0) as open_amount,
    s.kept_amount - greatest(s.final_amount - s.back_amount, 0) as over_amount,
    cast(round_even(cast(s.final_amount as decimal(38, 6)) * s.rate, $minor_digits) as decimal(18, 3)) as final_value,
    cast(round_even(cast(s.goods_amount as decimal(38, 6)) * s.rate, $minor_digits) as decimal(18, 3)) as goods_value
  from settled s
),
valued as (
  select
    w.order_id,
    w.final_amount,
    w.payable_amount,
    w.final_value,
    w.goods_value,
    case
      when w.is_one_currency then round_even(cast(w.owed_amount as decimal(38, 6)) * w.rate, $minor_digits)
      else greatest(w.final_value - w.paid_value - w.goods_value, 0)
    end as owed_value,
    case
      when w.is_one_currency then round_even(cast(w.open_amount as decimal(38, 6)) * w.rate, $minor_digits)
      else greatest(w.final_value - w.paid_value - w.goods_value - w.credit_value, 0)
    end as open_value,
    case
      when w.is_one_currency then round_even(cast(w.over_amount as decimal(38, 6)) * w.rate, $minor_digits)
      else w.paid_value + w.credit_value - greatest(w.final_value - w.goods_value, 0)
    end as over_value
  from owed w
)
select
  o.order_id,
  coalesce('lead:' || k.left_id, 'order:' || o.order_id) as record_id,
  o.created_at,
  o.outcome,
  o.rung_order,
  o.gross_value,
  f.final_amount,
  f.payable_amount,
  f.final_value,
  coalesce(m.payments, 0) as payments,
  coalesce(m.paid_value, 0) as paid_value,
  coalesce(m.paid_basis_value, 0) as paid_basis_value,
  coalesce(m.refunded_value, 0) as refunded_value,
  f.goods_value as goods_returned_value,
  cast(f.owed_value - f.open_value as decimal(18, 3)) as credit_value,
  coalesce(m.collected_value, 0) as collected_value,
  cast(f.open_value as decimal(18, 3)) as open_value,
  cast(greatest(f.over_value, 0) as decimal(18, 3)) as overpaid_value,
  f.over_value > 0 as is_overpaid,
  m.first_paid_at,
  case when o.rung_order >= 2 or o.confirmed_at is not null
    then coalesce(o.confirmed_at, o.shipped_at, o.delivered_at, o.updated_at) end as qualified_at,
  case when o.rung_order >= 3 or o.delivered_at is not null then coalesce(o.delivered_at, o.updated_at) end as won_at
from canonical.orders o
join valued f on f.order_id = o.order_id
left join matching.lead_order_links k on k.right_id = o.order_id
left join money m on m.order_id = o.order_id
