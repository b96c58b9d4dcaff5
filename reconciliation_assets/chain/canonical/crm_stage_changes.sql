/* table
grain: CRM record, stage and time it was entered
owner: sales-operations
key: [crm_id, stage, entered_at]
required: [crm_id, stage, entered_at]
columns:
  outcome: What the stage means, by the policy's words
*/
-- When each CRM record entered each stage, with the stage's outcome and rung by the policy's words.
select
  s.crm_id,
  s.stage,
  s.entered_at,
  p.outcome,
  coalesce(p.rung_order, 1) as rung_order
from current.crm_stage_changes s
left join policy.crm_stages p on p.word = replace(replace(lower(s.stage), ' ', '_'), '-', '_')
