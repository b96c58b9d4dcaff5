/* table
grain: pair proposed
owner: sales-operations
key: [link, left_id, right_id, match_method]
group: matching_inference
columns:
  match_method: How the two were found
  counts: Whether the pair is sure enough to count
  reason: Why it does not count, where it does not
*/
-- Every left side proposed for a right side, known or inferred, with its calibrated confidence and whether it counts. Confidence
-- is what the backtest observed for the same kind of evidence and number of candidates. Every record hidden in the backtest has a
-- partner, but most records that name no partner have none. So for inferred links and for contacts under another name the
-- backtest can only lower the confidence.
with proposed as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, evidence_kind, is_doubtful
  from matching.known_lead_crm
  union all
  select link, left_id, right_id, 'inferred', probability, evidence, candidates, evidence_kind, false
  from matching.inferred_lead_crm
),
calibrated as (
  select
    p.link,
    p.left_id,
    p.right_id,
    p.match_method,
    case
      when p.match_method = 'inferred' or p.is_doubtful then least(c.confidence, p.match_confidence)
      else coalesce(c.confidence, p.match_confidence)
    end as match_confidence,
    p.evidence,
    p.candidates,
    p.is_doubtful
  from proposed p
  left join matching.match_calibration c
    on c.link = p.link
    and c.match_method = p.match_method
    and c.evidence_kind = p.evidence_kind
    and c.candidates = least(p.candidates, 3)
)
select
  c.link,
  c.left_id,
  c.right_id,
  c.match_method,
  least(c.match_confidence, s.confidence_ceiling) as match_confidence,
  c.evidence,
  c.candidates,
  s.may_carry_money
    and c.match_confidence >= case when c.is_doubtful then $doubtful_accept_from else s.accept_from end as counts,
  c.match_confidence >= s.review_from as is_likely,
  case
    when not s.may_carry_money then s.reason
    when c.is_doubtful then 'the same phone under another name'
    else 'not sure enough'
  end as reason
from calibrated c
join matching.match_standing s on s.link = c.link and s.match_method = c.match_method
