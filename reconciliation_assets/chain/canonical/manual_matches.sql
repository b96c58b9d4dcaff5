/* table
grain: link and pair that a person decided
owner: data
key: [link, left_id, right_id]
required: [link, left_id, right_id, verdict]
words:
  link: links
  verdict: decisions
*/
-- Links that a person accepted or rejected: the latest verdict on each pair.
select
  m.link,
  m.left_id,
  m.right_id,
  m.verdict,
  m.verified_by,
  m.reason,
  m.verified_at
from current.manual_matches m
