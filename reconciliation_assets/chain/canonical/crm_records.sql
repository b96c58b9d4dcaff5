-- CRM records: current version, outcome and rung of the stage and qualification status by the policy's words, agreed
-- value in the reporting currency, and the record that survives a merge. A word the policy does not know counts as open.
with recursive merges as (
  select crm_id, merged_into as survivor_id, 1 as steps
  from current.crm_records
  where merged_into is not null
  union all
  select m.crm_id, c.merged_into, m.steps + 1
  from merges m
  join current.crm_records c on c.crm_id = m.survivor_id
  where c.merged_into is not null and m.steps < 20
),
survivors as (
  select m.crm_id, min(m.survivor_id) as survivor_id
  from merges m
  left join current.crm_records c on c.crm_id = m.survivor_id
  where c.merged_into is null
  group by m.crm_id
),
worded as (
  select
    c.crm_id,
    c.created_at,
    c.updated_at,
    c.stage,
    c.lead_id,
    c.meta_lead_id,
    c.merged_into,
    c.qualification_status,
    c.qualification_reason,
    c.owner,
    c.first_response_at,
    c.won_at,
    c.lost_at,
    c.loss_reason,
    c.final_value as final_amount,
    c.currency,
    c.email_key,
    c.phone_key,
    c.name_keys,
    c.name_sound_keys,
    s.outcome as stage_outcome,
    q.outcome as qualification_outcome,
    coalesce(s.rung_order, 1) as stage_rung,
    coalesce(q.rung_order, 1) as qualification_rung
  from current.crm_records c
  left join policy.crm_stages s on s.word = replace(replace(lower(c.stage), ' ', '_'), '-', '_')
  left join policy.crm_stages q on q.word = replace(replace(lower(c.qualification_status), ' ', '_'), '-', '_')
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
  v.survivor_id,
  w.qualification_status,
  w.qualification_reason,
  w.owner,
  w.first_response_at,
  w.won_at,
  w.lost_at,
  w.loss_reason,
  w.final_amount,
  w.currency,
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
  w.stage_outcome is null as is_stage_unknown,
  w.qualification_status is not null and w.qualification_outcome is null as is_qualification_unknown,
  cast(round_even(cast(w.final_amount as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as final_value
from worded w
left join survivors v on v.crm_id = w.crm_id
left join canonical.daily_rates r
  on r.currency = coalesce(w.currency, $reporting_currency) and r.day = cast(coalesce(w.won_at, w.created_at) at time zone $zone as date)
