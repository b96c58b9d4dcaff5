/* table
grain: linked CRM record, or order
owner: sales-operations
key: [right_id]
*/
-- The accepted links: for each right side, the proposal that counts with the highest confidence.
with ranked as (
  select
    link,
    left_id,
    right_id,
    match_method,
    match_confidence,
    evidence,
    candidates,
    row_number() over (partition by right_id order by match_confidence desc, match_method, link, left_id) as place
  from matching.lead_crm_proposals
  where counts
)
select link, left_id, right_id, match_method, match_confidence, evidence, candidates
from ranked
where place = 1
