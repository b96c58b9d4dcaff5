/* table
grain: settled credit that closes an order or opportunity
owner: finance
key: [payment_id]
*/
-- Amounts settled without cash, by gift card, store credit or points: the order or opportunity each one pays, and how much of it.
-- They are never collected money.
select
  p.payment_id,
  p.paid_at,
  case when k.link = 'order_payment' then k.left_id end as order_id,
  case when k.link = 'crm_payment' then k.left_id end as crm_id,
  case
    when p.currency = coalesce(o.currency, c.currency, $reporting_currency) then p.amount
    when p.order_currency = coalesce(o.currency, c.currency, $reporting_currency) then p.order_amount
  end as closing_amount,
  cast(round_even(cast(p.amount as decimal(38, 6)) * p.rate, $minor_digits) as decimal(18, 3)) as credit_value
from canonical.payments p
join matching.payment_links k on k.right_id = p.payment_id
left join canonical.orders o on k.link = 'order_payment' and o.order_id = k.left_id
left join canonical.crm_records c on k.link = 'crm_payment' and c.crm_id = k.left_id
where p.is_settled and p.kind = 'credit'
