/* table
grain: order of a record, or its opportunity, and what of one that stands was lost
owner: finance
key: [record_id, order_id, outcome]
words:
  outcome: part_outcomes
columns:
  outcome: What became of the part, by the policy's words
*/
-- The parts of every captured record whose shortfall is explained one by one: each of its orders, or for a lead without orders
-- its opportunity, plus the lost part if the opportunity is still valid. A record's own stated value is spread over its orders by
-- their gross value.
with weighted as (
  select
    o.record_id,
    o.order_id,
    o.outcome,
    o.gross_value,
    o.final_value,
    o.paid_value,
    o.paid_basis_value,
    o.refunded_value,
    o.goods_returned_value,
    o.credit_value,
    o.collected_value,
    o.open_value,
    o.is_overpaid,
    r.own_stated_value,
    sum(o.gross_value) over (partition by o.record_id) as record_gross,
    sum(o.gross_value) over (
      partition by o.record_id order by o.created_at, o.order_id rows between unbounded preceding and current row
    ) as gross_so_far,
    row_number() over (partition by o.record_id order by o.created_at, o.order_id) as place,
    count(*) over (partition by o.record_id) as parts
  from outcomes.order_outcomes o
  join matching.captured_records r on r.record_id = o.record_id
),
spread as (
  select
    w.record_id,
    w.order_id,
    w.outcome,
    w.gross_value,
    w.final_value,
    w.paid_value,
    w.paid_basis_value,
    w.refunded_value,
    w.goods_returned_value,
    w.credit_value,
    w.collected_value,
    w.open_value,
    w.is_overpaid,
    w.own_stated_value,
    cast(
      round_even(
        cast(
          w.own_stated_value
          * case when w.record_gross = 0 then w.place / w.parts else w.gross_so_far / w.record_gross end
          as decimal(38, 9)
        ),
        $minor_digits
      ) as decimal(18, 3)
    ) as stated_so_far,
    w.place
  from weighted w
),
without_orders as (
  select
    r.record_id,
    r.own_stated_value,
    coalesce(p.is_live, false) as is_live,
    p.lost_value,
    coalesce(p.outcome, 'open') as outcome,
    coalesce(
      r.own_stated_value, p.final_value, case when not p.is_live then coalesce(p.lost_value, p.invalid_value) end, 0
    ) as stated_value,
    coalesce(p.final_value, r.own_stated_value, 0) as final_value,
    coalesce(p.paid_value, 0) as paid_value,
    coalesce(p.closed_value, 0) as closed_value,
    coalesce(p.paid_basis_value, 0) as paid_basis_value,
    coalesce(p.refunded_value, 0) as refunded_value,
    coalesce(p.credit_value, 0) as credit_value,
    coalesce(p.collected_value, 0) as collected_value
  from matching.captured_records r
  left join outcomes.opportunity_outcomes p on p.record_id = r.record_id
  left join outcomes.order_outcomes o on o.record_id = r.record_id
  where o.record_id is null
)
select
  s.record_id,
  s.order_id,
  s.outcome,
  case
    when s.own_stated_value is null then s.gross_value
    else s.stated_so_far
      - coalesce(lag(s.stated_so_far) over (partition by s.record_id order by s.place), cast(0 as decimal(18, 3)))
  end as stated_value,
  s.final_value,
  s.paid_value,
  s.paid_basis_value,
  s.refunded_value,
  s.goods_returned_value,
  s.credit_value,
  s.collected_value,
  s.open_value,
  s.is_overpaid
from spread s
union all
select
  w.record_id,
  cast(null as varchar),
  w.outcome,
  w.stated_value,
  w.final_value,
  w.paid_value,
  w.paid_basis_value,
  w.refunded_value,
  cast(0 as decimal(18, 3)),
  greatest(w.final_value - w.closed_value, 0) - greatest(w.final_value - w.closed_value - w.credit_value, 0),
  w.collected_value,
  greatest(w.final_value - w.closed_value - w.credit_value, 0),
  w.closed_value + w.credit_value > w.final_value
from without_orders w
union all
select
  w.record_id,
  cast(null as varchar),
  'lost',
  w.lost_value,
  w.lost_value,
  cast(0 as decimal(18, 3)),
  cast(0 as decimal(18, 3)),
  cast(0 as decimal(18, 3)),
  cast(0 as decimal(18, 3)),
  cast(0 as decimal(18, 3)),
  cast(0 as decimal(18, 3)),
  cast(0 as decimal(18, 3)),
  false
from without_orders w
where w.is_live and w.own_stated_value is null and w.lost_value is not null
