/* table
grain: cohort month and campaign
owner: sales-operations
key: [cohort_start, campaign_id]
published: true
required: [cohort_start, captured, valid, qualified, won, collected]
at_least_zero: [captured, valid, qualified, won, collected]
shares: [valid_rate, qualified_rate, won_rate, collected_rate]
*/
-- Funnel view: how far the records of each cohort month and campaign came, rung by rung, and how fast. It is the segment funnel
-- for campaigns, with their names.
select
  f.cohort_start,
  nullif(f.segment, '(none)') as campaign_id,
  n.campaign_name,
  f.captured,
  f.valid,
  f.qualified,
  f.won,
  f.collected,
  f.valid_rate,
  f.qualified_rate,
  f.won_rate,
  f.collected_rate,
  f.median_response_minutes,
  f.median_cycle_days
from views.segment_funnel f
left join matching.campaigns n on n.campaign_id = f.segment
where f.segment_kind = 'campaign'
