/* table
grain: payment that the bank took back, or row by which it did
owner: finance
key: [payment_id]
page: docs/definitions/money.md#what-the-bank-took-back
required: [payment_id, other_payment_id]
columns:
  other_payment_id: Row that took the payment back, or payment that the row took back
*/
-- Payments that the bank took back, and the rows that did it: returned cheques, recalled and bounced transfers. Neither of the
-- two rows counts: the amount is owed again and is no refund. A row takes back the payment with the same amount and currency and
-- the reference it names: the cheque number or the bank's reference. If a cheque was deposited again, the first return takes back
-- the first deposit, and so on.
with returns as (
  select payment_id, currency, amount, paid_at, unnest(string_split(lower(reference), ' ')) as reference
  from current.payments
  where kind = 'chargeback' and method = 'bank_transfer' and lower(status) = 'settled' and reference is not null
),
named as (
  select distinct payment_id, currency, amount, paid_at, reference from returns where reference <> ''
),
deposits as (
  select payment_id, currency, amount, paid_at, lower(trim(reference)) as reference
  from current.payments
  where kind = 'payment' and lower(status) = 'settled' and reference is not null
),
returned as (
  select
    payment_id, currency, amount, paid_at, reference,
    row_number() over (partition by currency, amount, reference order by paid_at, payment_id) as place
  from named
),
deposited as (
  select
    payment_id, currency, amount, paid_at, reference,
    row_number() over (partition by currency, amount, reference order by paid_at, payment_id) as place
  from deposits
),
pairs as (
  select
    d.payment_id,
    r.payment_id as returned_by,
    row_number() over (partition by r.payment_id order by d.paid_at desc, d.payment_id) as deposit_rank,
    row_number() over (partition by d.payment_id order by r.paid_at, r.payment_id) as return_rank
  from returned r
  join deposited d
    on d.reference = r.reference
    and d.amount = r.amount
    and d.currency = r.currency
    and d.place = r.place
  where d.paid_at <= r.paid_at
),
taken_back as (
  select payment_id, returned_by from pairs where deposit_rank = 1 and return_rank = 1
)
select payment_id, returned_by as other_payment_id from taken_back
union all
select returned_by, payment_id from taken_back
