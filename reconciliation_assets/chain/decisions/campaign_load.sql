/* table
grain: campaign that ever spent
owner: sales-operations
key: [campaign_id]
page: docs/definitions/budget.md
columns:
  campaign_id: Meta campaign
*/
-- Whether the people who answer a campaign's leads have room for more: its leads of the last four weeks, and how many of them
-- went to owners who answer too late or have too many open leads. Spend of the last 28 full days, and the last day with spend.
with recent as (
  select
    m.record_id,
    m.campaign_id,
    m.owner,
    m.cohort_date,
    date_diff('second', m.created_at, m.first_response_at) / 60.0 as answer_minutes,
    m.rung in ('valid', 'qualified') and o.outcome = 'open' as is_open
  from outcomes.matched_chain m
  left join outcomes.opportunity_outcomes o on o.record_id = m.record_id
  where m.record_type = 'lead' and m.cohort_date > cast($as_of at time zone $zone as date) - $budget_days
),
owners as (
  select
    owner,
    count(case when is_open then 1 end) as open_leads,
    median(case when cohort_date > cast($as_of at time zone $zone as date) - 28 and answer_minutes >= 0
      then answer_minutes end) as median_answer
  from recent
  where owner is not null
  group by owner
),
leads as (
  select
    r.campaign_id,
    count(*) as recent_leads,
    count(case when w.open_leads > $busy_open_leads or w.median_answer > $busy_answer_minutes then 1 end) as busy_leads
  from recent r
  left join owners w on w.owner = r.owner
  where r.cohort_date > cast($as_of at time zone $zone as date) - 28
  group by r.campaign_id
),
spend as (
  select
    campaign_id,
    max(case when spend_value > 0 then date end) as last_spent_on,
    sum(case when date >= cast($as_of at time zone $zone as date) - 28 and date < cast($as_of at time zone $zone as date)
      then spend_value else 0 end) as recent_spend_value
  from canonical.meta_insights
  where date <= cast($as_of at time zone $zone as date)
  group by campaign_id
)
select
  s.campaign_id,
  s.last_spent_on,
  cast(s.recent_spend_value / 28 as double) as daily_spend,
  coalesce(l.recent_leads, 0) as recent_leads,
  coalesce(l.busy_leads, 0) as busy_leads
from spend s
left join leads l on l.campaign_id = s.campaign_id
