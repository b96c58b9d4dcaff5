/* table
grain: step
owner: data
key: [step]
words:
  step: steps
columns:
  step_order: Place of the step on the way
  past_start: First day of the past it is held against, which ends before the period judged
*/
-- The periods in which each step is judged, by the day records entered it. The recent period ends with the last record that is
-- old enough; the past is before it. Every record is judged after exactly the step's number of days.
with ends as (
  select
    p.step,
    p.step_order,
    p.window_days,
    least(
      cast($as_of at time zone $zone as date) - p.window_days,
      max(s.entered_on)
    ) as window_end
  from policy.steps p
  join views.record_steps s on s.step = p.step
  where s.entered_on <= cast($as_of at time zone $zone as date) - p.window_days
  group by p.step, p.step_order, p.window_days
)
select
  step,
  step_order,
  window_days,
  window_end - $recent_days + 1 as window_start,
  window_end,
  window_end - $recent_days - $past_days + 1 as past_start
from ends
