-- Pairs that a person should look at: likely, but not sure enough to carry money, or found by a method that failed the
-- backtest. Accept or reject them in manual_matches.
with proposed as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.known_lead_crm
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.known_lead_order
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.known_payments
  union all
  select link, left_id, right_id, 'inferred', probability, evidence, candidates from matching.inferred_lead_crm
  union all
  select link, left_id, right_id, 'inferred', probability, evidence, candidates from matching.inferred_lead_order
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
select
  c.link,
  c.left_id,
  c.right_id,
  c.match_method,
  c.match_confidence,
  c.evidence,
  c.candidates,
  case when s.may_carry_money then 'not sure enough' else s.reason end as reason
from calibrated c
join matching.match_standing s on s.link = c.link and s.match_method = c.match_method
where c.match_confidence >= s.review_from and not (s.may_carry_money and c.match_confidence >= s.accept_from)
