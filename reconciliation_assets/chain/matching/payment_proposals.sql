/* table
grain: pair proposed
owner: finance
key: [link, left_id, right_id, match_method]
group: matching_inference
columns:
  match_method: How the two were found
  counts: Whether the pair is sure enough to count
  reason: Why it does not count, where it does not
*/
-- Every order and CRM record proposed for a payment, named or assigned, and whether it counts. A payment that names its order
-- always counts. An assigned pair counts if its confidence is high enough and its method passed the backtest and the reviews.
with proposed as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, true as is_sure, true as is_likely
  from matching.named_payments
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, is_sure, is_likely
  from matching.assigned_payments
)
select
  p.link,
  p.left_id,
  p.right_id,
  p.match_method,
  least(p.match_confidence, s.confidence_ceiling) as match_confidence,
  p.evidence,
  p.candidates,
  s.may_carry_money and p.is_sure as counts,
  p.is_likely,
  case when not s.may_carry_money then s.reason else 'not sure enough' end as reason
from proposed p
join matching.match_standing s on s.link = p.link and s.match_method = p.match_method
