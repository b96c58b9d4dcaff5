/* table
grain: captured record
owner: marketing
key: [record_id]
group: matching_candidates
columns:
  is_from_meta: Whether the record's own fields say that it came from a Meta ad
*/
-- The campaign each captured record belongs to, and whether its own fields show that it came from a Meta ad: a Meta source or
-- medium, a Meta click ID, or campaign, ad set or ad fields that no other source explains.
with order_campaigns as (
  select
    'lead:' || k.left_id as record_id,
    o.campaign_id,
    row_number() over (partition by k.left_id order by o.created_at, o.order_id) as place
  from matching.lead_order_links k
  join canonical.orders o on o.order_id = k.right_id
  where o.campaign_id is not null
),
worded as (
  select
    r.record_id,
    r.campaign_id,
    r.adset_id,
    r.ad_id,
    r.click_id,
    r.source is not null as has_source,
    s.word is not null as is_meta_source,
    m.word is not null as is_meta_medium,
    om.word is not null as is_organic_medium
  from matching.captured_records r
  left join policy.meta_words s
    on s.kind = 'source' and s.word = replace(replace(lower(r.source), ' ', '_'), '-', '_')
  left join policy.meta_words m
    on m.kind = 'medium' and m.word = replace(replace(lower(r.medium), ' ', '_'), '-', '_')
  left join policy.meta_words om
    on om.kind = 'organic_medium' and om.word = replace(replace(lower(r.medium), ' ', '_'), '-', '_')
)
select
  w.record_id,
  coalesce(a.campaign_id, w.campaign_id, o.campaign_id) as campaign_id,
  coalesce(a.adset_id, w.adset_id) as adset_id,
  case when a.right_id like 'campaign:%' then w.ad_id else coalesce(a.right_id, w.ad_id) end as ad_id,
  (w.is_meta_source and not w.is_organic_medium)
    or w.is_meta_medium
    or coalesce(w.click_id like 'fb.%' or w.click_id like 'IwAR%' or w.click_id like 'IwY2x%' or w.click_id like 'PAAa%', false)
    or ((w.campaign_id is not null or w.adset_id is not null or w.ad_id is not null)
      and (w.is_meta_source or not w.has_source))
    as is_from_meta
from worded w
left join matching.record_ad_links a on a.left_id = w.record_id
left join order_campaigns o on o.record_id = w.record_id and o.place = 1
