/* table
grain: lead with CRM records
owner: sales-operations
key: [record_id]
columns:
  owner: Sales owner, from the CRM record
  match_method: Method that linked the lead to its CRM record
  match_confidence: How sure the link to its CRM record is [share]
  outcome: 'What became of the deals: won if any is, lost only if all are, else open'
  is_live: Whether a deal stands that is neither lost nor invalid
  lost_value: Final value of deals that were lost [reporting currency]
  invalid_value: Final value of deals found invalid [reporting currency]
  payments: Settled payments, refunds and chargebacks of it [count]
  closed_value: What payments close of the opportunity, what the customer paid in its currency converted [reporting currency]
*/
-- Leads with their outcome in the CRM: all CRM records linked to a lead are one opportunity; merged records do not count. Won if
-- any is won, lost only if all are lost. Deal values are kept separate: still valid, lost, or found invalid.
with history as (
  select
    crm_id,
    max(rung_order) as rung_order,
    min(case when rung_order >= 2 then entered_at end) as qualified_at,
    min(case when rung_order >= 3 then entered_at end) as won_at
  from canonical.crm_stage_changes
  where outcome is distinct from 'invalid'
  group by crm_id
),
linked as (
  select
    k.left_id as lead_id,
    c.crm_id,
    c.outcome,
    greatest(c.rung_order, coalesce(h.rung_order, 0)) as rung_order,
    c.owner,
    c.first_response_at,
    c.final_value,
    k.match_method,
    k.match_confidence,
    case when c.rung_order >= 2 or h.rung_order >= 2
      then coalesce(h.qualified_at, c.won_at, c.updated_at) end as qualified_at,
    case when c.rung_order >= 3 or h.rung_order >= 3
      then coalesce(c.won_at, h.won_at, c.updated_at) end as won_at,
    row_number() over (
      partition by k.left_id
      order by c.survivor_id is null desc, c.outcome <> 'invalid' desc, c.rung_order desc, c.updated_at desc, c.crm_id
    ) as place,
    case when c.survivor_id is not null then 'merged' when c.outcome in ('lost', 'invalid') then c.outcome else 'live' end
      as standing
  from matching.lead_crm_links k
  join canonical.crm_records c on c.crm_id = k.right_id
  left join history h on h.crm_id = c.crm_id
),
money as (
  select
    k.left_id as lead_id,
    count(*) as payments,
    sum(case when m.kind = 'payment' then m.signed_value else 0 end) as paid_value,
    sum(
      case
        when m.kind <> 'payment' then 0
        when m.closing_amount is null or m.currency = coalesce(c.currency, $reporting_currency) then m.signed_value
        else cast(round_even(cast(m.closing_amount as decimal(38, 6)) * c.rate, $minor_digits) as decimal(18, 3))
      end
    ) as closed_value,
    sum(m.collected_value + m.refunded_value) as paid_basis_value,
    sum(m.refunded_value) as refunded_value,
    sum(m.collected_value) as collected_value,
    min(m.paid_at) as first_paid_at
  from outcomes.payment_money m
  join matching.lead_crm_links k on k.right_id = m.crm_id
  join canonical.crm_records c on c.crm_id = m.crm_id
  group by k.left_id
),
credit as (
  select k.left_id as lead_id, sum(d.credit_value) as credit_value
  from outcomes.credits d
  join matching.lead_crm_links k on k.right_id = d.crm_id
  group by k.left_id
)
select
  'lead:' || l.lead_id as record_id,
  min(case when l.place = 1 then l.crm_id end) as crm_id,
  min(case when l.place = 1 then l.owner end) as owner,
  min(case when l.place = 1 then l.match_method end) as match_method,
  min(case when l.place = 1 then l.match_confidence end) as match_confidence,
  case
    when bool_or(l.outcome = 'won' and l.standing = 'live') then 'won'
    when bool_or(l.standing = 'lost') and not bool_or(l.standing = 'live') then 'lost'
    else 'open'
  end as outcome,
  max(l.rung_order) as rung_order,
  bool_or(l.standing = 'live') as is_live,
  sum(case when l.standing = 'live' then l.final_value end) as final_value,
  sum(case when l.standing = 'lost' then l.final_value end) as lost_value,
  sum(case when l.standing = 'invalid' then l.final_value end) as invalid_value,
  min(l.first_response_at) as first_response_at,
  min(l.qualified_at) as qualified_at,
  min(l.won_at) as won_at,
  coalesce(min(m.payments), 0) as payments,
  coalesce(min(m.paid_value), 0) as paid_value,
  coalesce(min(m.closed_value), 0) as closed_value,
  coalesce(min(m.paid_basis_value), 0) as paid_basis_value,
  coalesce(min(m.refunded_value), 0) as refunded_value,
  coalesce(min(m.collected_value), 0) as collected_value,
  coalesce(min(d.credit_value), 0) as credit_value,
  min(m.first_paid_at) as first_paid_at
from linked l
left join money m on m.lead_id = l.lead_id
left join credit d on d.lead_id = l.lead_id
group by l.lead_id
