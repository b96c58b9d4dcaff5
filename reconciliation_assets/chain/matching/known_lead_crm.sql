/* table
grain: CRM record with a known lead
owner: sales-operations
key: [right_id]
group: matching_inference
*/
-- Which lead every CRM record belongs to: by a person's decision, by the lead's or Meta's lead ID, by the same contact inside the
-- window (of several leads the latest before it), or because a record merged into it names the lead. A phone shared under another
-- name is doubtful: it may be a family.
with meta_leads as (
  select meta_lead_id, min(lead_id) as lead_id
  from canonical.leads
  where meta_lead_id is not null
  group by meta_lead_id
  having count(*) = 1
),
pairs as (
  select
    m.left_id as lead_id,
    m.right_id as crm_id,
    'decision' as step,
    m.verified_at as preference,
    'decision' as evidence_kind,
    'accepted by ' || m.verified_by || ': ' || m.reason as evidence
  from canonical.manual_matches m
  join canonical.leads l on l.lead_id = m.left_id
  join canonical.crm_records c on c.crm_id = m.right_id
  where m.link = 'lead_crm' and m.verdict = 'accept'
  union all
  select l.lead_id, c.crm_id, 'lead', l.created_at, 'lead', 'CRM record names lead ' || l.lead_id
  from canonical.crm_records c
  join canonical.leads l on l.lead_id = c.lead_id
  union all
  select m.lead_id, c.crm_id, 'Meta lead', c.created_at, 'Meta lead', 'CRM record names Meta lead ' || c.meta_lead_id
  from canonical.crm_records c
  join meta_leads m on m.meta_lead_id = c.meta_lead_id
  union all
  select
    p.left_id, p.right_id, case when p.is_doubtful then 'contact under another name' else 'contact' end, p.left_at,
    p.evidence_kind, p.evidence
  from matching.lead_contact_pairs p
  where p.link = 'lead_crm'
  union all
  select
    l.lead_id, s.crm_id, 'merged record', l.created_at, 'merged record',
    'merged from ' || min(c.crm_id) || ', which names lead ' || l.lead_id
  from canonical.crm_records c
  join canonical.crm_records s on s.crm_id = c.survivor_id
  join canonical.leads l on l.lead_id = c.lead_id
  group by l.lead_id, s.crm_id, l.created_at
),
ranked as (
  select
    a.lead_id,
    a.crm_id,
    s.match_method,
    s.confidence,
    s.is_doubtful,
    a.evidence_kind,
    a.evidence,
    row_number() over (partition by a.crm_id order by s.step_order, a.preference desc, a.lead_id) as place,
    count(*) over (partition by a.crm_id, a.step) as candidates
  from pairs a
  join policy.match_steps s on s.link = 'lead_crm' and s.step = a.step
  left join canonical.manual_matches r
    on r.link = 'lead_crm' and r.verdict = 'reject' and r.left_id = a.lead_id and r.right_id = a.crm_id
  where r.link is null
)
select
  'lead_crm' as link,
  k.lead_id as left_id,
  k.crm_id as right_id,
  k.match_method,
  k.confidence * share_of_candidates(k.candidates) as match_confidence,
  k.evidence,
  k.candidates,
  k.evidence_kind,
  k.is_doubtful
from ranked k
where k.place = 1
