/* table
grain: cohort month and campaign
owner: finance
key: [cohort_start, campaign_id]
published: true
required: [cohort_start, spend_value, collected_value, refunded_value, paid_records]
at_least_zero: [spend_value, paid_records]
columns:
  collected_roas_exact: Collected money per spend, through manual and exact-ID links only [ratio]
  collected_roas_contact: The same with exact contacts [ratio]
*/
-- Collected view: money linked to each cohort month and campaign beside its spend. Collected ROAS is a range: through
-- exact IDs only, with exact contacts, with all methods.
with certainty as (
  select
    record_id,
    sum(case when grade <= 2 then collected_value else 0 end) as exact_value,
    sum(case when grade <= 3 then collected_value else 0 end) as contact_value
  from views.payment_certainty
  group by record_id
),
collected as (
  select
    cast(date_trunc('month', m.cohort_date) as date) as cohort_start,
    m.campaign_id,
    sum(m.collected_value) as collected_value,
    sum(m.refunded_value) as refunded_value,
    count(case when m.rung = 'collected' then 1 end) as paid_records,
    sum(coalesce(c.exact_value, 0)) as exact_value,
    sum(coalesce(c.contact_value, 0)) as contact_value,
    median(case when m.first_paid_at >= m.created_at
      then date_diff('second', m.created_at, m.first_paid_at) / 86400.0 end) as median_days_to_cash
  from outcomes.matched_chain m
  left join certainty c on c.record_id = m.record_id
  group by 1, 2
)
select
  g.period_start as cohort_start,
  g.campaign_id,
  n.campaign_name,
  g.spend_value,
  g.collected_value,
  cast(coalesce(c.refunded_value, 0) as decimal(18, 3)) as refunded_value,
  g.paid_records,
  cast(g.collected_value / nullif(g.paid_records, 0) as double) as collected_per_record,
  cast(g.collected_value / nullif(g.spend_value, 0) as double) as collected_roas,
  cast(c.exact_value / nullif(g.spend_value, 0) as double) as collected_roas_exact,
  cast(c.contact_value / nullif(g.spend_value, 0) as double) as collected_roas_contact,
  cast(c.median_days_to_cash as double) as median_days_to_cash,
  $reporting_currency as currency
from bridge.bridge_groups g
left join collected c on c.cohort_start = g.period_start and c.campaign_id is not distinct from g.campaign_id
left join matching.campaigns n on n.campaign_id = g.campaign_id
