/* table
grain: link and method, unmatched included
owner: data
key: [link, match_method]
published: true
group: coverage
required: [link, match_method, records, value, is_applicable]
words:
  link: links
  match_method: methods_or_unmatched
shares: [record_rate, value_rate]
columns:
  match_method: Method that matched them
  records: Things expected to match [count]
  record_rate: Share by records [share]
  value: Value of those [reporting currency]
  value_rate: Share by value [share]
  is_applicable: Whether the link has anything to match
*/
-- Coverage: of what is expected to match, how much each method matched and how much stayed unmatched, by records and by
-- value. A link with nothing to match has no rate: it is not applicable, never 100 %.
with methods as (
  select match_method from policy.match_methods
  union all
  select 'unmatched'
),
counted as (
  select link, coalesce(match_method, 'unmatched') as match_method, count(*) as records, sum(value) as value
  from governance.expected_matches
  group by 1, 2
),
totals as (
  select link, sum(records) as records, sum(value) as value from counted group by link
)
select
  l.link,
  m.match_method,
  coalesce(c.records, 0) as records,
  cast(coalesce(c.records, 0) as double) / t.records as record_rate,
  cast(coalesce(c.value, 0) as decimal(18, 3)) as value,
  cast(coalesce(c.value, 0) / nullif(t.value, 0) as double) as value_rate,
  t.records is not null as is_applicable,
  $reporting_currency as currency
from policy.links l
cross join methods m
left join counted c on c.link = l.link and c.match_method = m.match_method
left join totals t on t.link = l.link
where c.records is not null or m.match_method = 'unmatched'
