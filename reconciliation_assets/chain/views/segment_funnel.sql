/* table
grain: kind of segment, segment and cohort month
owner: sales-operations
key: [segment_kind, segment, cohort_start]
published: true
page: docs/definitions/diagnosis.md#segments
required: [segment_kind, segment, cohort_start, captured, valid, qualified, won, collected]
words:
  segment_kind: segments_of_views
at_least_zero: [captured, valid, qualified, won, collected]
shares: [valid_rate, qualified_rate, won_rate, collected_rate]
*/
-- Funnel view by segment: how far the records of each cohort month and segment came. Every kind of segment has each record once,
-- so its segments add up to the total.
with counted as (
  select
    s.segment_kind,
    s.segment,
    cast(date_trunc('month', m.cohort_date) as date) as cohort_start,
    count(*) as captured,
    count(case when m.rung <> 'captured' then 1 end) as valid,
    count(case when m.rung in ('qualified', 'won', 'collected') then 1 end) as qualified,
    count(case when m.rung in ('won', 'collected') then 1 end) as won,
    count(case when m.rung = 'collected' then 1 end) as collected,
    median(case when m.first_response_at >= m.created_at
      then date_diff('second', m.created_at, m.first_response_at) / 60.0 end) as median_response_minutes,
    median(case when m.won_at >= m.created_at
      then date_diff('second', m.created_at, m.won_at) / 86400.0 end) as median_cycle_days
  from outcomes.matched_chain m
  join views.record_segments s on s.record_id = m.record_id
  group by 1, 2, 3
)
select
  c.segment_kind,
  c.segment,
  c.cohort_start,
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
