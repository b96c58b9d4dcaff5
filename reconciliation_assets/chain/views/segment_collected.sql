/* table
grain: kind of segment, segment and cohort month
owner: finance
key: [segment_kind, segment, cohort_start]
published: true
page: docs/definitions/diagnosis.md#segments
required: [segment_kind, segment, cohort_start, captured, paid_records, stated_value, collected_value]
words:
  segment_kind: segments_of_views
at_least_zero: [captured, paid_records, stated_value]
columns:
  collected_contact_value: Collected money whose links are manual, by exact ID or exact contact [reporting currency]
*/
-- Collected view by segment: money linked to the records of each cohort month and segment, by the certainty of its links. It has
-- no spend: Meta reports spend by campaign only, and splitting it over segments would be a guess.
with certainty as (
  select
    record_id,
    sum(case when grade <= 2 then collected_value else 0 end) as exact_value,
    sum(case when grade <= 3 then collected_value else 0 end) as contact_value
  from views.payment_certainty
  group by record_id
)
select
  s.segment_kind,
  s.segment,
  cast(date_trunc('month', m.cohort_date) as date) as cohort_start,
  count(*) as captured,
  count(case when m.rung = 'collected' then 1 end) as paid_records,
  cast(sum(m.stated_value) as decimal(18, 3)) as stated_value,
  cast(sum(m.collected_value) as decimal(18, 3)) as collected_value,
  cast(sum(coalesce(c.exact_value, 0)) as decimal(18, 3)) as collected_exact_value,
  cast(sum(coalesce(c.contact_value, 0)) as decimal(18, 3)) as collected_contact_value,
  cast(sum(m.refunded_value) as decimal(18, 3)) as refunded_value,
  cast(sum(m.collected_value) / nullif(count(case when m.rung = 'collected' then 1 end), 0) as double)
    as collected_per_record,
  cast(median(case when m.first_paid_at >= m.created_at
    then date_diff('second', m.created_at, m.first_paid_at) / 86400.0 end) as double) as median_days_to_cash,
  $reporting_currency as currency
from outcomes.matched_chain m
join views.record_segments s on s.record_id = m.record_id
left join certainty c on c.record_id = m.record_id
group by 1, 2, 3
