/* table
grain: settlement of a courier or payment provider and currency
owner: finance
key: [settlement_id, currency]
published: true
page: docs/definitions/remittances.md
required: [settlement_id, currency, net_amount, state]
words:
  state: [ties, differs, on its way, late, report missing, no transfers known]
  tied_by: tied_by
at_least_zero: [payments, orders, gross_amount, transfers]
shares: [match_confidence]
columns:
  settlement_id: Settlement, as the payments name it
  currency: Currency of the amounts
  payments: Payments, refunds and chargebacks in it [count]
  orders: Orders they belong to [count]
  gross_amount: Payments [own currency]
  transfer_id: Transfer that brought it; the first of several
  transfers: How many transfers [count]
  transferred_at: When the first arrived
  transferred_amount: What arrived [own currency]
  tied_by: How it is known that they pay it
  match_confidence: How sure it is that the transfers pay it [share]
  difference_amount: What arrived less what should have [own currency]
  difference_value: The same without its sign; all that should arrive while nothing has [reporting currency]
  state: How the settlement stands against its transfers
*/
-- Settlements of couriers and payment providers, each against the transfer that should have brought it: the sum of its payments
-- less refunds and fees, and the amount that arrived. A settlement without a transfer is late once it is older than the policy
-- allows, but only if transfers are known from before it was due: a bank statement of June shows nothing about March.
with arrived as (
  select
    t.settlement_id,
    t.currency,
    min(t.transfer_id) as transfer_id,
    count(*) as transfers,
    min(t.transferred_at) as transferred_at,
    sum(t.amount) as transferred_amount,
    min(t.tied_by) as tied_by,
    min(t.match_confidence) as match_confidence,
    max(r.rate) as rate
  from outcomes.settlement_transfers t
  left join canonical.daily_rates r
    on r.currency = t.currency and r.day = cast(t.transferred_at at time zone $zone as date)
  where t.settlement_id is not null
  group by t.settlement_id, t.currency
),
known as (
  select count(settlement_id) as tied, min(transferred_at) as known_from from outcomes.settlement_transfers
),
compared as (
  select
    coalesce(s.settlement_id, a.settlement_id) as settlement_id,
    coalesce(s.currency, a.currency) as currency,
    s.settled_at,
    coalesce(s.payments, 0) as payments,
    coalesce(s.orders, 0) as orders,
    coalesce(s.gross_amount, 0) as gross_amount,
    coalesce(s.refunded_amount, 0) as refunded_amount,
    coalesce(s.fee_amount, 0) as fee_amount,
    coalesce(s.net_amount, 0) as net_amount,
    a.transfer_id,
    coalesce(a.transfers, 0) as transfers,
    a.transferred_at,
    a.transferred_amount,
    a.tied_by,
    a.match_confidence,
    coalesce(s.rate, a.rate) as rate,
    s.settlement_id is null as is_report_missing
  from outcomes.settlements s
  full join arrived a on a.settlement_id = s.settlement_id and a.currency = s.currency
)
select
  c.settlement_id,
  c.currency,
  c.settled_at,
  c.payments,
  c.orders,
  c.gross_amount,
  c.refunded_amount,
  c.fee_amount,
  c.net_amount,
  c.transfer_id,
  c.transfers,
  c.transferred_at,
  c.transferred_amount,
  c.tied_by,
  c.match_confidence,
  c.transferred_amount - c.net_amount as difference_amount,
  cast(
    round_even(cast(abs(coalesce(c.transferred_amount, 0) - c.net_amount) as decimal(38, 6)) * c.rate, $minor_digits)
    as decimal(18, 3)
  ) as difference_value,
  case
    when c.is_report_missing then 'report missing'
    when c.transferred_amount = c.net_amount then 'ties'
    when c.transfer_id is not null then 'differs'
    when k.tied = 0 or c.settled_at < k.known_from - to_days($transfer_within_days) then 'no transfers known'
    when c.settled_at < $as_of - to_days($transfer_within_days) then 'late'
    else 'on its way'
  end as state
from compared c
cross join known k
