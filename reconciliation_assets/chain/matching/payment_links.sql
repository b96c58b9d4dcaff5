-- The accepted links of orders and CRM records to payments: what is known by IDs, contacts and relationships, and what is inferred with enough
-- confidence. Confidence is calibrated by the backtest; a method that failed it carries no money, and a
-- doubtful link only when the backtest shows that such links are right.
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
),
accepted as (
  select
    c.link,
    c.left_id,
    c.right_id,
    c.match_method,
    c.match_confidence,
    c.evidence,
    c.candidates,
    row_number() over (partition by c.right_id order by c.match_confidence desc, c.match_method, c.link, c.left_id) as place
  from calibrated c
  join matching.match_standing s on s.link = c.link and s.match_method = c.match_method
  where s.may_carry_money
    and c.match_confidence >= case when c.is_doubtful then $doubtful_accept_from else s.accept_from end
)
select a.link, a.left_id, a.right_id, a.match_method, a.match_confidence, a.evidence, a.candidates
from accepted a
where a.place = 1
