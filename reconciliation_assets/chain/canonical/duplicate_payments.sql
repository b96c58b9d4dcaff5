/* table
grain: payment that another file has too, and better
owner: finance
key: [payment_id]
page: docs/definitions/duplicates-and-validity.md#payments-told-twice
required: [payment_id, duplicate_of, rule]
columns:
  duplicate_of: Payment that it repeats
*/
-- Payments that are in two files, in two cases. First, Stripe's list of payments and its balance, by report or connector: the
-- balance row of the same kind and reference counts, and a tax on the fee goes with its payment. Second, lines of a courier's
-- exports: in one file with their settlement, in another file of the same kind without it. Lines with the same kind, waybill,
-- amount, currency, status and day are one payment; the line that names its settlement counts. Two lines in one file are two
-- payments, and so are lines of two settlements. Identical lines are paired one to one, so that two copies never remove three
-- payments.
with listed as (
  select distinct r.payment_id
  from raw.raw_payments r
  join raw.landings l on l.landing_id = r.landing_id and l.present
  where l.preset = 'stripe_payments'
),
listed_twice as (
  select p.payment_id, min(b.payment_id) as duplicate_of
  from listed l
  join current.payments p on p.payment_id = l.payment_id
  join current.payments b
    on b.reference = p.reference
    and b.kind = case when p.kind = 'fee' then 'payment' else p.kind end
  left join listed other on other.payment_id = b.payment_id
  where other.payment_id is null and left(b.payment_id, 4) = 'txn_'
  group by p.payment_id
),
told as (
  select distinct r.payment_id, l.preset, l.file
  from raw.raw_payments r
  join raw.landings l on l.landing_id = r.landing_id and l.present
  where r.waybill is not null and l.preset is not null
),
of_one_kind as (
  select payment_id, min(preset) as preset from told group by payment_id having count(distinct preset) = 1
),
lines as (
  select
    p.payment_id,
    p.kind,
    p.status,
    p.waybill,
    p.amount,
    p.currency,
    cast(p.paid_at at time zone $zone as date) as paid_date,
    p.settlement_id is not null as names_settlement,
    k.preset
  from current.payments p
  join of_one_kind k on k.payment_id = p.payment_id
  where p.waybill is not null
),
placed as (
  select
    payment_id,
    kind,
    status,
    waybill,
    amount,
    currency,
    paid_date,
    names_settlement,
    preset,
    row_number() over (
      partition by kind, status, waybill, amount, currency, paid_date, preset, names_settlement order by payment_id
    ) as place
  from lines
),
pairs as (
  select copy.payment_id, original.payment_id as duplicate_of
  from placed copy
  join placed original
    on original.waybill = copy.waybill
    and original.kind = copy.kind
    and original.status = copy.status
    and original.amount = copy.amount
    and original.currency = copy.currency
    and original.paid_date = copy.paid_date
    and original.preset = copy.preset
    and original.place = copy.place
  where original.names_settlement and not copy.names_settlement
),
side_by_side as (
  select distinct p.payment_id
  from pairs p
  join told copy on copy.payment_id = p.payment_id
  join told original on original.payment_id = p.duplicate_of and original.file = copy.file
)
select p.payment_id, p.duplicate_of, 'told in another file with its settlement' as rule
from pairs p
left join side_by_side s on s.payment_id = p.payment_id
where s.payment_id is null
union all
select payment_id, duplicate_of, 'told by the balance of Stripe' from listed_twice
