/* table
grain: signed entry
owner: finance
key: [entry_id]
published: true
required: [entry_id, record_id, cohort_date, line, amount, currency, reason, policy_version]
words:
  line: lines_of_entries
columns:
  entry_id: The entry, the same from run to run
  amount: Signed amount of the entry [reporting currency]
  reason: Why the value differs
  order_id: The order it is about; empty for a lead without orders, an invalid record and money on the opportunity
*/
-- Why a record collected more or less than its stated value: signed entries on bridge lines 4 to 8, one or more per record. The
-- entries of a record sum to its collected value less its stated value.
with valid_parts as (
  select
    p.record_id,
    p.order_id,
    p.outcome,
    p.stated_value,
    p.final_value,
    p.paid_value,
    p.paid_basis_value,
    p.refunded_value,
    p.goods_returned_value,
    p.credit_value,
    p.collected_value,
    p.open_value,
    p.is_overpaid
  from outcomes.record_parts p
  join matching.captured_records r on r.record_id = p.record_id
  where r.is_valid
),
standing as (
  select
    p.record_id,
    p.order_id,
    -p.refunded_value as refunded,
    p.final_value - p.stated_value as revalued,
    p.paid_basis_value - p.paid_value as outside_basis,
    -p.goods_returned_value as came_back,
    -p.credit_value as credited,
    -p.open_value as still_open,
    (p.collected_value - p.stated_value)
      + p.refunded_value + p.goods_returned_value + p.credit_value + p.open_value
      - (p.final_value - p.stated_value) - (p.paid_basis_value - p.paid_value)
      as surplus,
    p.is_overpaid
  from valid_parts p
  where p.outcome not in ('cancelled', 'lost', 'returned')
),
paid_on_opportunity as (
  select
    c.record_id,
    c.collected_value + c.refunded_value as paid_value,
    -c.refunded_value as refunded,
    c.credit_value,
    sum(o.open_value) as open_value
  from outcomes.opportunity_outcomes c
  join matching.captured_records r on r.record_id = c.record_id and r.is_valid
  join outcomes.order_outcomes o on o.record_id = c.record_id
  where c.payments > 0 or c.credit_value > 0
  group by c.record_id, c.collected_value, c.refunded_value, c.credit_value
),
credited_on_opportunity as (
  select record_id, least(credit_value, open_value - least(paid_value, open_value)) as credited from paid_on_opportunity
),
entries as (
  select e.record_id, cast(null as varchar) as order_id, 'invalid_or_duplicate' as line,
    e.collected_value - e.stated_value as amount, r.invalid_reason as reason
  from outcomes.record_outcomes e
  join matching.captured_records r on r.record_id = e.record_id
  where not r.is_valid
  union all
  select record_id, order_id, 'lost_or_cancelled', collected_value - stated_value,
    case outcome when 'lost' then 'opportunity lost' else 'order cancelled' end
  from valid_parts
  where outcome in ('cancelled', 'lost')
  union all
  select record_id, order_id, 'returned_refunded_failed', collected_value - stated_value, 'order returned or refused'
  from valid_parts
  where outcome = 'returned'
  union all
  select record_id, order_id, 'returned_refunded_failed', refunded, 'refund or chargeback' from standing
  union all
  select record_id, order_id, 'returned_refunded_failed', came_back, 'goods came back' from standing
  union all
  select record_id, order_id, 'value_and_basis', credited, 'settled by gift card, store credit or points' from standing
  union all
  select record_id, order_id, 'value_and_basis', revalued, 'final value differs from stated value' from standing
  union all
  select record_id, order_id, 'value_and_basis', outside_basis, 'tax, shipping or fees outside the basis' from standing
  union all
  select record_id, order_id, 'value_and_basis', surplus,
    case when is_overpaid then 'paid more than the final value' else 'exchange rates and rounding' end
  from standing
  union all
  select record_id, order_id, 'open', still_open, 'not yet collected' from standing
  union all
  select record_id, null, 'returned_refunded_failed', refunded, 'refund or chargeback on the opportunity'
  from paid_on_opportunity
  union all
  select record_id, null, 'open', least(paid_value, open_value), 'paid against the opportunity' from paid_on_opportunity
  union all
  select record_id, null, 'value_and_basis', paid_value - least(paid_value, open_value), 'paid beyond the orders'
  from paid_on_opportunity
  union all
  select record_id, null, 'open', credited, 'credit against the opportunity' from credited_on_opportunity
  union all
  select record_id, null, 'value_and_basis', -credited, 'settled by gift card, store credit or points' from credited_on_opportunity
)
select
  md5(e.record_id || '|' || coalesce(e.order_id, '') || '|' || e.line || '|' || e.reason) as entry_id,
  e.record_id,
  g.campaign_id,
  r.cohort_date,
  e.line,
  cast(e.amount as decimal(18, 3)) as amount,
  $reporting_currency as currency,
  e.reason,
  e.order_id,
  $policy_version as policy_version
from entries e
join matching.captured_records r on r.record_id = e.record_id
join matching.record_origins g on g.record_id = e.record_id
where e.amount <> 0
