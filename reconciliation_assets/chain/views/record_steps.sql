/* table
grain: captured record and step it entered
owner: data
key: [record_id, step]
page: docs/definitions/diagnosis.md#steps
required: [record_id, step, entered_on, is_passed]
words:
  step: steps
columns:
  entered_on: Day the record came to the step
  reason: Why the record did not pass, where it did not
*/
-- Every step a captured record entered between the ad and the money, the day, whether it passed within the step's days, and if
-- not, why. A lead is sold in the CRM or by an order; an order is sold when it is placed. A record enters the collection steps
-- only once it is sold, and the qualification step only once it was answered.
with first_orders as (
  select
    o.record_id,
    min(o.created_at) as ordered_at,
    min(case when o.outcome in ('cancelled', 'returned')
      then o.outcome || coalesce(': ' || replace(lower(trim(c.reason)), '_', ' '), '') end) as failed_by
  from outcomes.order_outcomes o
  join canonical.orders c on c.order_id = o.order_id
  where o.outcome <> 'invalid'
  group by o.record_id
),
-- Whether this CRM records when leads are answered. If it never does, the answer step is not required.
told as (
  select count(first_response_at) > 0 as has_answers from outcomes.matched_chain
),
records as (
  select
    m.record_id,
    m.record_type,
    m.cohort_date,
    m.rung <> 'captured' as is_valid,
    m.crm_id,
    m.stated_value,
    m.collected_value,
    case when m.invalid_reason like 'duplicate of%' then 'duplicate' else m.invalid_reason end as invalid_reason,
    o.ordered_at is not null as has_order,
    o.failed_by,
    c.qualification_reason,
    c.loss_reason,
    t.has_answers,
    date_diff('second', m.created_at, m.first_response_at) / 60.0 as answer_minutes,
    cast(least(m.first_response_at, m.qualified_at, o.ordered_at) at time zone $zone as date) as answered_on,
    cast(least(m.qualified_at, o.ordered_at) at time zone $zone as date) as qualified_on,
    cast(coalesce(o.ordered_at, m.won_at) at time zone $zone as date) as sold_on
  from outcomes.matched_chain m
  cross join told t
  left join first_orders o on o.record_id = m.record_id
  left join canonical.crm_records c on c.crm_id = m.crm_id
),
days as (
  select
    max(case when step = 'answered' then window_days end) as answered,
    max(case when step = 'qualified' then window_days end) as qualified,
    max(case when step = 'won' then window_days end) as won,
    max(case when step = 'collected_orders' then window_days end) as collected_orders,
    max(case when step = 'collected_deals' then window_days end) as collected_deals
  from policy.steps
),
paid as (
  select
    r.record_id,
    sum(p.collected_value) as collected_value,
    count(*) as payments
  from records r
  cross join days d
  join outcomes.payment_money p
    on p.record_id = r.record_id
  where p.paid_date <= r.sold_on + case when r.has_order then d.collected_orders else d.collected_deals end
  group by r.record_id
),
steps as (
  select
    record_id,
    case record_type when 'lead' then 'valid_leads' else 'valid_orders' end as step,
    cohort_date as entered_on,
    is_valid as is_passed,
    invalid_reason as reason,
    collected_value,
    stated_value
  from records
  union all
  select r.record_id, 'answered', r.cohort_date, coalesce(r.answered_on <= r.cohort_date + d.answered, false),
    case when r.answered_on is null then 'no answer recorded' else 'answered later' end, r.collected_value, r.stated_value
  from records r
  cross join days d
  where r.record_type = 'lead' and r.is_valid and r.crm_id is not null and r.has_answers
  union all
  select r.record_id, 'answered_in_time', r.cohort_date, r.answer_minutes <= $answer_within_minutes,
    case when r.answer_minutes <= 1440 then 'answered the same day' when r.answer_minutes <= 2880 then 'answered a day later'
      else 'answered after two days or more' end,
    r.collected_value, r.stated_value
  from records r
  cross join days d
  where r.record_type = 'lead' and r.is_valid and r.answer_minutes >= 0 and r.answered_on <= r.cohort_date + d.answered
  union all
  select r.record_id, 'qualified', case when r.has_answers then r.answered_on else r.cohort_date end,
    coalesce(
      r.qualified_on <= case when r.has_answers then r.answered_on else r.cohort_date end + d.qualified, false
    ),
    coalesce(replace(lower(trim(coalesce(r.qualification_reason, r.loss_reason))), '_', ' '), 'still open'),
    r.collected_value, r.stated_value
  from records r
  cross join days d
  where r.record_type = 'lead' and r.is_valid and (r.answered_on is not null or not r.has_answers)
  union all
  select r.record_id, 'won', r.qualified_on, coalesce(r.sold_on <= r.qualified_on + d.won, false),
    coalesce(replace(lower(trim(r.loss_reason)), '_', ' '), 'still open'), r.collected_value, r.stated_value
  from records r
  cross join days d
  where r.record_type = 'lead' and r.is_valid and r.qualified_on is not null
  union all
  select r.record_id, case when r.has_order then 'collected_orders' else 'collected_deals' end, r.sold_on,
    coalesce(p.collected_value > 0, false),
    coalesce(r.failed_by, case when p.payments > 0 then 'paid and given back' else 'not paid yet' end),
    r.collected_value, r.stated_value
  from records r
  left join paid p on p.record_id = r.record_id
  where r.is_valid and r.sold_on is not null
)
select
  s.record_id,
  s.step,
  s.entered_on,
  s.is_passed,
  case when not s.is_passed then s.reason end as reason,
  s.collected_value,
  s.stated_value
from steps s
