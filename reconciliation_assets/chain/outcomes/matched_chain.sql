/* table
grain: captured record
owner: data
key: [record_id]
published: true
required: [record_id, record_type, created_at, cohort_date, rung, is_valid, stated_value, final_value,
  collected_value, refunded_value, currency, chain_confidence, policy_version]
words:
  record_type: [lead, order]
  rung: rungs
at_least_zero: [stated_value, final_value, order_count, payment_count]
shares: [chain_confidence]
columns:
  created_at: When the lead was captured or the order placed
  ad_match_method: Method that linked the record to its ad; empty where no ad is expected
  ad_match_confidence: Confidence of the link from record to ad [share]
  crm_match_method: Method that linked the lead to its CRM record; empty where none is expected
  crm_match_confidence: Confidence of the link from lead to CRM record [share]
  order_count: Orders of the record [count]
  order_match_method: Weakest method among the record's order links
  payment_count: Settled payments of the record [count]
  payment_match_method: Weakest method among the record's payment links
  chain_confidence: Product of the confidences of the record's links [share]
  owner: Sales owner, from the CRM record
  landing_page: First page of the visit
  device: Kind of device of the visit
*/
-- The chain, one row per captured record: the ad it came from, its CRM record, orders and payments, each link with its method and
-- confidence, the rung it reached and its stated, agreed and collected values.
with order_links as (
  select
    'lead:' || left_id as record_id,
    count(*) as orders,
    max(case match_method when 'inferred' then 5 when 'crm_relationship' then 4 when 'exact_contact' then 3
      when 'exact_id' then 2 else 1 end) as weakest,
    min(match_confidence) as match_confidence
  from matching.lead_order_links
  group by left_id
),
payment_links as (
  select
    record_id,
    max(case match_method when 'inferred' then 5 when 'crm_relationship' then 4 when 'exact_contact' then 3
      when 'exact_id' then 2 else 1 end) as weakest,
    min(match_confidence) as match_confidence
  from outcomes.payment_money
  where record_id is not null
  group by record_id
),
-- The payment method of the orders; if they have none, that of the payments.
methods as (
  select o.record_id, 1 as place, replace(replace(lower(trim(c.payment_method)), ' ', '_'), '-', '_') as payment_method
  from outcomes.order_outcomes o
  join canonical.orders c on c.order_id = o.order_id
  where c.payment_method is not null
  union all
  select m.record_id, 2, replace(replace(lower(trim(p.method)), ' ', '_'), '-', '_')
  from outcomes.payment_money m
  join canonical.payments p on p.payment_id = m.payment_id
  where m.record_id is not null and p.method is not null
),
first_methods as (
  select record_id, min(place) as place from methods group by record_id
),
payment_methods as (
  select
    m.record_id,
    case when count(distinct m.payment_method) = 1 then min(m.payment_method) else '(several)' end as payment_method
  from methods m
  join first_methods f on f.record_id = m.record_id and f.place = m.place
  group by m.record_id
)
select
  r.record_id,
  r.record_type,
  r.created_at,
  r.cohort_date,
  g.campaign_id,
  g.adset_id,
  g.ad_id,
  coalesce(a.match_method, case when g.is_from_meta then 'unmatched' end) as ad_match_method,
  a.match_confidence as ad_match_confidence,
  c.crm_id,
  coalesce(c.match_method, case when r.record_type = 'lead' and r.is_valid then 'unmatched' end) as crm_match_method,
  c.match_confidence as crm_match_confidence,
  e.orders as order_count,
  case o.weakest when 5 then 'inferred' when 4 then 'crm_relationship' when 3 then 'exact_contact'
    when 2 then 'exact_id' when 1 then 'manual_verified' end as order_match_method,
  e.payments as payment_count,
  case p.weakest when 5 then 'inferred' when 4 then 'crm_relationship' when 3 then 'exact_contact'
    when 2 then 'exact_id' when 1 then 'manual_verified' end as payment_match_method,
  coalesce(a.match_confidence, 1) * coalesce(c.match_confidence, 1) * coalesce(o.match_confidence, 1)
    * coalesce(p.match_confidence, 1) as chain_confidence,
  e.rung,
  r.is_valid,
  r.invalid_reason,
  e.stated_value,
  e.final_value,
  e.collected_value,
  e.refunded_value,
  $reporting_currency as currency,
  c.owner,
  r.market,
  r.language,
  r.offer,
  r.form_id,
  r.landing_page,
  r.device,
  w.payment_method,
  r.source,
  r.consent,
  least(r.first_response_at, c.first_response_at) as first_response_at,
  e.qualified_at,
  e.won_at,
  e.first_paid_at,
  $policy_version as policy_version
from matching.captured_records r
join outcomes.record_outcomes e on e.record_id = r.record_id
join matching.record_origins g on g.record_id = r.record_id
left join matching.record_ad_links a on a.left_id = r.record_id
left join outcomes.opportunity_outcomes c on c.record_id = r.record_id
left join order_links o on o.record_id = r.record_id
left join payment_links p on p.record_id = r.record_id
left join payment_methods w on w.record_id = r.record_id
