/* table
grain: locked month, campaign and line
owner: finance
key: [period_start, campaign_id, line]
published: true
group: change_control
page: docs/definitions/change-control.md#locked-months
required: [period_start, line_order, line, locked_amount, amount, difference, locked_records, records,
  locked_currency, currency, locked_by, locked_at, reason, locked_policy_version, policy_version]
words:
  line: bridge_lines
columns:
  period_start: First day of the locked month
  line_order: Place of the line in the bridge, 0 to 10
  locked_amount: Amount of the line when the lock took hold [locked_currency]
  amount: Amount of the line in this run [reporting currency]
  difference: Amount less locked amount [reporting currency]
  locked_records: Records of the line when the lock took hold [count]
  records: Records of the line in this run [count]
  locked_currency: Reporting currency when the lock took hold
  reason: Reason of the lock
  locked_policy_version: Policy under which the figures were locked
*/
-- Every figure of the locked months as it was locked and as this run has it. A difference needs a sign-off: a new entry in
-- period_locks, which locks the figures of that run.
with kept as (
  select b.period_start, b.campaign_id, b.line_order, b.line, b.amount, b.records, b.currency, b.policy_version
  from governance.locked_bridge b
  join governance.locks_in_force f on f.period_start = b.period_start and f.locked_at = b.locked_at
),
held as (
  select period_start, max(currency) as currency, max(policy_version) as policy_version from kept group by period_start
),
both_sides as (
  select period_start, campaign_id, line_order, line, amount as locked_amount, records as locked_records,
    cast(0 as decimal(18, 3)) as amount, 0 as records
  from kept
  union all
  select b.period_start, b.campaign_id, b.line_order, b.line, 0, 0, b.amount, b.records
  from bridge.bridge b
  join held h on h.period_start = b.period_start
),
compared as (
  select
    period_start,
    campaign_id,
    line_order,
    line,
    sum(locked_amount) as locked_amount,
    sum(amount) as amount,
    sum(locked_records) as locked_records,
    sum(records) as records
  from both_sides
  group by period_start, campaign_id, line_order, line
)
select
  c.period_start,
  c.campaign_id,
  c.line_order,
  c.line,
  cast(c.locked_amount as decimal(18, 3)) as locked_amount,
  cast(c.amount as decimal(18, 3)) as amount,
  cast(c.amount - c.locked_amount as decimal(18, 3)) as difference,
  cast(c.locked_records as bigint) as locked_records,
  cast(c.records as bigint) as records,
  h.currency as locked_currency,
  $reporting_currency as currency,
  f.locked_by,
  f.locked_at,
  f.reason,
  h.policy_version as locked_policy_version,
  $policy_version as policy_version
from compared c
join held h on h.period_start = c.period_start
join governance.locks_in_force f on f.period_start = c.period_start
