/* table
grain: cohort month and campaign
owner: sales-operations
key: [cohort_start, campaign_id]
published: true
required: [cohort_start, captured, valid, qualified, won, collected]
at_least_zero: [captured, valid, qualified, won, collected]
shares: [valid_rate, qualified_rate, won_rate, collected_rate]
*/
-- Funnel view: how far the records of each cohort month and campaign came, rung by rung, and how fast.
with reached as (
  select
    cast(date_trunc('month', cohort_date) as date) as cohort_start,
    campaign_id,
    rung in ('valid', 'qualified', 'won', 'collected') as is_valid,
    rung in ('qualified', 'won', 'collected') as is_qualified,
    rung in ('won', 'collected') as is_won,
    rung = 'collected' as is_collected,
    date_diff('second', created_at, first_response_at) / 60.0 as response_minutes,
    date_diff('second', created_at, won_at) / 86400.0 as cycle_days
  from outcomes.matched_chain
),
counted as (
  select
    cohort_start,
    campaign_id,
    count(*) as captured,
    count(case when is_valid then 1 end) as valid,
    count(case when is_qualified then 1 end) as qualified,
    count(case when is_won then 1 end) as won,
    count(case when is_collected then 1 end) as collected,
    median(case when response_minutes >= 0 then response_minutes end) as median_response_minutes,
    median(case when cycle_days >= 0 then cycle_days end) as median_cycle_days
  from reached
  group by cohort_start, campaign_id
)
select
  c.cohort_start,
  c.campaign_id,
  n.campaign_name,
  c.captured,
  c.valid,
  c.qualified,
  c.won,
  c.collected,
  cast(c.valid as double) / c.captured as valid_rate,
  cast(c.qualified as double) / nullif(c.valid, 0) as qualified_rate,
  cast(c.won as double) / nullif(c.qualified, 0) as won_rate,
  cast(c.collected as double) / nullif(c.won, 0) as collected_rate,
  cast(c.median_response_minutes as double) as median_response_minutes,
  cast(c.median_cycle_days as double) as median_cycle_days
from counted c
left join matching.campaigns n on n.campaign_id = c.campaign_id
