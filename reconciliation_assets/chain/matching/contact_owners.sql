/* table
grain: lead and contact
owner: data
group: matching_candidates
columns:
  created_at: When the lead was captured
  contact_key: Protected key of the contact
  contact: Kind of contact
*/
-- Contacts by which a lead can be found: the protected e-mail and phone keys of every lead, without tests and duplicates. A
-- contact shared by more leads than the policy allows is a switchboard, not a person, and is left out.
with contacts as (
  select l.lead_id, l.created_at, l.email_key as contact_key, 'e-mail' as contact
  from canonical.leads l
  where l.email_key is not null and not l.is_test
  union all
  select l.lead_id, l.created_at, l.phone_key, 'phone'
  from canonical.leads l
  where l.phone_key is not null and not l.is_test
),
counted as (
  select c.lead_id, c.created_at, c.contact_key, c.contact, count(*) over (partition by c.contact_key) as leads
  from contacts c
  left join matching.duplicates d on d.source_table = 'leads' and d.source_id = c.lead_id
  where d.source_id is null
)
select lead_id, created_at, contact_key, contact
from counted
where leads <= $shared_contact_limit
