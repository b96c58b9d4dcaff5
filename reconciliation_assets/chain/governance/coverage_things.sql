/* table
grain: thing expected to match, with its day and segments
owner: data
key: [link, source_table, source_id]
group: coverage
columns:
  day: Day of the thing, in the policy's zone
  linked_on: First day on which both ends were there; empty where nothing matched
  match_method: Method that matched it
  value: Stated value of the record, gross value of the order or amount of the payment [reporting currency]
  form: Form of its record, (none) where the record names none
  campaign: Meta campaign of its record, (none) where the record names none
  owner: Sales owner of its record, (none) where there is none
  value_band: Band of its value in the reporting currency
*/
-- Every record that is expected to match or did match, with the day it came, the first day it could be linked, and its segments:
-- those of its captured record, its payment method and its band of value.
with linked_leads as (
  select k.left_id as lead_id, min(c.created_date) as linked_on
  from matching.lead_crm_links k
  join canonical.crm_records c on c.crm_id = k.right_id
  group by k.left_id
),
things as (
  select
    e.link,
    e.source_table,
    e.source_id,
    e.record_id,
    cast(e.created_at at time zone $zone as date) as day,
    e.match_method,
    e.value
  from governance.expected_matches e
)
select
  t.link,
  t.source_table,
  t.source_id,
  t.day,
  case when t.match_method is not null then greatest(t.day, coalesce(l.linked_on, t.day)) end as linked_on,
  coalesce(t.match_method, 'unmatched') as match_method,
  cast(t.value as decimal(18, 3)) as value,
  coalesce(r.form_id, '(none)') as form,
  coalesce(r.landing_page, '(none)') as landing_page,
  coalesce(r.campaign_id, '(none)') as campaign,
  coalesce(r.source, '(none)') as source,
  coalesce(r.owner, '(none)') as owner,
  coalesce(r.market, '(none)') as market,
  coalesce(r.language, '(none)') as language,
  coalesce(r.consent, '(none)') as consent,
  coalesce(p.method, o.payment_method, '(none)') as payment_method,
  case
    when t.value >= 100000 then '100,000 and more'
    when t.value >= 30000 then '30,000 to 99,999'
    when t.value >= 10000 then '10,000 to 29,999'
    when t.value >= 3000 then '3,000 to 9,999'
    when t.value >= 1000 then '1,000 to 2,999'
    when t.value >= 300 then '300 to 999'
    when t.value >= 100 then '100 to 299'
    when t.value >= 30 then '30 to 99'
    when t.value >= 10 then '10 to 29'
    when t.value > 0 then 'below 10'
    else '(none)'
  end as value_band
from things t
left join linked_leads l on t.link = 'lead_crm' and l.lead_id = t.source_id
left join outcomes.matched_chain r on r.record_id = t.record_id
left join canonical.payments p on t.source_table = 'payments' and p.payment_id = t.source_id
left join canonical.orders o on t.source_table = 'orders' and o.order_id = t.source_id
