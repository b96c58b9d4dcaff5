/* table
grain: CRM record
owner: data
key: [unique_id]
group: matching_inference
*/
-- CRM records as the right side of inferred links to leads, with the fields they are compared by. A record is open if it names no
-- lead, was not merged away and has no lead by a stronger method.
select
  c.crm_id as unique_id,
  epoch(c.created_at) / 86400.0 as at_day,
  c.email_key,
  c.phone_key,
  c.name_keys,
  c.name_sound_keys,
  coalesce(c.currency, $reporting_currency) || ' ' || cast(c.final_amount as varchar) as amount_key,
  (k.right_id is null or k.is_doubtful) and c.lead_id is null and c.meta_lead_id is null and c.survivor_id is null as is_open
from canonical.crm_records c
left join matching.known_lead_crm k on k.right_id = c.crm_id
