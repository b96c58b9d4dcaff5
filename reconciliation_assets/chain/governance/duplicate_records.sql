/* table
grain: row counted as a duplicate
owner: data
key: [source_table, source_id]
published: true
page: docs/definitions/duplicates-and-validity.md
required: [source_table, source_id, duplicate_of, rule, value]
columns:
  duplicate_of: Record that it repeats
  value: Value that is not counted again [reporting currency]
*/
-- Rows counted as duplicates, each with the record it duplicates: repeat forms, repeated orders, CRM records merged away,
-- payments that another file reports with their settlement.
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
  d.rule,
  cast(round_even(cast(p.amount as decimal(38, 6)) * p.rate, $minor_digits) as decimal(18, 3)),
  $reporting_currency
from canonical.payments p
join canonical.duplicate_payments d on d.payment_id = p.payment_id
