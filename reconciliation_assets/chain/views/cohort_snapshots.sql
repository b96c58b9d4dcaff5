-- Cohort view: where the records of each cohort month and campaign stood so many days after each was captured. A maturity
-- that the month's last record has not reached is marked as incomplete and must not be compared with complete ones.
with records as (
  select
    m.record_id,
    cast(date_trunc('month', m.cohort_date) as date) as cohort_start,
    m.campaign_id,
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
),
stood as (
  select
    r.cohort_start,
    r.campaign_id,
    d.maturity_day,
    count(*) as captured,
    count(case when r.is_valid then 1 end) as valid,
    count(case when r.is_valid
      and (r.qualified_date <= r.cohort_date + d.maturity_day or m.collected_value > 0) then 1 end) as qualified,
    count(case when r.is_valid
      and (r.won_date <= r.cohort_date + d.maturity_day or m.collected_value > 0) then 1 end) as won,
    count(case when m.collected_value > 0 then 1 end) as collected,
    sum(coalesce(m.collected_value, 0)) as collected_value
  from records r
  cross join policy.maturity_days d
  left join money m on m.record_id = r.record_id and m.maturity_day = d.maturity_day
  group by r.cohort_start, r.campaign_id, d.maturity_day
)
select
  g.period_start as cohort_start,
  g.campaign_id,
  n.campaign_name,
  d.maturity_day,
  cast(g.period_start + interval 1 month as date) + d.maturity_day <= cast($as_of at time zone $zone as date) as is_complete,
  coalesce(s.captured, 0) as captured,
  coalesce(s.valid, 0) as valid,
  coalesce(s.qualified, 0) as qualified,
  coalesce(s.won, 0) as won,
  coalesce(s.collected, 0) as collected,
  cast(coalesce(s.collected_value, 0) as decimal(18, 3)) as collected_value,
  g.spend_value,
  $reporting_currency as currency
from bridge.bridge_groups g
cross join policy.maturity_days d
left join stood s
  on s.cohort_start = g.period_start
  and s.campaign_id is not distinct from g.campaign_id
  and s.maturity_day = d.maturity_day
left join matching.campaigns n on n.campaign_id = g.campaign_id
