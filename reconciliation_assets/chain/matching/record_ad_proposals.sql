/* table
grain: pair proposed
owner: marketing
key: [left_id, right_id, strength]
group: matching_inference
columns:
  match_method: How the two were found
  strength: Rank of the step that found the ad, the strongest first
  counts: Whether links of the method count
  reason: What the standing of its method rests on
*/
-- Every ad proposed for a captured record: by a person's decision, by the ad or campaign ID it carries (in its own fields or its
-- link's tags), by the IDs its order carries, or, inferred, by the campaign's name only. A method that reviewers found wrong too
-- often does not count.
with named as (
  select campaign_id, name_key
  from (
    select campaign_id, name_key, count(*) over (partition by name_key) as campaigns from matching.campaigns
  ) counted
  where campaigns = 1 and name_key is not null
),
order_origins as (
  select
    k.left_id as lead_id,
    o.order_id,
    o.campaign_id,
    o.ad_id,
    row_number() over (partition by k.left_id order by o.created_at, o.order_id) as place
  from matching.lead_order_links k
  join canonical.orders o on o.order_id = k.right_id
  where o.campaign_id is not null or o.ad_id is not null
),
pairs as (
  select
    m.left_id as record_id,
    m.right_id as ad_id,
    coalesce(a.campaign_id, c.campaign_id) as campaign_id,
    a.adset_id,
    'decision' as step,
    'accepted by ' || m.verified_by || ': ' || m.reason as evidence
  from canonical.manual_matches m
  join matching.captured_records r on r.record_id = m.left_id
  left join matching.ads a on a.ad_id = m.right_id
  left join matching.campaigns c on 'campaign:' || c.campaign_id = m.right_id
  where m.link = 'record_ad' and m.verdict = 'accept'
  union all
  select r.record_id, a.ad_id, a.campaign_id, a.adset_id, 'ad', r.record_type || ' names ad ' || a.ad_id
  from matching.captured_records r
  join matching.ads a on a.ad_id = r.ad_id
  union all
  select r.record_id, a.ad_id, a.campaign_id, a.adset_id, 'tagged ad', 'link is tagged with ad ' || a.ad_id
  from matching.captured_records r
  join matching.ads a on a.ad_id = r.utm_content
  union all
  select
    r.record_id, 'campaign:' || c.campaign_id, c.campaign_id, r.adset_id, 'campaign',
    r.record_type || ' names campaign ' || c.campaign_id || ' and no known ad'
  from matching.captured_records r
  join matching.campaigns c on c.campaign_id = r.campaign_id
  union all
  select
    r.record_id, 'campaign:' || c.campaign_id, c.campaign_id, cast(null as varchar), 'tagged campaign',
    'link is tagged with campaign ' || c.campaign_id
  from matching.captured_records r
  join matching.campaigns c on c.campaign_id = r.utm_campaign
  union all
  select
    'lead:' || o.lead_id, a.ad_id, a.campaign_id, a.adset_id, 'ad of its order',
    'its order ' || o.order_id || ' names ad ' || a.ad_id
  from order_origins o
  join matching.ads a on a.ad_id = o.ad_id
  where o.place = 1
  union all
  select
    'lead:' || o.lead_id, 'campaign:' || c.campaign_id, c.campaign_id, cast(null as varchar), 'campaign of its order',
    'its order ' || o.order_id || ' names campaign ' || c.campaign_id
  from order_origins o
  join matching.campaigns c on c.campaign_id = o.campaign_id
  where o.place = 1
  union all
  select
    r.record_id, 'campaign:' || n.campaign_id, n.campaign_id, cast(null as varchar), 'campaign name',
    'link is tagged with the name of campaign ' || n.campaign_id
  from matching.captured_records r
  join named n on n.name_key = nullif(replace(replace(lower(trim(r.utm_campaign)), ' ', ''), '-', ''), '')
),
competing as (
  select
    p.record_id,
    p.ad_id,
    p.campaign_id,
    p.adset_id,
    s.match_method,
    s.step_order,
    s.confidence,
    p.evidence,
    count(*) over (partition by p.record_id, p.step) as candidates
  from pairs p
  join policy.match_steps s on s.link = 'record_ad' and s.step = p.step
  left join canonical.manual_matches r
    on r.link = 'record_ad' and r.verdict = 'reject' and r.left_id = p.record_id and r.right_id = p.ad_id
  where r.link is null
)
select
  'record_ad' as link,
  c.record_id as left_id,
  c.ad_id as right_id,
  c.match_method,
  least(c.confidence * share_of_candidates(c.candidates), s.confidence_ceiling) as match_confidence,
  c.evidence,
  c.candidates,
  c.campaign_id,
  c.adset_id,
  c.step_order as strength,
  s.may_carry_money as counts,
  s.reason
from competing c
join matching.match_standing s on s.link = 'record_ad' and s.match_method = c.match_method
