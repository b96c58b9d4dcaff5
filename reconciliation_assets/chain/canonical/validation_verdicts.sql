/* table
grain: link, pair and method that a reviewer judged
owner: data
key: [link, left_id, right_id, match_method]
required: [link, left_id, right_id, match_method, counts]
words:
  link: links
  verdict: verdicts
columns:
  problem: Why the verdict does not count
  counts: Whether the verdict counts
*/
-- What reviewers found, in the policy's words. A verdict counts if its word is known, its method exists and it has a name and a
-- time. The others have a reason.
with worded as (
  select
    v.link,
    v.left_id,
    v.right_id,
    replace(replace(lower(trim(v.match_method)), ' ', '_'), '-', '_') as match_method,
    w.verdict,
    v.verified_by,
    v.verified_at,
    v.note,
    v.period,
    v.value_band,
    v.outcome,
    v.stratum_links
  from current.validation_verdicts v
  left join policy.verdict_words w on w.word = replace(replace(lower(trim(v.verdict)), ' ', '_'), '-', '_')
  where v.verdict is not null
),
judged as (
  select
    w.link,
    w.left_id,
    w.right_id,
    w.match_method,
    w.verdict,
    w.verified_by,
    w.verified_at,
    w.note,
    w.period,
    w.value_band,
    w.outcome,
    w.stratum_links,
    case
      when w.verdict is null then 'its word is none of the policy''s for correct, wrong or unclear'
      when w.verified_by is null then 'nobody''s name stands under it'
      when w.verified_at is null then 'it does not say when it was judged'
      when m.match_method is null then 'its method is none of the product''s'
    end as problem
  from worded w
  left join policy.match_methods m on m.match_method = w.match_method
)
select
  link,
  left_id,
  right_id,
  match_method,
  verdict,
  verified_by,
  verified_at,
  note,
  period,
  value_band,
  outcome,
  stratum_links,
  problem,
  problem is null as counts
from judged
