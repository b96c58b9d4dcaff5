/* table
grain: record and step it is judged on
owner: data
key: [record_id, step]
columns:
  period: Whether it entered the step in the period judged (recent) or in the past before it (past)
  reason: Why the record did not pass, where it did not
  is_mature: Whether the record is as old as the longest maturity
*/
-- The records that are judged on each step: those that entered it in its recent period or in its past.
select
  s.record_id,
  s.step,
  case when s.entered_on >= w.window_start then 'recent' else 'past' end as period,
  s.is_passed,
  s.reason,
  m.cohort_date + $longest_maturity <= cast($as_of at time zone $zone as date) as is_mature,
  s.collected_value,
  s.stated_value
from views.record_steps s
join decisions.step_windows w on w.step = s.step and s.entered_on between w.past_start and w.window_end
join outcomes.matched_chain m on m.record_id = s.record_id
