-- Coverage by the day of the thing that was expected to match, as a whole and by segment: form, landing page, campaign,
-- source, sales owner, market, language and consent of the record it belongs to. A thing that belongs to no record, or whose
-- record leaves the field empty, stands under (none).
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
),
things as (
  select
    e.link,
    cast(e.created_at at time zone $zone as date) as day,
    coalesce(e.match_method, 'unmatched') as match_method,
    e.value,
    r.form_id,
    r.landing_page,
    r.campaign_id,
    r.source,
    r.owner,
    r.market,
    r.language,
    r.consent
  from governance.expected_matches e
  left join outcomes.matched_chain r on r.record_id = e.record_id
)
select
  t.link,
  t.day,
  k.segment_kind,
  case k.segment_kind
    when 'all' then ''
    when 'form' then coalesce(t.form_id, '(none)')
    when 'landing_page' then coalesce(t.landing_page, '(none)')
    when 'campaign' then coalesce(t.campaign_id, '(none)')
    when 'source' then coalesce(t.source, '(none)')
    when 'owner' then coalesce(t.owner, '(none)')
    when 'market' then coalesce(t.market, '(none)')
    when 'language' then coalesce(t.language, '(none)')
    else coalesce(t.consent, '(none)')
  end as segment,
  t.match_method,
  count(*) as records,
  cast(sum(t.value) as decimal(18, 3)) as value,
  $reporting_currency as currency
from things t
cross join kinds k
group by 1, 2, 3, 4, 5
