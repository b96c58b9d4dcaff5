/* table
grain: pair that a person should look at
owner: data
key: [link, left_id, right_id]
published: true
required: [link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason]
words:
  link: links
  match_method: methods
shares: [match_confidence]
columns:
  match_method: How the two were found
  reason: Why it does not count of itself
*/
-- Pairs that a person should review: likely, but with too little confidence to carry money, or found by a method that failed the
-- backtest or the reviews. Accept or reject them in manual_matches. There is one pair for each record that can be linked only
-- once: the right side or, for ads, the captured record.
with likely as (
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason, left_id as linked_once
  from matching.record_ad_proposals
  where not counts
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason, right_id
  from matching.lead_crm_proposals
  where is_likely
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason, right_id
  from matching.lead_order_proposals
  where is_likely
  union all
  select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason, right_id
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
    row_number() over (
      partition by p.link, p.linked_once
      order by p.match_confidence desc, p.match_method, p.evidence, p.right_id, p.left_id
    ) as place
  from likely p
  left join matching.match_links k
    on k.link = p.link and case k.link when 'record_ad' then k.left_id else k.right_id end = p.linked_once
  where k.link is null
)
select link, left_id, right_id, match_method, match_confidence, evidence, candidates, reason
from ranked
where place = 1
