/* table
grain: choice of the policy
owner: finance
key: [choice]
published: true
group: change_control
required: [choice, setting, alternative, measure, records, value, currency]
words:
  measure: [collected_value, stated_value]
at_least_zero: [records]
columns:
  choice: What the policy decides
  setting: The setting in force
  alternative: The other setting
  measure: What would change
  records: Payments or records concerned [count]
  value: By how much it would change under the other setting [reporting currency]
*/
-- The effect of some of the policy's choices: the setting in use, the alternative, and by how much the figure would change. Each
-- choice is changed one at a time, over all records; only a run under the other policy gives the exact effect.
with money as (
  select
    m.record_id,
    m.kind,
    m.collected_value,
    m.paid_date,
    r.cohort_date,
    r.is_valid,
    p.rate,
    p.sign * case when m.kind = 'fee' then 0 else coalesce(p.tax, p.amount * o.tax_amount / nullif(o.gross_amount, 0), 0) end
      as tax,
    p.sign * case when m.kind = 'fee' then 0 else coalesce(p.amount * o.shipping_amount / nullif(o.gross_amount, 0), 0) end
      as shipping,
    case when m.kind = 'fee' then 0 else coalesce(p.fee, 0) end as fee,
    c.grade
  from outcomes.payment_money m
  join canonical.payments p on p.payment_id = m.payment_id
  join outcomes.matched_chain r on r.record_id = m.record_id
  left join canonical.orders o on o.order_id = m.order_id
  left join views.payment_certainty c on c.payment_id = m.payment_id
),
weighed as (
  select 'basis.include_tax' as choice, case when $include_tax then 'in' else 'out' end as setting,
    case when $include_tax then 'out' else 'in' end as alternative, 'collected_value' as measure,
    count(case when tax <> 0 then 1 end) as records,
    sum(cast(tax * rate as decimal(38, 6))) * case when $include_tax then -1 else 1 end as value
  from money
  union all
  select 'basis.include_shipping', case when $include_shipping then 'in' else 'out' end,
    case when $include_shipping then 'out' else 'in' end, 'collected_value',
    count(case when shipping <> 0 then 1 end),
    sum(cast(shipping * rate as decimal(38, 6))) * case when $include_shipping then -1 else 1 end
  from money
  union all
  select 'basis.deduct_payment_fees', case when $deduct_payment_fees then 'deducted' else 'left in' end,
    case when $deduct_payment_fees then 'left in' else 'deducted' end, 'collected_value',
    count(case when fee <> 0 then 1 end),
    sum(cast(fee * rate as decimal(38, 6))) * case when $deduct_payment_fees then 1 else -1 end
  from money
  union all
  select 'matching.exact_contact', 'carries money', 'carries none', 'collected_value',
    count(case when grade = 3 then 1 end), -sum(case when grade = 3 then collected_value else 0 end)
  from money
  union all
  select 'matching.crm_relationship', 'carries money', 'carries none', 'collected_value',
    count(case when grade = 4 then 1 end), -sum(case when grade = 4 then collected_value else 0 end)
  from money
  union all
  select 'matching.inferred', 'carries money', 'carries none', 'collected_value',
    count(case when grade = 5 then 1 end), -sum(case when grade = 5 then collected_value else 0 end)
  from money
  union all
  select 'invalid records that paid', 'counted', 'not counted', 'collected_value',
    count(case when not is_valid then 1 end), -sum(case when not is_valid then collected_value else 0 end)
  from money
  union all
  select 'cohorts.maturity_days', 'to day ' || cast(d.last_day as varchar), 'without end', 'collected_value',
    count(case when m.paid_date > m.cohort_date + d.last_day then 1 end),
    sum(case when m.paid_date > m.cohort_date + d.last_day then m.collected_value else 0 end)
  from money m
  cross join (select max(maturity_day) as last_day from policy.maturity_days) d
  group by d.last_day
  union all
  select 'matching.duplicate_window_days', 'within ' || cast($duplicate_window_days as varchar) || ' days', 'no duplicates',
    'stated_value', count(*), sum(value)
  from governance.duplicate_records
  where source_table in ('leads', 'orders')
)
select
  choice,
  setting,
  alternative,
  measure,
  records,
  cast(round_even(coalesce(value, 0), $minor_digits) as decimal(18, 3)) as value,
  $reporting_currency as currency
from weighed
