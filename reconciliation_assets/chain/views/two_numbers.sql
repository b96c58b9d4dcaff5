/* table
grain: cohort month and campaign
owner: finance
key: [cohort_start, campaign_id]
published: true
required: [cohort_start, platform_value, collected_value, difference, is_complete]
shares: [record_rate, value_rate]
columns:
  difference: Meta's value less the collected value [reporting currency]
  record_rate: Captured records with no expected ad or CRM link missing, by number [share]
  value_rate: The same by stated value [share]
*/
-- The two numbers side by side, per cohort month and campaign: what Meta attributes and what was collected, with how
-- much of the cohort is linked from end to end. A month is complete once its last record is as old as the longest maturity.
with chained as (
  select
    cast(date_trunc('month', cohort_date) as date) as cohort_start,
    campaign_id,
    stated_value,
    coalesce(ad_match_method, '') <> 'unmatched' and coalesce(crm_match_method, '') <> 'unmatched' as is_linked
  from outcomes.matched_chain
),
coverage as (
  select
    cohort_start,
    campaign_id,
    count(*) as records,
    count(case when is_linked then 1 end) as linked_records,
    sum(stated_value) as stated_value,
    sum(case when is_linked then stated_value else 0 end) as linked_value
  from chained
  group by cohort_start, campaign_id
),
longest as (
  select max(maturity_day) as maturity_day from policy.maturity_days
)
select
  g.period_start as cohort_start,
  g.campaign_id,
  n.campaign_name,
  g.spend_value,
  g.platform_value,
  g.collected_value,
  g.platform_value - g.collected_value as difference,
  cast(c.linked_records as double) / c.records as record_rate,
  cast(c.linked_value / nullif(c.stated_value, 0) as double) as value_rate,
  cast(g.period_start + interval 1 month as date) + l.maturity_day <= cast($as_of at time zone $zone as date) as is_complete,
  $reporting_currency as currency,
  $policy_version as policy_version
from outcomes.bridge_groups g
cross join longest l
left join coverage c on c.cohort_start = g.period_start and c.campaign_id is not distinct from g.campaign_id
left join matching.campaigns n on n.campaign_id = g.campaign_id
