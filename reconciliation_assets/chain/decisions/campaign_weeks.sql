/* table
grain: campaign, week of spend and age
owner: finance
key: [campaign_id, week_start, age_days]
page: docs/definitions/budget.md
columns:
  campaign_id: Meta campaign
  week_start: Monday of the week of spend
  age_days: Age of each record at which its money is counted, from its own day [days]
  spend_value: Spend of the week, converted [reporting currency]
  collected_value: Money that the records of the week had brought in at that age [reporting currency]
*/
-- The money that each week of a campaign's spend brought in, by age of its records: money of the records captured in the week, up
-- to that many days after capture. A week is complete at an age once its last day is that old.
with spend as (
  select
    campaign_id,
    cast(date_trunc('week', date) as date) as week_start,
    sum(spend_value) as spend_value
  from canonical.meta_insights
  group by 1, 2
),
money as (
  select
    m.campaign_id,
    cast(date_trunc('week', m.cohort_date) as date) as week_start,
    m.record_id,
    date_diff('day', m.cohort_date, p.paid_date) as paid_at_age,
    p.collected_value,
    case when c.grade <= 2 then p.collected_value else 0 end as exact_value
  from outcomes.matched_chain m
  join outcomes.payment_money p on p.record_id = m.record_id
  left join views.payment_certainty c on c.payment_id = p.payment_id
  where m.campaign_id is not null
),
aged as (
  select
    m.campaign_id,
    m.week_start,
    a.age_days,
    sum(m.collected_value) as collected_value,
    sum(m.exact_value) as exact_value,
    count(distinct m.record_id) as paid_records
  from money m
  join policy.curve_ages a on m.paid_at_age <= a.age_days
  group by 1, 2, 3
)
select
  s.campaign_id,
  s.week_start,
  a.age_days,
  s.week_start + 6 + a.age_days <= cast($as_of at time zone $zone as date) as is_complete,
  cast(s.spend_value as decimal(18, 3)) as spend_value,
  cast(coalesce(g.collected_value, 0) as decimal(18, 3)) as collected_value,
  cast(coalesce(g.exact_value, 0) as decimal(18, 3)) as collected_exact_value,
  coalesce(g.paid_records, 0) as paid_records
from spend s
cross join policy.curve_ages a
left join aged g on g.campaign_id = s.campaign_id and g.week_start = s.week_start and g.age_days = a.age_days
