/* table
grain: settled payment
owner: finance
key: [payment_id]
published: true
required: [payment_id, kind, paid_at, amount, currency, collected_value]
columns:
  kind: payment, refund, chargeback, their reversals, or fee where the policy deducts fees
  month: First day of the calendar month the money moved in
  amount: Amount, positive for every kind [own currency]
  signed_value: Signed amount, converted [reporting currency]
  collected_value: 'What the payment adds to collected money, on the policy''s basis: refunds and chargebacks negative [reporting currency]'
  fee: Fee that its provider kept [own currency]
  settlement_id: Settlement that carried the money
  closing_currency: Currency of the order or opportunity that the payment closes
  record_id: Captured record it belongs to; empty for unmatched money
  link: order_payment or crm_payment; empty for unmatched money
  refunded_value: What the payment gave back, on the policy's basis; the reversal of a refund negative [reporting currency]
*/
-- Settled money, payment by payment: the record it belongs to (none for unmatched money) and its value on the policy's basis.
-- Every payment is converted at its own day's rate and rounded half-even to the minor unit. The part of the order or opportunity
-- that it pays is in their currency: its amount, or what the customer paid if the money settled in another currency.
with based as (
  select
    p.payment_id,
    p.kind,
    p.is_refund,
    p.paid_at,
    p.paid_date,
    p.amount,
    p.currency,
    p.rate,
    p.sign,
    p.signed_amount,
    p.signed_value,
    p.fee,
    p.settlement_id,
    p.amount
      - case when $include_tax or p.kind = 'fee' then 0
          else coalesce(p.tax, p.amount * o.tax_amount / nullif(o.gross_amount, 0), 0) end
      - case when $include_shipping or p.kind = 'fee' then 0
          else coalesce(p.amount * o.shipping_amount / nullif(o.gross_amount, 0), 0) end as goods_amount,
    case when $deduct_payment_fees and p.kind <> 'fee' then coalesce(p.fee, 0) else 0 end as fee_amount,
    case
      when p.currency = coalesce(o.currency, c.currency, $reporting_currency) then p.amount
      when p.order_currency = coalesce(o.currency, c.currency, $reporting_currency) then p.order_amount
    end as closing_amount,
    coalesce(o.currency, c.currency, $reporting_currency) as closing_currency,
    k.link,
    k.match_method,
    k.match_confidence,
    case when k.link = 'order_payment' then k.left_id end as order_id,
    case when k.link = 'crm_payment' then k.left_id end as crm_id
  from canonical.payments p
  left join matching.payment_links k on k.right_id = p.payment_id
  left join canonical.orders o on k.link = 'order_payment' and o.order_id = k.left_id
  left join canonical.crm_records c on k.link = 'crm_payment' and c.crm_id = k.left_id
  where p.is_money
),
converted as (
  select
    payment_id,
    cast(
      round_even(cast(sign * goods_amount - fee_amount as decimal(38, 6)) * rate, $minor_digits) as decimal(18, 3)
    ) as collected_value,
    cast(
      case when is_refund then -round_even(cast(sign * goods_amount as decimal(38, 6)) * rate, $minor_digits) else 0 end
      as decimal(18, 3)
    ) as refunded_value
  from based
)
select
  b.payment_id,
  b.kind,
  b.is_refund,
  b.paid_at,
  b.paid_date,
  cast(date_trunc('month', b.paid_date) as date) as month,
  b.amount,
  b.currency,
  b.signed_amount,
  b.signed_value,
  b.fee,
  b.settlement_id,
  v.collected_value,
  v.refunded_value,
  case when b.order_id is not null or b.crm_id is not null then b.closing_amount end as closing_amount,
  case when b.order_id is not null or b.crm_id is not null then b.closing_currency end as closing_currency,
  b.link,
  b.match_method,
  b.match_confidence,
  b.order_id,
  b.crm_id,
  case
    when b.order_id is not null then coalesce('lead:' || lo.left_id, 'order:' || b.order_id)
    when b.crm_id is not null then 'lead:' || lc.left_id
  end as record_id
from based b
join converted v on v.payment_id = b.payment_id
left join matching.lead_order_links lo on lo.right_id = b.order_id
left join matching.lead_crm_links lc on lc.right_id = b.crm_id
