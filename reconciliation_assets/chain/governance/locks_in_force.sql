/* table
grain: locked month
owner: finance
key: [period_start]
group: change_control
page: docs/definitions/change-control.md#locked-months
columns:
  period_start: First day of the locked month
  reason: Why it was signed
  signed_value: Collected of the month that the signature is under; the lock takes no other [reporting currency]
*/
-- The lock in force on each month at the run's as-of time: its latest signed entry, unless that is a release.
with entries as (
  select
    period_start,
    action,
    locked_by,
    locked_at,
    reason,
    signed_value,
    row_number() over (partition by period_start order by locked_at desc, action, reason, locked_by) as place
  from governance.lock_register
  where locked_at <= $as_of
)
select period_start, locked_by, locked_at, reason, signed_value
from entries
where place = 1 and action = 'lock'
