-- The accepted links of orders and CRM records to payments: what is known by IDs, contacts and relationships, and what is inferred with enough
-- confidence. Confidence is calibrated by the backtest; a method that failed it carries no money.
with proposed as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.known_payments
  union all
  select link, left_id, right_id, 'inferred', probability, evidence, candidates from matching.inferred_payments
),
calibrated as (
  select
    p.link,
    p.left_id,
    p.right_id,
    p.match_method,
    coalesce(c.confidence, p.match_confidence) as match_confidence,
    p.evidence,
    p.candidates
  from proposed p
  left join matching.match_calibration c
    on c.link = p.link
    and c.match_method = p.match_method
    and p.match_confidence >= c.raw_from
    and p.match_confidence < c.raw_to
)
select c.link, c.left_id, c.right_id, c.match_method, c.match_confidence, c.evidence, c.candidates
from calibrated c
join matching.match_standing s on s.link = c.link and s.match_method = c.match_method
where s.may_carry_money and c.match_confidence >= s.accept_from
