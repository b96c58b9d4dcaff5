/* table
grain: kind of segment, segment, cohort month and maturity day
owner: finance
key: [segment_kind, segment, cohort_start, maturity_day]
published: true
page: docs/definitions/diagnosis.md#segments
required: [segment_kind, segment, cohort_start, maturity_day, is_complete, captured, collected_value]
words:
  segment_kind: segments_of_views
at_least_zero: [captured, valid, qualified, won, collected]
columns:
  collected_value: Money collected by then, net of refunds, on the policy's basis [reporting currency]
*/
-- Cohort view by segment: what the records of each cohort month and segment had reached at each maturity, in days after capture.
-- An incomplete maturity must not be compared with a complete one.
select
  s.segment_kind,
  s.segment,
  r.cohort_start,
  r.maturity_day,
  cast(r.cohort_start + interval 1 month as date) + r.maturity_day <= cast($as_of at time zone $zone as date) as is_complete,
  count(*) as captured,
  count(case when r.is_valid then 1 end) as valid,
  count(case when r.is_qualified then 1 end) as qualified,
  count(case when r.is_won then 1 end) as won,
  count(case when r.is_collected then 1 end) as collected,
  cast(sum(r.collected_value) as decimal(18, 3)) as collected_value,
  $reporting_currency as currency
from views.record_snapshots r
join views.record_segments s on s.record_id = r.record_id
group by 1, 2, 3, 4
