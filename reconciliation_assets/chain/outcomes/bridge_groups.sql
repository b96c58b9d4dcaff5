/* table
grain: cohort month and campaign
owner: finance
key: [period_start, campaign_id]
page: docs/definitions/bridge.md
columns:
  records: Captured records of the cohort [count]
  stated_value: Stated value of the captured records [reporting currency]
  collected_value: Collected money of the cohort's records, without adjustments [reporting currency]
  adjustments: Manual adjustments of the cohort [count]
  adjusted_value: Signed adjustments of the cohort [reporting currency]
*/
-- What each cohort month and campaign brings to its bridge: Meta's results and value, the captured records with their stated and
-- collected value, and finance's adjustments. Records without a campaign are one more group.
with platform as (
  select
    cast(date_trunc('month', date) as date) as period_start,
    campaign_id,
    sum(results) as results,
    sum(attributed_value_reporting) as platform_value,
    sum(spend_value) as spend_value
  from canonical.meta_insights
  group by 1, 2
),
captured as (
  select
    cast(date_trunc('month', cohort_date) as date) as period_start,
    campaign_id,
    count(*) as records,
    sum(stated_value) as stated_value,
    sum(collected_value) as collected_value,
    count(case when rung = 'collected' then 1 end) as paid_records
  from outcomes.matched_chain
  group by 1, 2
),
adjusted as (
  select
    cast(date_trunc('month', cohort_date) as date) as period_start,
    campaign_id,
    count(*) as adjustments,
    sum(value) as adjusted_value
  from canonical.manual_adjustments
  group by 1, 2
),
everything as (
  select period_start, campaign_id, results, platform_value, spend_value, 0 as records, 0 as stated_value,
    0 as collected_value, 0 as paid_records, 0 as adjustments, 0 as adjusted_value
  from platform
  union all
  select period_start, campaign_id, 0, 0, 0, records, stated_value, collected_value, paid_records, 0, 0 from captured
  union all
  select period_start, campaign_id, 0, 0, 0, 0, 0, 0, 0, adjustments, adjusted_value from adjusted
)
select
  period_start,
  campaign_id,
  cast(sum(results) as decimal(18, 6)) as results,
  cast(sum(platform_value) as decimal(18, 3)) as platform_value,
  cast(sum(spend_value) as decimal(18, 3)) as spend_value,
  cast(sum(records) as bigint) as records,
  cast(sum(stated_value) as decimal(18, 3)) as stated_value,
  cast(sum(collected_value) as decimal(18, 3)) as collected_value,
  cast(sum(paid_records) as bigint) as paid_records,
  cast(sum(adjustments) as bigint) as adjustments,
  cast(sum(adjusted_value) as decimal(18, 3)) as adjusted_value
from everything
group by period_start, campaign_id
