-- Orders and CRM records that do not count, because their source marks them as a test or has deleted them.
select
  'orders' as source_table,
  o.order_id as source_id,
  o.created_at,
  case when o.is_deleted then 'deleted at the source' else 'test' end as reason,
  o.gross_value as amount,
  o.currency
from current.orders o
where o.is_test or o.is_deleted
union all
select
  'crm_records',
  c.crm_id,
  c.created_at,
  'deleted at the source',
  c.final_value,
  coalesce(c.currency, $reporting_currency)
from current.crm_records c
where c.is_deleted
