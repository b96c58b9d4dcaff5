/* table
grain: month and signature
owner: finance
key: [period_start, locked_at]
required: [period_start, action, locked_by, locked_at, reason]
words:
  action: [lock, release]
columns:
  period_start: First day of the month signed for
  signed_value: Collected of the month that the signature is under; the lock takes no other [reporting currency]
*/
-- Sign-offs of closed months, one entry each: a lock, a new lock, or a release.
select
  p.period as period_start,
  coalesce(p.action, 'lock') as action,
  p.locked_by,
  p.locked_at,
  p.reason,
  p.signed_value
from current.period_locks p
