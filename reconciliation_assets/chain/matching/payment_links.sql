/* table
grain: linked payment
owner: finance
key: [right_id]
*/
-- The accepted links of orders and CRM records to payments. Each payment is proposed once: by the ID it names, or by the assignment.
select link, left_id, right_id, match_method, match_confidence, evidence, candidates
from matching.payment_proposals
where counts
