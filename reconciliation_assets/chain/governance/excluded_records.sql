/* table
grain: order or CRM record that does not count
owner: data
key: [source_table, source_id]
published: true
required: [source_table, source_id, created_at, reason]
columns:
  source_id: The order or CRM record
  created_at: When it was created
  reason: test or deleted at the source
  amount: Its gross or final value [own currency]
  currency: Currency of the amount
*/
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
