/* table
grain: CRM record
owner: sales-operations
key: [crm_id]
required: [crm_id, created_at, stage, outcome, rung_order]
words:
  outcome: crm_outcomes
at_least_zero: [final_amount, final_value, rung_order]
columns:
  survivor_id: CRM record that stands after merges
  rate: Reporting currency per one unit [rate]
  outcome: What became of it, by the policy's words
  is_stage_unknown: Whether the policy lacks the stage
  is_qualification_unknown: Whether the policy lacks the qualification status
  final_value: Agreed value, converted [reporting currency]
*/
-- CRM records: current version, outcome and rung of the stage and qualification status by the policy's words, agreed value in the
-- reporting currency, and the record that survives a merge. A word the policy does not know counts as open. If records were
-- merged into each other, or into a missing one, one of them represents all. A stage reached after the run's as-of time is
-- replaced by the one before it. Records deleted in the CRM are left out.
with recursive merges as (
  select crm_id, merged_into as survivor_id, 1 as steps
  from current.crm_records
  where merged_into is not null and merged_into <> crm_id
  union all
  select m.crm_id, c.merged_into, m.steps + 1
  from merges m
  join current.crm_records c on c.crm_id = m.survivor_id
  where c.merged_into is not null and m.steps < 20
),
-- Where a chain of merges ends: at a record that was not merged away, at one that is missing, or in a loop.
ends as (
  select
    m.crm_id,
    min(case when c.crm_id is not null and coalesce(c.merged_into, c.crm_id) = c.crm_id then m.survivor_id end) as standing_id,
    min(case when c.crm_id is null then m.survivor_id when l.crm_id is not null then l.crm_id end) as lost_id,
    max(m.steps) as steps
  from merges m
  left join current.crm_records c on c.crm_id = m.survivor_id
  left join merges l on l.crm_id = m.survivor_id and l.survivor_id = l.crm_id
  group by m.crm_id
),
survivors as (
  select
    crm_id,
    coalesce(
      standing_id,
      case when lost_id is not null
        then first_value(crm_id) over (partition by standing_id, lost_id order by steps, crm_id) end
    ) as survivor_id
  from ends
),
-- The stage at the as-of time, for records with a later version: the last stage entered by then.
last_entered as (
  select
    crm_id,
    stage,
    row_number() over (partition by crm_id order by entered_at desc, rung_order desc, stage, crm_id) as place
  from canonical.crm_stage_changes
),
worded as (
  select
    c.crm_id,
    c.created_at,
    least(c.updated_at, cast($as_of as timestamptz)) as updated_at,
    coalesce(e.stage, c.stage) as stage,
    c.lead_id,
    c.meta_lead_id,
    c.merged_into,
    c.qualification_status,
    c.qualification_reason,
    c.owner,
    case when c.first_response_at <= $as_of then c.first_response_at end as first_response_at,
    case when c.won_at <= $as_of then c.won_at end as won_at,
    case when c.lost_at <= $as_of then c.lost_at end as lost_at,
    c.loss_reason,
    c.final_value as final_amount,
    c.currency,
    c.email_key,
    c.phone_key,
    c.name_keys,
    c.name_sound_keys,
    s.outcome as stage_word_outcome,
    case when (s.outcome = 'won' and c.won_at > $as_of) or (s.outcome = 'lost' and c.lost_at > $as_of) then 'open' else s.outcome end
      as stage_outcome,
    case when q.outcome = 'lost' and c.lost_at > $as_of then 'open' else q.outcome end as qualification_outcome,
    case when s.outcome = 'won' and c.won_at > $as_of then 1 else coalesce(s.rung_order, 1) end as stage_rung,
    coalesce(q.rung_order, 1) as qualification_rung
  from current.crm_records c
  left join last_entered e on c.updated_at > $as_of and e.crm_id = c.crm_id and e.place = 1
  left join policy.crm_stages s on s.word = replace(replace(lower(coalesce(e.stage, c.stage)), ' ', '_'), '-', '_')
  left join policy.crm_stages q on q.word = replace(replace(lower(c.qualification_status), ' ', '_'), '-', '_')
  where not coalesce(c.is_deleted, false)
)
select
  w.crm_id,
  w.created_at,
  cast(w.created_at at time zone $zone as date) as created_date,
  w.updated_at,
  w.stage,
  w.lead_id,
  w.meta_lead_id,
  w.merged_into,
  nullif(v.survivor_id, w.crm_id) as survivor_id,
  w.qualification_status,
  w.qualification_reason,
  w.owner,
  w.first_response_at,
  w.won_at,
  w.lost_at,
  w.loss_reason,
  w.final_amount,
  w.currency,
  r.rate,
  w.email_key,
  w.phone_key,
  w.name_keys,
  w.name_sound_keys,
  case
    when w.stage_outcome = 'invalid' or w.qualification_outcome = 'invalid' then 'invalid'
    when w.stage_outcome in ('won', 'lost') then w.stage_outcome
    when w.qualification_outcome = 'lost' then 'lost'
    when w.qualification_outcome in ('qualified', 'won') then 'qualified'
    else coalesce(w.stage_outcome, 'open')
  end as outcome,
  greatest(w.stage_rung, w.qualification_rung) as rung_order,
  w.stage_word_outcome is null as is_stage_unknown,
  w.qualification_status is not null and w.qualification_outcome is null as is_qualification_unknown,
  cast(round_even(cast(w.final_amount as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as final_value
from worded w
left join survivors v on v.crm_id = w.crm_id
left join canonical.daily_rates r
  on r.currency = coalesce(w.currency, $reporting_currency) and r.day = cast(coalesce(w.won_at, w.created_at) at time zone $zone as date)
