/* table
grain: cohort month, campaign and maturity day
owner: finance
key: [cohort_start, campaign_id, maturity_day]
published: true
required: [cohort_start, maturity_day, is_complete, captured, collected_value]
at_least_zero: [captured, valid, qualified, won, collected, spend_value]
columns:
  collected_value: Money collected by then, net of refunds, on the policy's basis [reporting currency]
*/
-- Cohort view: what the records of each cohort month and campaign had reached at each maturity, in days after capture. A maturity
-- that the month's last record has not reached is marked as incomplete and must not be compared with complete ones.
select
  g.period_start as cohort_start,
  g.campaign_id,
  n.campaign_name,
  d.maturity_day,
  cast(g.period_start + interval 1 month as date) + d.maturity_day <= cast($as_of at time zone $zone as date) as is_complete,
  coalesce(s.captured, 0) as captured,
  coalesce(s.valid, 0) as valid,
  coalesce(s.qualified, 0) as qualified,
  coalesce(s.won, 0) as won,
  coalesce(s.collected, 0) as collected,
  cast(coalesce(s.collected_value, 0) as decimal(18, 3)) as collected_value,
  g.spend_value,
  $reporting_currency as currency
from outcomes.bridge_groups g
cross join policy.maturity_days d
left join views.segment_cohorts s
  on s.segment_kind = 'campaign'
  and s.cohort_start = g.period_start
  and s.segment = coalesce(g.campaign_id, '(none)')
  and s.maturity_day = d.maturity_day
left join matching.campaigns n on n.campaign_id = g.campaign_id
