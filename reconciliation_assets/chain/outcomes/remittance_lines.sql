/* table
grain: parcel that a courier paid over
owner: finance
key: [payment_id]
published: true
page: docs/definitions/remittances.md
required: [payment_id, waybill, paid_at, currency, received_amount, verdict]
words:
  verdict: [received, short, over, repeated, not owed, another currency, charged, refunded, unmatched]
at_least_zero: [owed_amount, difference_value]
columns:
  payment_id: Payment, refund or fee of the parcel
  settlement_id: Settlement that carries it
  waybill: The parcel
  order_id: Order it belongs to
  paid_at: When it was paid over
  currency: Currency of the amounts
  owed_amount: What the order still owed before [own currency]
  received_amount: What was paid over; refunds negative [own currency]
  fee_amount: Fee kept [own currency]
  difference_value: Received against owed, without its sign [reporting currency]
  verdict: What the line came to
*/
-- What couriers paid out for each parcel, against what its order still owed: received, short, over, not owed (paid before,
-- cancelled or sent back), repeated, charged (only a fee), refunded or unmatched. Amounts are in the currency of the line.
with parcels as (
  select
    p.payment_id,
    p.kind,
    p.sign,
    p.settlement_id,
    p.waybill,
    p.paid_at,
    p.amount,
    coalesce(p.fee, 0) as fee,
    p.currency,
    p.rate,
    k.left_id as order_id
  from canonical.payments p
  left join matching.payment_links k on k.right_id = p.payment_id and k.link = 'order_payment'
  where p.is_settled and p.waybill is not null
),
before as (
  select
    c.payment_id,
    sum(e.amount) as paid_amount,
    bool_or(coalesce(e.waybill = c.waybill and e.amount = c.amount, false)) as is_said_before
  from parcels c
  join matching.payment_links k on k.left_id = c.order_id and k.link = 'order_payment'
  join canonical.payments e
    on e.payment_id = k.right_id
    and e.kind = 'payment'
    and e.currency = c.currency
    and (e.paid_at < c.paid_at or (e.paid_at = c.paid_at and e.payment_id < c.payment_id))
  where c.kind = 'payment'
  group by c.payment_id
),
owed as (
  select
    c.payment_id,
    c.kind,
    c.sign,
    c.settlement_id,
    c.waybill,
    c.paid_at,
    c.amount,
    c.fee,
    c.currency,
    c.rate,
    c.order_id,
    coalesce(b.is_said_before, false) as is_said_before,
    case
      when c.kind <> 'payment' then 0
      when o.outcome in ('cancelled', 'returned', 'invalid') then 0
      when n.currency = c.currency then greatest(o.payable_amount - coalesce(b.paid_amount, 0), 0)
    end as owed_amount
  from parcels c
  left join before b on b.payment_id = c.payment_id
  left join outcomes.order_outcomes o on o.order_id = c.order_id
  left join canonical.orders n on n.order_id = c.order_id
)
select
  w.payment_id,
  w.settlement_id,
  w.waybill,
  w.order_id,
  w.paid_at,
  w.currency,
  w.owed_amount,
  case when w.kind = 'fee' then 0 else w.sign * w.amount end as received_amount,
  case when w.kind = 'fee' then w.amount else w.fee end as fee_amount,
  cast(
    round_even(
      cast(case when w.kind = 'payment' then abs(w.amount - coalesce(w.owed_amount, 0)) else 0 end as decimal(38, 6)) * w.rate,
      $minor_digits
    ) as decimal(18, 3)
  ) as difference_value,
  case
    when w.kind = 'fee' then 'charged'
    when w.order_id is null then 'unmatched'
    when w.kind <> 'payment' then 'refunded'
    when w.is_said_before and w.amount > w.owed_amount then 'repeated'
    when w.owed_amount is null then 'another currency'
    when w.owed_amount = 0 then 'not owed'
    when w.amount < w.owed_amount then 'short'
    when w.amount > w.owed_amount then 'over'
    else 'received'
  end as verdict
from owed w
