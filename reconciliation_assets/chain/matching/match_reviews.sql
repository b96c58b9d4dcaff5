-- Pairs that a person should look at: likely, but not sure enough to carry money, or found by a method that failed the
-- backtest. Accept or reject them in manual_matches.
with proposed as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, is_doubtful
  from matching.known_lead_crm
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, is_doubtful
  from matching.known_lead_order
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, is_doubtful
  from matching.known_payments
  union all
  select link, left_id, right_id, 'inferred', probability, evidence, candidates, false
  from matching.inferred_lead_crm
  union all
  select link, left_id, right_id, 'inferred', probability, evidence, candidates, false
  from matching.inferred_lead_order
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
    case
      when p.link = 'lead_order' and p.match_method = 'inferred' then least(c.confidence, p.match_confidence)
      else coalesce(c.confidence, p.match_confidence)
    end as match_confidence,
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
ranked as (
  select
    c.link,
    c.left_id,
    c.right_id,
    c.match_method,
    c.match_confidence,
    c.evidence,
    c.candidates,
    case
      when not s.may_carry_money then s.reason
      when c.is_doubtful then 'the same phone under another name'
      else 'not sure enough'
    end as reason,
    row_number() over (partition by c.link, c.right_id order by c.match_confidence desc, c.match_method, c.left_id) as place
  from calibrated c
  join matching.match_standing s on s.link = c.link and s.match_method = c.match_method
  left join matching.match_links k on k.link = c.link and k.right_id = c.right_id
  where c.match_confidence >= s.review_from and k.link is null
)
select r.link, r.left_id, r.right_id, r.match_method, r.match_confidence, r.evidence, r.candidates, r.reason
from ranked r
where r.place = 1
