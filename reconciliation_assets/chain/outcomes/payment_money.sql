-- Settled money, payment by payment: the record it belongs to (none for unmatched money) and its value on the policy's
-- basis. Every payment is converted at its own day's rate and rounded half-even to the minor unit.
with based as (
  select
    p.payment_id,
    p.kind,
    p.paid_at,
    p.paid_date,
    p.currency,
    p.rate,
    p.signed_amount,
    p.signed_value,
    case when p.signed_amount < 0 then -1 else 1 end as sign,
    p.amount
      - case when $include_tax then 0
          else coalesce(p.tax, p.amount * o.tax_amount / nullif(o.gross_amount, 0), 0) end
      - case when $include_shipping then 0
          else coalesce(p.amount * o.shipping_amount / nullif(o.gross_amount, 0), 0) end
      - case when $deduct_payment_fees and p.kind = 'payment' then coalesce(p.fee, 0) else 0 end as basis_amount,
    k.link,
    k.match_method,
    k.match_confidence,
    case when k.link = 'order_payment' then k.left_id end as order_id,
    case when k.link = 'crm_payment' then k.left_id end as crm_id
  from canonical.payments p
  left join matching.payment_links k on k.right_id = p.payment_id
  left join canonical.orders o on k.link = 'order_payment' and o.order_id = k.left_id
  where p.is_money
)
select
  b.payment_id,
  b.kind,
  b.paid_at,
  b.paid_date,
  cast(date_trunc('month', b.paid_date) as date) as month,
  b.currency,
  b.signed_amount,
  b.signed_value,
  cast(
    b.sign * round_even(cast(b.basis_amount as decimal(38, 6)) * b.rate, $minor_digits) as decimal(18, 3)
  ) as collected_value,
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
left join matching.lead_order_links lo on lo.right_id = b.order_id
left join matching.lead_crm_links lc on lc.right_id = b.crm_id
