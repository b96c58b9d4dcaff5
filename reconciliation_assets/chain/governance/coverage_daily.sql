/* table
grain: link, day, segment and method
owner: data
key: [link, day, segment_kind, segment, match_method]
published: true
group: coverage
required: [link, day, segment_kind, segment, match_method, records, value, value_squares, currency]
words:
  link: links
  segment_kind: segments_of_match_rates
  match_method: methods_or_unmatched
columns:
  day: Day of the thing, in the policy's zone
  match_method: Method that matched them
  records: Things expected to match [count]
  value: Value of those [reporting currency]
*/
-- Coverage by the day of the record that was expected to match, in total and by segment: form, landing page, campaign, source,
-- sales owner, market, language and consent of the record it belongs to, its own payment method and band of value. Items without
-- a captured record, or with an empty field in it, are in the segment (none).
with kinds as (
  select 'all' as segment_kind
  union all select 'form'
  union all select 'landing_page'
  union all select 'campaign'
  union all select 'source'
  union all select 'owner'
  union all select 'market'
  union all select 'language'
  union all select 'consent'
  union all select 'payment_method'
  union all select 'value_band'
)
select
  t.link,
  t.day,
  k.segment_kind,
  case k.segment_kind
    when 'all' then ''
    when 'form' then t.form
    when 'landing_page' then t.landing_page
    when 'campaign' then t.campaign
    when 'source' then t.source
    when 'owner' then t.owner
    when 'market' then t.market
    when 'language' then t.language
    when 'consent' then t.consent
    when 'payment_method' then t.payment_method
    else t.value_band
  end as segment,
  t.match_method,
  count(*) as records,
  cast(sum(t.value) as decimal(18, 3)) as value,
  cast(sum(cast(t.value as decimal(19, 3)) * cast(t.value as decimal(19, 3))) as decimal(38, 6)) as value_squares,
  $reporting_currency as currency
from governance.coverage_things t
cross join kinds k
group by 1, 2, 3, 4, 5
