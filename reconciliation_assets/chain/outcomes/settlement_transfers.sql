/* table
grain: transfer of a courier or payment provider
owner: finance
key: [source_table, transfer_id]
published: true
page: docs/definitions/remittances.md#the-transfer
required: [source_table, transfer_id, transferred_at, amount, currency, has_reference]
words:
  tied_by: tied_by
shares: [match_confidence]
columns:
  source_table: transfers, or payments for a payment that others name as their transfer
  transfer_id: The transfer
  transferred_at: When the money arrived
  amount: What arrived [own currency]
  currency: Currency of the amount
  has_reference: Whether it says anything of what it pays
  settlement_id: Settlement it pays; empty where none is known
  tied_by: How that is known
  match_confidence: How sure it is which settlement the transfer pays [share]
*/
-- Transfers of couriers and payment providers, each with the settlement it pays and how that is known: by the name it gives or,
-- if it gives none, by the amount. A transfer is linked by amount only if it equals exactly one settlement that no transfer
-- names, within the policy's days after its last payment, and neither has another possible partner.
with named as (
  select distinct settlement_id, currency from canonical.transfers where settlement_id is not null
),
open_settlements as (
  select
    s.settlement_id,
    s.currency,
    s.net_amount,
    cast(s.last_paid_at at time zone $zone as date) as last_paid_date
  from outcomes.settlements s
  left join named n on n.settlement_id = s.settlement_id and n.currency = s.currency
  where n.settlement_id is null and s.net_amount > 0
),
silent as (
  select transfer_id, currency, amount, cast(transferred_at at time zone $zone as date) as transferred_date
  from canonical.transfers
  where source_table = 'transfers' and settlement_id is null and not has_reference
),
pairs as (
  select
    t.transfer_id,
    s.settlement_id,
    count(*) over (partition by t.transfer_id) as settlements,
    count(*) over (partition by s.settlement_id, s.currency) as transfers
  from silent t
  join open_settlements s
    on s.currency = t.currency
    and s.net_amount = t.amount
    and date_diff('day', s.last_paid_date, t.transferred_date) between 0 and $transfer_within_days
)
select
  t.source_table,
  t.transfer_id,
  t.transferred_at,
  t.amount,
  t.currency,
  t.has_reference,
  coalesce(t.settlement_id, p.settlement_id) as settlement_id,
  case when t.settlement_id is not null then t.tied_by when p.settlement_id is not null then 'amount' end as tied_by,
  m.confidence as match_confidence
from canonical.transfers t
left join pairs p
  on t.source_table = 'transfers' and p.transfer_id = t.transfer_id and p.settlements = 1 and p.transfers = 1
left join policy.match_methods m
  on m.match_method = case when t.settlement_id is not null then 'exact_id' when p.settlement_id is not null then 'inferred' end
