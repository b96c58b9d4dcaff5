/* table
grain: lead and record with its contact
owner: data
key: [link, left_id, right_id]
group: matching_candidates
*/
-- Records that share a contact with a lead: each CRM record and order with an e-mail or phone that a lead gave inside the window
-- before it. A phone shared under another name is doubtful: it may be a family. Two names are different if neither contains all
-- words of the other and the given names differ. If the e-mail addresses differ too, it is enough that the given name of one is
-- missing in the other.
with people as (
  select 'lead_crm' as link, crm_id as right_id, created_at, email_key, phone_key, name_sound_keys from canonical.crm_records
  union all
  select 'lead_order', order_id, created_at, email_key, phone_key, name_sound_keys from canonical.orders
),
contacts as (
  select link, right_id, created_at, email_key as contact_key from people where email_key is not null
  union all
  select link, right_id, created_at, phone_key from people where phone_key is not null
),
shared_contacts as (
  select
    c.link,
    o.lead_id,
    c.right_id,
    max(o.created_at) as left_at,
    max(c.created_at) as created_at,
    case count(distinct o.contact) when 2 then 'e-mail and phone' else min(o.contact) end as contact
  from contacts c
  join matching.contact_owners o
    on o.contact_key = c.contact_key
    and o.created_at <= c.created_at
    and o.created_at >= c.created_at - to_days($contact_window_days)
  group by c.link, o.lead_id, c.right_id
),
judged as (
  select
    s.link,
    s.lead_id,
    s.right_id,
    s.left_at,
    s.contact,
    'same ' || s.contact || ', lead ' || cast(date_diff('day', s.left_at, s.created_at) as varchar) || ' days before' as evidence,
    s.contact = 'phone' and coalesce(
      l.name_sound_keys[1] <> p.name_sound_keys[1]
        and (
          array_length(list_intersect(l.name_sound_keys, p.name_sound_keys))
            < least(array_length(list_distinct(l.name_sound_keys)), array_length(list_distinct(p.name_sound_keys)))
          or (
            l.email_key <> p.email_key
            and not (list_contains(p.name_sound_keys, l.name_sound_keys[1]) and list_contains(l.name_sound_keys, p.name_sound_keys[1]))
          )
        ),
      false
    ) as is_doubtful
  from shared_contacts s
  join canonical.leads l on l.lead_id = s.lead_id
  join people p on p.link = s.link and p.right_id = s.right_id
)
select
  link,
  lead_id as left_id,
  right_id,
  left_at,
  case when is_doubtful then 'phone under another name' else contact end as evidence_kind,
  case when is_doubtful then evidence || ', but another name' else evidence end as evidence,
  is_doubtful
from judged
