/* table
grain: transfer that carried many payments
owner: finance
key: [source_table, transfer_id]
required: [source_table, transfer_id, transferred_at, amount, currency, has_reference]
words:
  tied_by: tied_by
columns:
  source_table: transfers, or payments for a payment that others name as their transfer
  tied_by: 'How it is known which settlement it pays: named as its settlement, in its reference, or by the amount'
  has_reference: Whether the transfer says anything of what it pays
*/
-- Transfers that carried many payments: bank lines of the input table, and payments that others name as their transfer. Such a
-- payment is the same money, so it is a transfer and does not count again. A bank line names its settlement in its reference: the
-- whole reference or one word of it. Banks change case and leave out hyphens. If the words name several settlements, none is
-- used.
with carried as (
  select distinct settlement_id, currency, regexp_replace(lower(settlement_id), '[\s_/.:#-]', '', 'g') as settlement_key
  from current.payments
  where settlement_id is not null and settlement_id <> payment_id
),
referring as (
  select transfer_id, currency, lower(trim(reference)) as reference
  from current.transfers
  where settlement_id is null and trim(reference) <> ''
),
words as (
  select transfer_id, currency, unnest(string_split(regexp_replace(reference, '[\s,;:#]+', ' ', 'g'), ' ')) as word
  from referring
),
spoken as (
  select transfer_id, currency, regexp_replace(reference, '[\s_/.:#-]', '', 'g') as settlement_key from referring
  union
  -- In a longer reference, short words may be any number.
  select transfer_id, currency, regexp_replace(word, '[\s_/.:#-]', '', 'g') from words where length(word) >= 4
),
named as (
  select s.transfer_id, min(c.settlement_id) as settlement_id
  from spoken s
  join carried c on c.settlement_key = s.settlement_key and c.currency = s.currency
  where s.settlement_key <> ''
  group by s.transfer_id
  having count(distinct c.settlement_id) = 1
)
select
  'transfers' as source_table,
  t.transfer_id,
  t.transferred_at,
  t.amount,
  t.currency,
  coalesce(t.settlement_id, n.settlement_id) as settlement_id,
  case when t.settlement_id is not null then 'settlement_id' when n.settlement_id is not null then 'reference' end as tied_by,
  t.settlement_id is not null or coalesce(trim(t.reference), '') <> '' as has_reference
from current.transfers t
left join named n on n.transfer_id = t.transfer_id
union all
select
  'payments',
  p.payment_id,
  p.paid_at,
  p.amount,
  p.currency,
  coalesce(i.settlement_id, r.settlement_id),
  case when i.settlement_id is not null then 'settlement_id' else 'reference' end,
  true
from current.payments p
left join carried i on i.settlement_id = p.payment_id and i.currency = p.currency
left join carried r on r.settlement_id = trim(p.reference) and r.currency = p.currency
where p.kind = 'payment'
  and replace(replace(lower(p.status), ' ', '_'), '-', '_') = 'settled'
  and coalesce(p.settlement_id, p.payment_id) = p.payment_id
  and coalesce(p.order_id, p.invoice_id, p.crm_id, p.lead_id, p.customer_id, p.waybill) is null
  and coalesce(i.settlement_id, r.settlement_id) is not null
