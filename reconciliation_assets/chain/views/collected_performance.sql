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
-- Collected view: money linked to each cohort month and campaign, with its spend. Collected ROAS is a range: through exact IDs
-- only, with exact contacts, with all methods.
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
  cast(c.collected_exact_value / nullif(g.spend_value, 0) as double) as collected_roas_exact,
  cast(c.collected_contact_value / nullif(g.spend_value, 0) as double) as collected_roas_contact,
  c.median_days_to_cash,
  $reporting_currency as currency
from outcomes.bridge_groups g
left join views.segment_collected c
  on c.segment_kind = 'campaign'
  and c.cohort_start = g.period_start
  and c.segment = coalesce(g.campaign_id, '(none)')
left join matching.campaigns n on n.campaign_id = g.campaign_id
