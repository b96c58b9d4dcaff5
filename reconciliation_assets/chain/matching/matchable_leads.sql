/* table
grain: lead
owner: data
key: [unique_id]
group: matching_inference
*/
-- Leads as the left side of inferred links, with the fields they are compared by. Tests and duplicates are left out.
select
  l.lead_id as unique_id,
  epoch(l.created_at) / 86400.0 as at_day,
  l.email_key,
  l.phone_key,
  l.name_keys,
  l.name_sound_keys,
  l.session_id,
  l.click_id,
  lower(l.offer) as offer,
  l.market,
  l.campaign_id,
  coalesce(l.currency, $reporting_currency) || ' ' || cast(l.stated_amount as varchar) as amount_key,
  not l.is_test and d.source_id is null as is_open
from canonical.leads l
left join matching.duplicates d on d.source_table = 'leads' and d.source_id = l.lead_id
