/* table
grain: payment
owner: finance
key: [payment_id]
required: [payment_id, kind, status, paid_at, amount, currency, signed_value, is_money]
words:
  kind: [payment, refund, chargeback, fee, refund_reversal, chargeback_reversal, credit]
columns:
  is_settled: Whether the payment is settled
  is_money: Whether the payment is settled and counts as money
  is_transfer: Whether the payment is a transfer that carried others, and so no money of its own
  duplicate_of: Payment that it repeats
  rate: Reporting currency per one unit [rate]
  sign: 1 for money in, -1 for money out, 0 for what is no money
  signed_value: Signed amount, converted [reporting currency]
*/
-- Payments: current version, day of the money in the policy's zone, signed amounts in their own and in the reporting currency.
-- Money is what is settled and is a payment (+), a refund or a chargeback (-) or the reversal of one (+); fees count only where
-- the policy deducts them, and a credit is not money. A transfer that carried other payments is the same money and does not count
-- again; nor does a line that another file reports with its settlement. A payment that the bank took back counts as failed, and
-- so does the row that took it back: see returned_payments.
with signed as (
  select
    p.payment_id,
    p.kind,
    case
      when b.payment_id is not null then 'failed'
      else replace(replace(lower(p.status), ' ', '_'), '-', '_')
    end as status,
    p.paid_at,
    cast(p.paid_at at time zone $zone as date) as paid_date,
    p.amount,
    p.currency,
    p.tax,
    p.fee,
    p.order_amount,
    p.order_currency,
    p.market,
    p.order_id,
    p.invoice_id,
    p.crm_id,
    p.lead_id,
    p.customer_id,
    p.waybill,
    p.reference,
    p.settlement_id,
    p.method,
    p.email_key,
    p.phone_key,
    p.name_keys,
    p.name_sound_keys,
    case
      when p.kind in ('payment', 'refund_reversal', 'chargeback_reversal') then 1
      when p.kind = 'credit' or (p.kind = 'fee' and not $deduct_payment_fees) then 0
      else -1
    end as sign,
    p.kind in ('refund', 'chargeback', 'refund_reversal', 'chargeback_reversal') as is_refund
  from current.payments p
  left join canonical.returned_payments b on b.payment_id = p.payment_id
)
select
  s.payment_id,
  s.kind,
  s.status,
  s.paid_at,
  s.paid_date,
  s.amount,
  s.currency,
  s.tax,
  s.fee,
  s.order_amount,
  s.order_currency,
  s.market,
  s.order_id,
  s.invoice_id,
  s.crm_id,
  s.lead_id,
  s.customer_id,
  s.waybill,
  s.reference,
  s.settlement_id,
  s.method,
  s.email_key,
  s.phone_key,
  s.name_keys,
  s.name_sound_keys,
  s.status = 'settled' and t.transfer_id is null and d.payment_id is null as is_settled,
  s.status = 'settled' and s.sign <> 0 and t.transfer_id is null and d.payment_id is null as is_money,
  t.transfer_id is not null as is_transfer,
  d.duplicate_of,
  s.status not in ('settled', 'pending', 'failed') as is_status_unknown,
  s.is_refund,
  r.rate,
  s.sign,
  s.sign * s.amount as signed_amount,
  cast(s.sign * round_even(cast(s.amount as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as signed_value
from signed s
left join canonical.transfers t on t.source_table = 'payments' and t.transfer_id = s.payment_id
left join canonical.duplicate_payments d on d.payment_id = s.payment_id
left join canonical.daily_rates r on r.currency = s.currency and r.day = s.paid_date
