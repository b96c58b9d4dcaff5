/* table
grain: invoice
owner: finance
key: [invoice_id]
required: [invoice_id, amount]
*/
-- Invoices: which order or CRM record each one is for.
select
  i.invoice_id,
  i.issued_at,
  i.amount,
  i.currency,
  i.crm_id,
  i.order_id,
  i.customer_id,
  i.status
from current.invoices i
