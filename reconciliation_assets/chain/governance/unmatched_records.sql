-- Everything that was expected to match and did not, with why, how old it is and who owns it.
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
