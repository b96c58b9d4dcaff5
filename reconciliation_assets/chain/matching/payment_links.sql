-- The accepted links of orders and CRM records to payments: of the proposals that count, the surest for each right end. What
-- was found in several ways goes by the strongest of them.
with strongest as (
  select
    p.link,
    p.left_id,
    p.right_id,
    p.match_method,
    p.match_confidence,
    p.evidence,
    p.candidates,
    max(p.match_confidence) over (partition by p.link, p.left_id, p.right_id) as best_confidence,
    row_number() over (partition by p.link, p.left_id, p.right_id order by m.strength, p.match_confidence desc, p.match_method) as way
  from matching.payment_proposals p
  join policy.match_methods m on m.match_method = p.match_method
  where p.counts
),
ranked as (
  select
    link,
    left_id,
    right_id,
    match_method,
    best_confidence as match_confidence,
    evidence,
    candidates,
    row_number() over (partition by right_id order by best_confidence desc, match_method, link, left_id) as place
  from strongest
  where way = 1
)
select link, left_id, right_id, match_method, match_confidence, evidence, candidates
from ranked
where place = 1
