/* table
grain: captured record and maturity day
owner: finance
key: [record_id, maturity_day]
columns:
  is_valid: Whether the record is valid
  is_qualified: Whether the record had qualified by then
  is_won: Whether the record was won or fulfilled by then
  is_collected: Whether the record had collected money by then
  collected_value: Money collected by then, net of refunds, on the policy's basis [reporting currency]
*/
-- What each captured record had reached at each maturity of the policy: that many days after its capture day.
with records as (
  select
    m.record_id,
    cast(date_trunc('month', m.cohort_date) as date) as cohort_start,
    m.cohort_date,
    m.rung <> 'captured' as is_valid,
    cast(m.qualified_at at time zone $zone as date) as qualified_date,
    cast(m.won_at at time zone $zone as date) as won_date
  from outcomes.matched_chain m
),
money as (
  select
    r.record_id,
    d.maturity_day,
    sum(case when p.paid_date <= r.cohort_date + d.maturity_day then p.collected_value else 0 end) as collected_value
  from records r
  join outcomes.payment_money p on p.record_id = r.record_id
  cross join policy.maturity_days d
  group by r.record_id, d.maturity_day
)
select
  r.record_id,
  r.cohort_start,
  d.maturity_day,
  r.is_valid,
  coalesce(r.is_valid and (r.qualified_date <= r.cohort_date + d.maturity_day or m.collected_value > 0), false)
    as is_qualified,
  coalesce(r.is_valid and (r.won_date <= r.cohort_date + d.maturity_day or m.collected_value > 0), false) as is_won,
  coalesce(m.collected_value > 0, false) as is_collected,
  coalesce(m.collected_value, 0) as collected_value
from records r
cross join policy.maturity_days d
left join money m on m.record_id = r.record_id and m.maturity_day = d.maturity_day
