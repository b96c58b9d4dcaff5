/* table
grain: order with a known lead
owner: sales-operations
key: [right_id]
group: matching_inference
*/
-- Which lead every order belongs to: by a person's decision, by the lead ID the order names, by the same contact inside the
-- window (of several valid leads the latest before it), through the CRM record the order names, or through another order of the
-- same customer. A phone shared under another name is doubtful: it may be a family. An order without a lead becomes a captured
-- record itself.
with pairs as (
  select
    m.left_id as lead_id,
    m.right_id as order_id,
    'decision' as step,
    m.verified_at as preference,
    'decision' as evidence_kind,
    'accepted by ' || m.verified_by || ': ' || m.reason as evidence
  from canonical.manual_matches m
  join canonical.leads l on l.lead_id = m.left_id
  join canonical.orders o on o.order_id = m.right_id
  where m.link = 'lead_order' and m.verdict = 'accept'
  union all
  select l.lead_id, o.order_id, 'lead', l.created_at, 'lead', 'order names lead ' || l.lead_id
  from canonical.orders o
  join canonical.leads l on l.lead_id = o.lead_id
  union all
  select
    p.left_id, p.right_id, case when p.is_doubtful then 'contact under another name' else 'contact' end, p.left_at,
    p.evidence_kind, p.evidence
  from matching.lead_contact_pairs p
  join matching.lead_validity v on v.lead_id = p.left_id and v.is_valid
  where p.link = 'lead_order'
  union all
  select
    k.left_id,
    o.order_id,
    'CRM record',
    o.created_at,
    'CRM record',
    'order names CRM record ' || o.crm_id || ' of lead ' || k.left_id
  from canonical.orders o
  left join canonical.crm_records c on c.crm_id = o.crm_id
  join matching.lead_crm_links k on k.right_id = coalesce(c.survivor_id, o.crm_id)
),
ranked as (
  select
    a.lead_id,
    a.order_id,
    s.match_method,
    s.confidence,
    s.is_doubtful,
    a.evidence_kind,
    a.evidence,
    row_number() over (partition by a.order_id order by s.step_order, a.preference desc, a.lead_id) as place,
    count(*) over (partition by a.order_id, a.step) as candidates
  from pairs a
  join policy.match_steps s on s.link = 'lead_order' and s.step = a.step
  left join canonical.manual_matches r
    on r.link = 'lead_order' and r.verdict = 'reject' and r.left_id = a.lead_id and r.right_id = a.order_id
  where r.link is null
),
direct as (
  select lead_id, order_id, match_method, confidence, evidence_kind, evidence, candidates, is_doubtful
  from ranked
  where place = 1
),
customer_leads as (
  select o.customer_id, d.lead_id, l.created_at as lead_at, min(d.order_id) as through_order
  from direct d
  join canonical.orders o on o.order_id = d.order_id
  join canonical.leads l on l.lead_id = d.lead_id
  join matching.lead_validity v on v.lead_id = d.lead_id and v.is_valid
  where o.customer_id is not null and not d.is_doubtful
  group by o.customer_id, d.lead_id, l.created_at
),
by_customer as (
  select
    c.lead_id,
    o.order_id,
    s.match_method,
    s.confidence,
    'customer' as evidence_kind,
    'same customer as order ' || c.through_order || ' of lead ' || c.lead_id as evidence,
    row_number() over (partition by o.order_id order by c.lead_at desc, c.lead_id) as place,
    count(*) over (partition by o.order_id) as candidates
  from canonical.orders o
  join customer_leads c
    on c.customer_id = o.customer_id
    and c.lead_at <= o.created_at
    and c.lead_at >= o.created_at - to_days($contact_window_days)
  join policy.match_steps s on s.link = 'lead_order' and s.step = 'customer'
  left join direct d on d.order_id = o.order_id
  left join canonical.manual_matches r
    on r.link = 'lead_order' and r.verdict = 'reject' and r.left_id = c.lead_id and r.right_id = o.order_id
  where (d.order_id is null or d.is_doubtful) and r.link is null
),
accepted as (
  select d.lead_id, d.order_id, d.match_method, d.confidence, d.evidence_kind, d.evidence, d.candidates, d.is_doubtful
  from direct d
  left join by_customer c on c.order_id = d.order_id and c.place = 1
  where not d.is_doubtful or c.order_id is null
  union all
  select lead_id, order_id, match_method, confidence, evidence_kind, evidence, candidates, false
  from by_customer
  where place = 1
)
select
  'lead_order' as link,
  a.lead_id as left_id,
  a.order_id as right_id,
  a.match_method,
  a.confidence * share_of_candidates(a.candidates) as match_confidence,
  a.evidence,
  a.candidates,
  a.evidence_kind,
  a.is_doubtful
from accepted a
