/* table
grain: campaign
owner: marketing
key: [campaign_id]
group: matching_candidates
columns:
  campaign_id: Meta campaign
  name_key: Campaign name as it is compared
*/
-- Meta's campaigns, each with the name last reported.
with days as (
  select
    campaign_id,
    campaign_name,
    row_number() over (partition by campaign_id order by date desc, campaign_name) as place
  from canonical.meta_insights
)
select
  campaign_id,
  campaign_name,
  nullif(replace(replace(lower(trim(campaign_name)), ' ', ''), '-', ''), '') as name_key
from days
where place = 1
