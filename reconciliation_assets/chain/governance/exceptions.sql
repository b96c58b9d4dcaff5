/* table
grain: thing somebody must act on
owner: data
key: [exception_id]
published: true
page: docs/definitions/exceptions.md
required: [exception_id, kind, source_table, source_id, value, owner, detail]
columns:
  kind: Kind of exception
  value: Value at stake [reporting currency]
  opened_at: Since when
  age_days: Age at the instant the run speaks for; empty where opened_at is [days]
  detail: What is the matter and what to do
*/
-- Open items that need action, each with its owner, its value and its start time. The ID is made of the kind and the record, so
-- it stays the same from run to run. Amounts in sentences have the decimals of their currency.
with money_aside as (
  -- Each pull reads its window again. A record it still cannot read is one item, and no item once it can be read.
  select
    q.landing_id,
    q.row_number,
    q.column_name,
    q.reason,
    q.amount,
    q.currency,
    q.happened_at,
    l.source_table,
    case when l.kind = 'pull' and q.record_id is not null then split_part(l.file, '@', 1) || ', ' || q.record_id
      else l.file || coalesce(', row ' || cast(q.row_number as varchar), '') end as source_id
  from raw.quarantine q
  join raw.landings l on l.landing_id = q.landing_id and l.present
  left join raw.raw_payments p
    on l.kind = 'pull' and l.source_table = 'payments' and p.payment_id = q.record_id and p.landing_id > q.landing_id
  left join raw.raw_orders o
    on l.kind = 'pull' and l.source_table = 'orders' and o.order_id = q.record_id and o.landing_id > q.landing_id
  where l.source_table in ('payments', 'orders') and coalesce(q.happened_at <= $as_of, true)
    and p.landing_id is null and o.landing_id is null
),
latest_aside as (
  select
    m.source_table, m.source_id, m.column_name, m.reason, m.amount, m.currency, m.happened_at,
    row_number() over (partition by m.source_table, m.source_id order by m.landing_id desc, m.row_number desc) as place
  from money_aside m
),
found as (
  select 'unknown_order_status' as kind, 'orders' as source_table, order_id as source_id, gross_value as value,
    updated_at as opened_at, 'Status "' || status || '" is not in the policy; the order counts as open.' as detail
  from canonical.orders
  where is_status_unknown
  union all
  select 'unknown_crm_stage', 'crm_records', crm_id, coalesce(final_value, 0), updated_at,
    'Stage "' || stage || '" is not in the policy; the record counts as open.'
  from canonical.crm_records
  where is_stage_unknown
  union all
  select 'unknown_qualification_status', 'crm_records', crm_id, coalesce(final_value, 0), updated_at,
    'Qualification status "' || qualification_status || '" is not in the policy; it is not counted.'
  from canonical.crm_records
  where is_qualification_unknown
  union all
  select 'unknown_payment_status', 'payments', payment_id, abs(signed_value), paid_at,
    'Status "' || status || '" is not settled, pending or failed; the payment does not count as money.'
  from canonical.payments
  where is_status_unknown
  union all
  select 'unmatched_money', 'payments', m.payment_id, abs(m.collected_value), m.paid_at,
    'Settled money that belongs to no record: the payment ' || u.reason || '.'
  from outcomes.payment_money m
  join governance.unmatched_records u on u.source_table = 'payments' and u.source_id = m.payment_id
  where m.record_id is null
  union all
  select 'money_kept_on_cancelled_order', 'orders', o.order_id, o.collected_value, o.created_at,
    'The order is ' || o.outcome || ' but its money was kept: refund it or correct the status.'
  from outcomes.order_outcomes o
  where o.outcome in ('cancelled', 'returned') and o.collected_value > 0
  union all
  select 'overpaid_order', 'orders', o.order_id, o.overpaid_value, o.first_paid_at,
    case
      when o.goods_returned_value > 0 then 'Goods came back and their money was kept: refund it, or correct what came back.'
      else 'More was paid than the order is worth: look for a payment booked twice or on the wrong order.'
    end
  from outcomes.order_outcomes o
  where o.is_overpaid and o.outcome not in ('cancelled', 'returned', 'invalid')
  union all
  select 'refunded_more_than_paid', 'orders', o.order_id, -o.collected_value, o.created_at,
    'Refunds and chargebacks exceed the payments linked to the order.'
  from outcomes.order_outcomes o
  where o.collected_value < 0
  union all
  select 'money_on_invalid_record', case r.record_type when 'lead' then 'leads' else 'orders' end, r.source_id,
    e.collected_value, e.first_paid_at,
    'The record counts as invalid (' || r.invalid_reason || ') but money was collected: check the marking.'
  from matching.captured_records r
  join outcomes.record_outcomes e on e.record_id = r.record_id
  where not r.is_valid and e.collected_value > 0
  union all
  select 'won_without_value', 'crm_records', c.crm_id, cast(0 as decimal(18, 3)), c.updated_at,
    'The opportunity is won but carries no agreed value and no order.'
  from canonical.crm_records c
  join matching.lead_crm_links k on k.right_id = c.crm_id
  left join outcomes.order_outcomes o on o.record_id = 'lead:' || k.left_id
  join matching.captured_records r on r.record_id = 'lead:' || k.left_id
  where c.outcome = 'won' and c.final_value is null and r.own_stated_value is null and o.order_id is null
  union all
  select 'conflicting_leads', 'orders', o.order_id, o.gross_value, o.created_at,
    'The order names lead ' || o.lead_id || ' and CRM record ' || o.crm_id || ', which belongs to lead ' || k.left_id || '.'
  from canonical.orders o
  join matching.lead_crm_links k on k.right_id = o.crm_id
  where o.lead_id is not null and o.lead_id <> k.left_id
  union all
  select 'merge_without_survivor', 'crm_records', c.crm_id, coalesce(c.final_value, 0), c.updated_at,
    'Merged into ' || c.merged_into || ', which leads to no record that stands: a loop, or a record missing from the extract.'
  from canonical.crm_records c
  left join canonical.crm_records s on s.crm_id = c.survivor_id
  where c.merged_into is not null and s.crm_id is null
  union all
  select 'manual_match_not_used', 'manual_matches', m.link || ' ' || m.left_id || ' ' || m.right_id,
    cast(0 as decimal(18, 3)), m.verified_at,
    case m.verdict when 'accept' then 'Accepted by ' else 'Rejected by ' end || m.verified_by || ', but ' || m.reason
      || '. Decide again or remove it.'
  from matching.unused_decisions m
  union all
  select 'possible_match', case when v.link = 'lead_crm' then 'crm_records' when v.link = 'lead_order' then 'orders'
      when v.link = 'record_ad' then case r.record_type when 'lead' then 'leads' else 'orders' end
      else 'payments' end, coalesce(r.source_id, v.right_id), coalesce(abs(p.signed_value), o.gross_value, c.final_value, e.stated_value, 0),
    coalesce(p.paid_at, o.created_at, c.created_at, r.created_at),
    'Probably belongs to ' || case v.link when 'record_ad' then 'ad ' || v.right_id else v.left_id end || ' (' || cast(cast(round(v.match_confidence * 100) as integer) as varchar) || ' %: '
      || v.evidence || '), ' || v.reason || '. Accept or reject it in manual_matches (' || v.link || ').'
  from matching.match_reviews v
  left join canonical.payments p on v.link like '%payment' and p.payment_id = v.right_id
  left join canonical.orders o on v.link = 'lead_order' and o.order_id = v.right_id
  left join canonical.crm_records c on v.link = 'lead_crm' and c.crm_id = v.right_id
  left join matching.captured_records r on v.link = 'record_ad' and r.record_id = v.left_id
  left join outcomes.record_outcomes e on e.record_id = r.record_id
  union all
  select 'closed_month_restated', 'meta_insights',
    m.account_id || ' ' || m.campaign_id || ' ' || left(cast(m.period_start as varchar), 7),
    greatest(abs(m.attributed_moved_since_close), abs(m.spend_moved_since_close)), m.last_changed_at,
    'Meta moved the closed month ' || left(cast(m.period_start as varchar), 7) || ': attributed value by '
      || amount_text(m.attributed_moved_since_close, $reporting_currency) || ', spend by '
      || amount_text(m.spend_moved_since_close, $reporting_currency)
      || ', results by ' || cast(cast(m.results_moved_since_close as bigint) as varchar)
      || '. Tell whoever reported the month; meta_beliefs holds what was believed when.'
  from governance.meta_restatements m
  where m.period_kind = 'month'
    and (m.attributed_moved_since_close <> 0 or m.spend_moved_since_close <> 0 or m.results_moved_since_close <> 0)
  union all
  select 'locked_month_moved', 'period_locks', left(cast(d.period_start as varchar), 7), max(abs(d.difference)), max(d.locked_at),
    'Figures of the month, locked by ' || max(d.locked_by) || ', differ in ' || cast(count(*) as varchar)
      || ' lines: see locked_differences. Correct the source, or sign the month anew in period_locks.'
  from governance.locked_differences d
  where d.difference <> 0 or d.records <> d.locked_records
  group by d.period_start
  union all
  select 'unusable_verdict', 'validation_verdicts', v.link || ' ' || v.left_id || ' ' || v.right_id || ' ' || v.match_method,
    cast(0 as decimal(18, 3)), v.verified_at,
    'The verdict does not count: ' || v.problem || '. Correct the row of the sheet and drop it again.'
  from canonical.validation_verdicts v
  where not v.counts
  union all
  select 'method_awaits_signature', 'method_sign_offs', s.link || ', ' || s.match_method, cast(0 as decimal(18, 3)),
    cast(null as timestamptz),
    'Reviewers found ' || cast(cast(round(s.error_rate * 100) as integer) as varchar) || ' % of its links wrong in '
      || cast(s.verdicts as varchar) || ' verdicts, so it carries no money. Mend it, or sign it in method_sign_offs.'
  from matching.match_standing s
  where s.awaits_signature
  union all
  select 'remittance_differs', 'payments', r.settlement_id || ' ' || r.currency, coalesce(r.difference_value, 0),
    coalesce(r.transferred_at, r.settled_at),
    case r.state
      when 'late' then 'No transfer has brought settlement ' || r.settlement_id || ': '
        || amount_text(r.net_amount, r.currency) || ' ' || r.currency || ' for '
        || cast(r.payments as varchar) || case when r.payments = 1 then ' payment' else ' payments' end
        || '. Ask who should have paid it.'
      when 'report missing' then 'Transfer ' || r.transfer_id || ' pays settlement ' || r.settlement_id || ' in ' || r.currency
        || ', of which no payment is known: drop its report.'
      else 'Transfer ' || r.transfer_id || ' brought ' || amount_text(r.transferred_amount, r.currency) || ' '
        || r.currency || '; the payments of settlement ' || r.settlement_id || ' less refunds and fees come to '
        || amount_text(r.net_amount, r.currency) || '.'
    end
  from outcomes.remittances r
  where r.state in ('differs', 'late', 'report missing')
  union all
  select 'remittance_line', 'payments', l.payment_id, l.difference_value, l.paid_at,
    case l.verdict
      when 'short' then 'Less than the order owed'
      when 'over' then 'More than the order owed'
      when 'repeated' then 'The same parcel was paid over before'
      when 'not owed' then 'The order owed nothing: it was paid before, cancelled or sent back'
      else 'The order is in another currency'
    end || ': waybill ' || l.waybill || ', order ' || l.order_id || ', '
      || amount_text(l.received_amount, l.currency) || ' ' || l.currency || ' received, '
      || coalesce(amount_text(l.owed_amount, l.currency), 'an unknown amount') || ' owed.'
  from outcomes.remittance_lines l
  where l.verdict in ('short', 'over', 'repeated', 'not owed', 'another currency')
  union all
  select 'money_in_quarantine', q.source_table, q.source_id,
    coalesce(abs(cast(round_even(cast(q.amount as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3))), 0),
    q.happened_at,
    coalesce('An amount of ' || amount_text(q.amount, q.currency) || coalesce(' ' || q.currency, ''), 'An unknown amount')
      || ' is in no figure, because its row cannot be read: ' || coalesce('column ' || q.column_name || ', ', '') || q.reason
      || '. Correct it at the source and drop the file again.'
  from latest_aside q
  left join canonical.daily_rates r on r.currency = q.currency and r.day = cast(q.happened_at at time zone $zone as date)
  where q.place = 1
  union all
  select 'unread_value', l.source_table, coalesce(p.payment_id, o.order_id) || ', ' || u.column_name,
    cast(0 as decimal(18, 3)), coalesce(p.paid_at, o.created_at),
    'It counts, but what column ' || u.column_name || ' says of it is unknown: ' || u.reason || '.'
  from raw.unread_values u
  join raw.landings l on l.landing_id = u.landing_id and l.present
  left join raw.after_as_of a on a.landing_id = u.landing_id and a.row_number = u.row_number
  left join raw.raw_payments p on p.landing_id = u.landing_id and p.row_number = u.row_number
  left join raw.raw_orders o on o.landing_id = u.landing_id and o.row_number = u.row_number
  where a.landing_id is null
  union all
  select 'rows_of_one_key', l.source_table,
    l.file || ', rows ' || cast(d.row_number as varchar) || ' and ' || cast(d.kept_row_number as varchar),
    cast(0 as decimal(18, 3)), cast(null as timestamptz),
    'Rows ' || cast(d.row_number as varchar) || ' and ' || cast(d.kept_row_number as varchar) || ' of ' || l.file
      || ' have the same key and say different things, and nothing tells which is newer; the later one counts.'
  from raw.repeated_rows d
  join raw.landings l on l.landing_id = d.landing_id and l.present
  where not d.is_same
),
named as (
  select kind, source_table, source_id, sum(value) as value, min(opened_at) as opened_at, min(detail) as detail
  from found
  group by kind, source_table, source_id
)
select
  md5(n.kind || '|' || n.source_table || '|' || n.source_id) as exception_id,
  n.kind,
  n.source_table,
  n.source_id,
  cast(n.value as decimal(18, 3)) as value,
  $reporting_currency as currency,
  n.opened_at,
  date_diff('day', n.opened_at, $as_of) as age_days,
  coalesce(o.owner, $default_owner) as owner,
  n.detail
from named n
left join policy.exception_owners o on o.kind = n.kind
