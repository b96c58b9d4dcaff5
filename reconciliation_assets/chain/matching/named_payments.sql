/* table
grain: payment that names its order or CRM record
owner: finance
key: [right_id]
*/
-- Which order a settled payment names or, if it names no order, which CRM record: by a person's decision, or by the ID of the
-- order, of an invoice, of a waybill that one order carries, or of the CRM record. Money that names an order is never linked to
-- another order by a weaker method.
with settled as (
  select
    p.payment_id,
    p.paid_at,
    p.order_id,
    p.crm_id,
    p.waybill,
    i.invoice_id,
    i.order_id as invoice_order_id,
    i.crm_id as invoice_crm_id
  from canonical.payments p
  left join canonical.invoices i on i.invoice_id = p.invoice_id
  where p.is_settled
),
waybills as (
  select waybill, min(order_id) as order_id
  from canonical.orders
  where waybill is not null
  group by waybill
  having count(*) = 1
),
pairs as (
  select
    m.link,
    m.left_id,
    p.payment_id,
    'decision' as step,
    m.verified_at as preference,
    'accepted by ' || m.verified_by || ': ' || m.reason as evidence
  from canonical.manual_matches m
  join settled p on p.payment_id = m.right_id
  left join canonical.orders o on o.order_id = m.left_id
  left join canonical.crm_records c on c.crm_id = m.left_id
  where m.verdict = 'accept'
    and ((m.link = 'order_payment' and o.order_id is not null) or (m.link = 'crm_payment' and c.crm_id is not null))
  union all
  select 'order_payment', o.order_id, p.payment_id, 'order', p.paid_at, 'payment names order ' || o.order_id
  from settled p
  join canonical.orders o on o.order_id = p.order_id
  union all
  select
    'order_payment', o.order_id, p.payment_id, 'invoice of an order', p.paid_at,
    'payment names invoice ' || p.invoice_id || ' of order ' || o.order_id
  from settled p
  join canonical.orders o on o.order_id = p.invoice_order_id
  union all
  select
    'order_payment', w.order_id, p.payment_id, 'waybill', p.paid_at,
    'payment names waybill ' || w.waybill || ' of order ' || w.order_id
  from settled p
  join waybills w on w.waybill = p.waybill
  union all
  select 'crm_payment', c.crm_id, p.payment_id, 'CRM record', p.paid_at, 'payment names CRM record ' || c.crm_id
  from settled p
  join canonical.crm_records c on c.crm_id = p.crm_id
  where p.order_id is null and p.invoice_order_id is null
  union all
  select
    'crm_payment', c.crm_id, p.payment_id, 'invoice of a CRM record', p.paid_at,
    'payment names invoice ' || p.invoice_id || ' of CRM record ' || c.crm_id
  from settled p
  join canonical.crm_records c on c.crm_id = p.invoice_crm_id
  where p.order_id is null and p.invoice_order_id is null and p.crm_id is null
),
ranked as (
  select
    a.link,
    a.left_id,
    a.payment_id,
    s.match_method,
    s.confidence,
    a.evidence,
    row_number() over (partition by a.payment_id order by s.step_order, a.preference desc, a.left_id, a.link) as place,
    count(*) over (partition by a.payment_id, a.step) as candidates
  from pairs a
  join policy.match_steps s on s.link = a.link and s.step = a.step
  left join canonical.manual_matches r
    on r.link = a.link and r.verdict = 'reject' and r.left_id = a.left_id and r.right_id = a.payment_id
  where r.link is null
)
select
  k.link,
  k.left_id,
  k.payment_id as right_id,
  k.match_method,
  k.confidence * share_of_candidates(k.candidates) as match_confidence,
  k.evidence,
  k.candidates
from ranked k
where k.place = 1
