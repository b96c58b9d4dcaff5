/* table
grain: lead
owner: sales-operations
key: [lead_id]
group: matching_candidates
page: docs/definitions/duplicates-and-validity.md
columns:
  is_valid: Whether the lead is neither test, spam, invalid nor a duplicate
*/
-- Which leads are valid, and why not: marked as a test, a repeat of an earlier lead, or found invalid in the CRM. A lead with
-- several CRM records is invalid only if all of them are invalid.
with crm as (
  select
    k.left_id as lead_id,
    bool_and(c.outcome = 'invalid') as is_invalid,
    min(case when c.outcome = 'invalid' then coalesce(c.qualification_status, c.stage) end) as word
  from matching.lead_crm_links k
  join canonical.crm_records c on c.crm_id = k.right_id
  group by k.left_id
)
select
  l.lead_id,
  not l.is_test and d.source_id is null and not coalesce(c.is_invalid, false) as is_valid,
  case
    when l.is_test then 'test'
    when d.source_id is not null then 'duplicate of ' || d.duplicate_of
    when c.is_invalid then 'CRM: ' || lower(c.word)
  end as invalid_reason
from canonical.leads l
left join matching.duplicates d on d.source_table = 'leads' and d.source_id = l.lead_id
left join crm c on c.lead_id = l.lead_id
