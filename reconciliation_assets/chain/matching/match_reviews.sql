-- Pairs that a person should look at: likely, but not sure enough to carry money, or found by a method that failed the
-- backtest. Accept or reject them in manual_matches.
with likely as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason
  from matching.lead_crm_proposals
  where is_likely
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason
  from matching.lead_order_proposals
  where is_likely
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason
  from matching.payment_proposals
  where is_likely
),
ranked as (
  select
    p.link,
    p.left_id,
    p.right_id,
    p.match_method,
    p.match_confidence,
    p.evidence,
    p.candidates,
    p.reason,
    row_number() over (partition by p.link, p.right_id order by p.match_confidence desc, p.match_method, p.left_id) as place
  from likely p
  left join matching.match_links k on k.link = p.link and k.right_id = p.right_id
  where k.link is null
)
select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason
from ranked
where place = 1
