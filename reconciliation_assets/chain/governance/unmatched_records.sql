/* table
grain: thing expected to match that did not
owner: data
key: [link, source_table, source_id]
published: true
group: coverage
required: [link, source_table, source_id, created_at, value, age_days, reason, owner]
words:
  link: links
columns:
  created_at: When the thing was created; for payments, when the money moved
  value: Value at stake [reporting currency]
  age_days: Age at the instant the run speaks for [days]
  reason: Why it did not match
*/
-- Every record that was expected to match and did not, with the reason, its age and its owner.
select
  e.link,
  e.source_table,
  e.source_id,
  e.created_at,
  e.value,
  $reporting_currency as currency,
  date_diff('day', e.created_at, $as_of) as age_days,
  e.reason,
  coalesce(o.owner, $default_owner) as owner
from governance.expected_matches e
left join policy.link_owners o on o.link = e.link
where e.match_method is null
