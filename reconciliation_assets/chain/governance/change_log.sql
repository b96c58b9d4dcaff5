/* table
grain: change made by decision
owner: finance
key: [change_id]
published: true
group: change_control
page: docs/definitions/change-control.md#the-change-log
required: [change_id, kind, area, subject, changed_by, changed_at, reason]
words:
  kind: [policy_version, definition, period_lock, period_release, method_sign_off, manual_adjustment]
columns:
  change_id: The change, the same from run to run
  kind: Kind of change
  area: 'What the change is about: stages, naming, attribution, financial, governance, policy, locks, matching, adjustments'
  subject: What was changed
  period_start: First day of the month it is about
  campaign_id: Campaign adjusted
  value_before: What it was before; empty where there was nothing
  value_after: What it is since; empty where it was taken away
  amount: Adjustment, or what a new lock moved of collected [reporting currency]
  changed_by: Who approved or signed it
  changed_at: When it was signed; for a policy, the instant spoken for by its first run
  reason: Why it was changed
*/
-- Decisions that changed the figures: policy versions with every definition they changed, locked months, method sign-offs, manual
-- adjustments. Each has who, when and why.
with versions as (
  select
    policy_version,
    first_used_at,
    change_reason,
    approved_by,
    lag(policy_version) over (order by first_used_at, effective_from, policy_version) as version_before
  from governance.policy_versions
),
changed_definitions as (
  select
    v.policy_version,
    coalesce(n.area, o.area) as area,
    coalesce(n.definition, o.definition) as definition,
    o.value as value_before,
    n.value as value_after
  from versions v
  join (select distinct policy_version from policy.definitions) known_before on known_before.policy_version = v.version_before
  join (
    select definition, element, policy_version from policy.definitions group by definition, element, policy_version
  ) either on either.policy_version in (v.policy_version, v.version_before)
  left join policy.definitions n
    on n.policy_version = v.policy_version and n.definition = either.definition and n.element = either.element
  left join policy.definitions o
    on o.policy_version = v.version_before and o.definition = either.definition and o.element = either.element
  where n.value is distinct from o.value
  group by v.policy_version, coalesce(n.area, o.area), coalesce(n.definition, o.definition), o.value, n.value
),
signed_totals as (
  select
    period_start,
    locked_at,
    sum(amount) as value,
    lag(sum(amount)) over (partition by period_start order by locked_at) as value_before
  from governance.locked_bridge
  where line = 'collected'
  group by period_start, locked_at
),
entries as (
  select
    r.period_start,
    r.action,
    r.locked_by,
    r.locked_at,
    r.reason,
    t.value,
    t.value_before
  from governance.lock_register r
  left join signed_totals t on t.period_start = r.period_start and t.locked_at = r.locked_at and r.action = 'lock'
),
changes as (
  select
    'policy_version' as kind,
    'policy' as area,
    policy_version as subject,
    cast(null as date) as period_start,
    cast(null as varchar) as campaign_id,
    version_before as value_before,
    policy_version as value_after,
    cast(null as decimal(18, 3)) as amount,
    approved_by as changed_by,
    first_used_at as changed_at,
    change_reason as reason
  from versions
  union all
  select 'definition', d.area, d.definition, null, null, d.value_before, d.value_after, null, v.approved_by, v.first_used_at,
    v.change_reason
  from changed_definitions d
  join versions v on v.policy_version = d.policy_version
  union all
  select
    'period_' || e.action, 'locks', left(cast(e.period_start as varchar), 7), e.period_start, null,
    amount_text(e.value_before, $reporting_currency),
    amount_text(e.value, $reporting_currency),
    cast(e.value - e.value_before as decimal(18, 3)), e.locked_by,
    e.locked_at, e.reason
  from entries e
  union all
  select 'method_sign_off', 'matching', s.link || ', ' || s.match_method, null, null, null, 'may carry money again', null,
    s.signed_by, s.signed_at, s.reason
  from canonical.method_sign_offs s
  union all
  select
    'manual_adjustment', 'adjustments', a.adjustment_id, cast(date_trunc('month', a.cohort_date) as date), a.campaign_id, null,
    a.line, a.value, a.adjusted_by, a.adjusted_at, a.reason
  from canonical.manual_adjustments a
)
select
  md5(kind || '|' || subject || '|' || cast(changed_at at time zone 'UTC' as varchar) || '+00|' || coalesce(value_before, '') || '|'
    || coalesce(value_after, '')) as change_id,
  kind,
  area,
  subject,
  period_start,
  campaign_id,
  value_before,
  value_after,
  amount,
  $reporting_currency as currency,
  changed_by,
  changed_at,
  reason
from changes
