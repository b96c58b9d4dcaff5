/* table
grain: captured record and outcome
owner: marketing
key: [event_id]
columns:
  outcome: The rung told of
  created_at: When the lead was captured or the order placed
  is_reversed: Whether it was won, but lost, cancelled or returned since
  is_consent_needed: Whether the policy asks for consent
  is_consented: Whether the recorded consent grants it
  value: Final value of a win, collected value of money; empty for the other outcomes [reporting currency]
  maturity_days: Days the outcome must stand before Meta is told [days]
  match_method: Weakest method among the links it rests on; empty where it rests on none
  strength: Rank of the weakest method it rests on; 0 where it rests on no link
  match_confidence: Product of the confidences of the links it rests on [share]
  meta_lead_id: Meta's own ID of a lead-ad lead
  browser_id: Browser identifier of Meta's pixel (fbp)
*/
-- Outcomes that a captured record has reached and the policy has an event for: the time, the value, which of Meta's identifiers
-- the person has, and the weakest link that the outcome depends on. Private: identifiers do not leave this table.
with order_links as (
  select
    'lead:' || k.left_id as record_id,
    max(s.strength) as strength,
    min(k.match_confidence) as confidence
  from matching.lead_order_links k
  join policy.match_methods s on s.match_method = k.match_method
  group by k.left_id
),
payment_links as (
  select
    m.record_id,
    max(s.strength) as strength,
    min(m.match_confidence) as confidence
  from outcomes.payment_money m
  join policy.match_methods s on s.match_method = m.match_method
  where m.record_id is not null
  group by m.record_id
),
standing as (
  select
    record_id,
    bool_or(outcome not in ('lost', 'cancelled', 'returned', 'invalid')) as stands
  from outcomes.record_parts
  group by record_id
),
known as (
  select
    'lead:' || l.lead_id as record_id,
    'leads' as source_table,
    l.lead_id as source_id,
    coalesce(l.meta_lead_id, c.meta_lead_id) as meta_lead_id,
    l.click_id,
    l.browser_id,
    l.email_key,
    l.phone_key
  from canonical.leads l
  left join outcomes.opportunity_outcomes p on p.record_id = 'lead:' || l.lead_id
  left join canonical.crm_records c on c.crm_id = p.crm_id
  union all
  select
    'order:' || o.order_id,
    'orders',
    o.order_id,
    cast(null as varchar),
    o.click_id,
    o.browser_id,
    o.email_key,
    o.phone_key
  from canonical.orders o
),
reached as (
  select
    m.record_id,
    m.record_type,
    m.campaign_id,
    m.created_at,
    m.is_valid,
    e.outcome = 'won' and not coalesce(t.stands, false) as is_reversed,
    m.consent,
    m.currency,
    e.outcome,
    e.event_name,
    e.maturity_days,
    e.is_consent_needed,
    case e.outcome when 'captured' then m.created_at when 'qualified' then m.qualified_at when 'won' then m.won_at
      else m.first_paid_at end as event_time,
    case e.outcome when 'won' then nullif(m.final_value, 0) when 'collected' then m.collected_value end as value,
    case when e.outcome = 'captured' then 0 else greatest(
      coalesce(s.strength, 0),
      coalesce(o.strength, 0),
      case when e.outcome = 'collected' then coalesce(p.strength, 0) else 0 end
    ) end as strength,
    case when e.outcome = 'captured' then 1 else
      coalesce(m.crm_match_confidence, 1) * coalesce(o.confidence, 1)
        * case when e.outcome = 'collected' then coalesce(p.confidence, 1) else 1 end
    end as confidence
  from outcomes.matched_chain m
  join policy.rungs r on r.rung = m.rung
  join policy.capi_events e on e.record_type = m.record_type and e.rung_order <= r.rung_order
  left join policy.match_methods s on s.match_method = m.crm_match_method
  left join order_links o on o.record_id = m.record_id
  left join payment_links p on p.record_id = m.record_id
  left join standing t on t.record_id = m.record_id
)
select
  md5(r.record_id || '|' || r.outcome) as event_id,
  r.record_id,
  r.record_type,
  r.outcome,
  r.event_name,
  r.event_time,
  r.campaign_id,
  r.created_at,
  r.is_valid,
  r.is_reversed,
  r.consent,
  r.is_consent_needed,
  w.word is not null as is_consented,
  r.value,
  case when r.value is not null then r.currency end as currency,
  r.maturity_days,
  s.match_method,
  r.strength,
  r.confidence as match_confidence,
  k.source_table,
  k.source_id,
  case when length(k.meta_lead_id) between 15 and 17 and try_cast(k.meta_lead_id as bigint) > 0
    then k.meta_lead_id end as meta_lead_id,
  case
    when k.click_id like 'fb.%.%.%' then k.click_id
    when k.click_id like 'IwAR%' or k.click_id like 'IwY2x%' or k.click_id like 'PAAa%'
      then 'fb.1.' || cast(epoch_ms(r.created_at) as varchar) || '.' || k.click_id
  end as click_id,
  case when k.browser_id like 'fb.%.%.%' then k.browser_id end as browser_id,
  k.email_key,
  k.phone_key
from reached r
join known k on k.record_id = r.record_id
left join policy.match_methods s on s.strength = r.strength
left join policy.consent_words w on w.word = replace(replace(lower(trim(r.consent)), ' ', '_'), '-', '_')
