/* table
grain: thing expected to match
owner: data
key: [link, source_table, source_id]
group: coverage
columns:
  link: Kind of link that is expected
  created_at: When the thing was created; for payments, when the money moved
  value: Stated value of the record, gross value of the order or amount of the payment [reporting currency]
  match_method: Method that matched it; empty where nothing did
  reason: Why it would not match
*/
-- Every record that is expected to match, by link, with the method that matched it (none if unmatched), and every other record
-- that matched. Money is matched only if it belongs to a captured record. Money of a CRM record without a lead is unmatched, as
-- in the cash view and in unmatched_revenue.
with lead_methods as (
  select k.left_id as lead_id, min(m.strength) as strongest
  from matching.lead_crm_links k
  join policy.match_methods m on m.match_method = k.match_method
  group by k.left_id
),
money as (
  select
    p.payment_id,
    p.paid_at,
    abs(p.signed_value) as value,
    p.order_id,
    p.invoice_id,
    p.waybill,
    p.crm_id,
    p.lead_id,
    k.left_id,
    k.match_method,
    case
      when k.link is not null then k.link
      when p.order_id is null and i.order_id is null and (p.crm_id is not null or i.crm_id is not null) then 'crm_payment'
      else 'order_payment'
    end as expected_link
  from canonical.payments p
  left join canonical.invoices i on i.invoice_id = p.invoice_id
  left join matching.payment_links k on k.right_id = p.payment_id
  where p.is_money
)
select
  'record_ad' as link,
  case r.record_type when 'lead' then 'leads' else 'orders' end as source_table,
  r.source_id,
  r.record_id,
  r.created_at,
  e.stated_value as value,
  a.match_method,
  case
    when g.campaign_id is not null then 'campaign ' || g.campaign_id || ' is not in Meta''s extract'
    when r.utm_campaign is not null then 'its link is tagged with a campaign name that Meta does not have once'
    else 'says it came from a Meta ad but names no campaign or ad'
  end as reason
from matching.captured_records r
join matching.record_origins g on g.record_id = r.record_id
join outcomes.record_outcomes e on e.record_id = r.record_id
left join matching.record_ad_links a on a.left_id = r.record_id
where g.is_from_meta or a.left_id is not null
union all
select
  'lead_crm',
  'leads',
  r.source_id,
  r.record_id,
  r.created_at,
  e.stated_value,
  s.match_method,
  'no CRM record names the lead or shares its contact'
from matching.captured_records r
join outcomes.record_outcomes e on e.record_id = r.record_id
left join lead_methods m on m.lead_id = r.source_id
left join policy.match_methods s on s.strength = m.strongest
where r.record_type = 'lead' and (r.is_valid or m.lead_id is not null)
union all
select
  'lead_order',
  'orders',
  o.order_id,
  coalesce('lead:' || k.left_id, 'order:' || o.order_id),
  o.created_at,
  o.gross_value,
  k.match_method,
  case
    when o.lead_id is not null then 'names lead ' || o.lead_id || ', which is not in the leads'
    when c.crm_id is null then 'names CRM record ' || o.crm_id || ', which is not in the CRM extract'
    else 'names CRM record ' || o.crm_id || ', which belongs to no lead'
  end
from canonical.orders o
left join matching.lead_order_links k on k.right_id = o.order_id
left join canonical.crm_records c on c.crm_id = o.crm_id
where o.lead_id is not null or o.crm_id is not null or k.right_id is not null
union all
select
  m.expected_link,
  'payments',
  m.payment_id,
  p.record_id,
  m.paid_at,
  m.value,
  case when p.record_id is not null then m.match_method end,
  case
    when m.left_id is not null then 'is linked to CRM record ' || m.left_id || ', which belongs to no lead'
    when x.source_table = 'orders' then 'names order ' || m.order_id || ', which does not count: ' || x.reason
    when x.source_table = 'crm_records' then 'names CRM record ' || m.crm_id || ', which does not count: ' || x.reason
    when m.order_id is not null then 'names order ' || m.order_id || ', which is not in the orders'
    when m.crm_id is not null then 'names CRM record ' || m.crm_id || ', which is not in the CRM extract'
    when m.invoice_id is not null then 'names invoice ' || m.invoice_id || ', which leads to no order or CRM record'
    when m.waybill is not null then 'names waybill ' || m.waybill || ', which no single order carries'
    when m.lead_id is not null then 'names lead ' || m.lead_id || ', which has no order or CRM record'
    else 'names no order, invoice, waybill, CRM record or lead, and shares no contact with one'
  end
from money m
join outcomes.payment_money p on p.payment_id = m.payment_id
left join governance.excluded_records x
  on x.source_table = case when m.order_id is not null then 'orders' else 'crm_records' end
  and x.source_id = coalesce(m.order_id, m.crm_id)
