/* table
grain: record linked to an ad
owner: marketing
key: [left_id]
*/
-- Which ad each captured record came from: the strongest proposal that counts.
with ranked as (
  select
    link,
    left_id,
    right_id,
    match_method,
    match_confidence,
    evidence,
    candidates,
    campaign_id,
    adset_id,
    row_number() over (partition by left_id order by strength, right_id) as place
  from matching.record_ad_proposals
  where counts
)
select link, left_id, right_id, match_method, match_confidence, evidence, candidates, campaign_id, adset_id
from ranked
where place = 1
