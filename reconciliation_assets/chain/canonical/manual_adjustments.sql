/* table
grain: adjustment
owner: finance
key: [adjustment_id]
required: [adjustment_id, cohort_date, amount, value, reason, adjusted_by]
columns:
  value: Signed amount, converted [reporting currency]
*/
-- Signed amounts that finance adds to a cohort, in the reporting currency at the cohort day's rate.
select
  a.adjustment_id,
  a.campaign_id,
  a.cohort_date,
  a.line,
  a.amount,
  a.currency,
  a.reason,
  a.adjusted_by,
  a.adjusted_at,
  cast(round_even(cast(a.amount as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as value
from current.manual_adjustments a
left join canonical.daily_rates r on r.currency = a.currency and r.day = a.cohort_date
