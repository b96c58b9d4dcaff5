/* table
grain: ad
owner: marketing
key: [ad_id]
group: matching_candidates
columns:
  campaign_id: Meta campaign
*/
-- Meta's ads as last reported: the ad set and campaign of each.
with days as (
  select
    ad_id,
    adset_id,
    campaign_id,
    campaign_name,
    row_number() over (partition by ad_id order by date desc, adset_id, campaign_id, campaign_name) as place
  from canonical.meta_insights
)
select ad_id, adset_id, campaign_id, campaign_name
from days
where place = 1
