-- Rows counted as duplicates, each with the record it duplicates: repeat forms, repeated orders, CRM records merged away, payments
-- that another file tells with their settlement.
select
  d.source_table,
  d.source_id,
  d.duplicate_of,
  d.rule,
  e.stated_value as value,
  $reporting_currency as currency
from matching.duplicates d
join matching.captured_records r
  on r.source_id = d.source_id
  and r.record_type = case d.source_table when 'leads' then 'lead' else 'order' end
join outcomes.record_outcomes e on e.record_id = r.record_id
union all
select
  'crm_records',
  c.crm_id,
  c.survivor_id,
  'merged in the CRM',
  coalesce(c.final_value, 0),
  $reporting_currency
from canonical.crm_records c
where c.survivor_id is not null
union all
select
  'payments',
  p.payment_id,
  p.duplicate_of,
  'told in another file with its settlement',
  cast(round_even(cast(p.amount as decimal(38, 6)) * p.rate, $minor_digits) as decimal(18, 3)),
  $reporting_currency
from canonical.payments p
where p.duplicate_of is not null
