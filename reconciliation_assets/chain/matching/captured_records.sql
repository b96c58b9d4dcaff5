/* table
grain: captured record
owner: data
key: [record_id]
group: matching_candidates
columns:
  created_at: When the lead was captured or the order placed
  medium: Traffic medium
  utm_campaign: Campaign as tagged in the link
  utm_content: Ad as tagged in the link
  device: Kind of device of the visit (mobile, desktop, tablet)
  own_stated_value: Value the record itself states [reporting currency]
*/
-- Captured records: one per lead, and one per order that is linked to no lead, with the origin each one states.
select
  'lead:' || l.lead_id as record_id,
  'lead' as record_type,
  l.lead_id as source_id,
  l.created_at,
  l.created_date as cohort_date,
  l.campaign_id,
  l.adset_id,
  l.ad_id,
  l.click_id,
  l.source,
  l.medium,
  l.utm_campaign,
  l.utm_content,
  l.form_id,
  l.landing_page,
  l.device,
  l.market,
  l.language,
  l.offer,
  l.consent,
  l.first_response_at,
  v.is_valid,
  v.invalid_reason,
  l.stated_value as own_stated_value
from canonical.leads l
join matching.lead_validity v on v.lead_id = l.lead_id
union all
select
  'order:' || o.order_id,
  'order',
  o.order_id,
  o.created_at,
  o.created_date,
  o.campaign_id,
  o.adset_id,
  o.ad_id,
  o.click_id,
  o.source,
  o.medium,
  o.utm_campaign,
  o.utm_content,
  cast(null as varchar),
  o.landing_page,
  o.device,
  o.market,
  o.language,
  o.offer,
  cast(null as varchar),
  cast(null as timestamptz),
  o.outcome <> 'invalid' and d.source_id is null,
  case
    when o.outcome = 'invalid' then 'order: ' || lower(o.status)
    when d.source_id is not null then 'duplicate of ' || d.duplicate_of
  end,
  cast(null as decimal(18, 3))
from canonical.orders o
left join matching.lead_order_links k on k.right_id = o.order_id
left join matching.duplicates d on d.source_table = 'orders' and d.source_id = o.order_id
where k.right_id is null
