-- Leads, and orders that name no lead, that share a contact and a form or offer with another one: the only records among
-- which a duplicate can be. Tests are left out. One row per record and shared key.
with records as (
  select
    'leads' as source_table,
    lead_id as source_id,
    created_at,
    email_key,
    phone_key,
    'form ' || form_id as form_key,
    'offer ' || offer as offer_key
  from canonical.leads
  where not is_test
  union all
  select
    'orders',
    order_id,
    created_at,
    email_key,
    phone_key,
    cast(null as varchar),
    'offer ' || offer || ' for ' || cast(gross_amount as varchar) || ' ' || currency
  from canonical.orders
  where lead_id is null and outcome <> 'invalid'
),
keyed as (
  select source_table, source_id, created_at, email_key || ' ' || form_key as repeat_key, 'same e-mail and form' as rule
  from records
  union all
  select source_table, source_id, created_at, email_key || ' ' || offer_key, 'same e-mail and offer' from records
  union all
  select source_table, source_id, created_at, phone_key || ' ' || form_key, 'same phone and form' from records
  union all
  select source_table, source_id, created_at, phone_key || ' ' || offer_key, 'same phone and offer' from records
),
counted as (
  select
    source_table,
    source_id,
    created_at,
    repeat_key,
    rule,
    count(*) over (partition by source_table, repeat_key) as records
  from keyed
  where repeat_key is not null
)
select source_table, source_id, created_at, repeat_key, rule
from counted
where records > 1
