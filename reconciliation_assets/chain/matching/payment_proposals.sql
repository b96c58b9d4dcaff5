-- Every order and CRM record proposed for a payment, known or inferred, with its calibrated confidence and whether it counts. A
-- method that failed the backtest carries no money, a doubtful contact only where the backtest shows that such links are right.
with proposed as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, is_doubtful
  from matching.known_payments
  union all
  select link, left_id, right_id, 'inferred', probability, evidence, candidates, false
  from matching.inferred_payments
),
calibrated as (
  select
    p.link,
    p.left_id,
    p.right_id,
    p.match_method,
    coalesce(c.confidence, p.match_confidence) as match_confidence,
    p.evidence,
    p.candidates,
    p.is_doubtful
  from proposed p
  left join matching.match_calibration c
    on c.link = p.link
    and c.match_method = p.match_method
    and p.match_confidence >= c.raw_from
    and p.match_confidence < c.raw_to
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
