-- Signatures under closed months, each an entry of its own: a lock, a lock anew, or a release.
select
  p.period as period_start,
  coalesce(p.action, 'lock') as action,
  p.locked_by,
  p.locked_at,
  p.reason,
  p.signed_value
from current.period_locks p
