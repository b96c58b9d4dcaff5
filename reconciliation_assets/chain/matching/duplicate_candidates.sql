/* table
grain: record and shared key
owner: data
group: matching_candidates
columns:
  created_at: When the record was created
  repeat_key: Contact and form or offer that records share
*/
-- Leads, and orders that name no lead, that share a contact and a form or offer with another one. Only these can be duplicates.
-- Tests are left out.
with records as (
  select
    'leads' as source_table,
    lead_id as source_id,
    created_at,
    email_key,
    phone_key,
    'session ' || session_id as session_key,
    'click ' || click_id as click_key,
    'form ' || form_id as form_key,
    'offer ' || offer as offer_key
  from canonical.leads
  where not is_test
  union all
  select
    'orders',
    order_id,
    created_at,
    email_key,
    phone_key,
    'session ' || session_id,
    'click ' || click_id,
    cast(null as varchar),
    'offer ' || offer || ' for ' || cast(gross_amount as varchar) || ' ' || currency
  from canonical.orders
  where lead_id is null and outcome <> 'invalid'
),
keyed as (
  select source_table, source_id, created_at, email_key as shared_key, form_key as subject, 'same e-mail and form' as rule,
    0 as contacts_of_a_visit
  from records
  union all
  select source_table, source_id, created_at, email_key, offer_key, 'same e-mail and offer', 0 from records
  union all
  select source_table, source_id, created_at, phone_key, form_key, 'same phone and form', 0 from records
  union all
  select source_table, source_id, created_at, phone_key, offer_key, 'same phone and offer', 0 from records
  union all
  select source_table, source_id, created_at, session_key, coalesce(form_key, offer_key), 'same visit',
    case when email_key is null and phone_key is null then 0 else 1 end
  from records
  union all
  select source_table, source_id, created_at, click_key, coalesce(form_key, offer_key), 'same click',
    case when email_key is null and phone_key is null then 0 else 1 end
  from records
),
shared as (
  select source_table, shared_key, subject
  from keyed
  where shared_key is not null and subject is not null
  group by source_table, shared_key, subject
  having count(*) > 1 and sum(contacts_of_a_visit) <= 1
)
select k.source_table, k.source_id, k.created_at, k.shared_key || ' ' || k.subject as repeat_key, k.rule
from keyed k
join shared s on s.source_table = k.source_table and s.shared_key = k.shared_key and s.subject = k.subject
