/* table
grain: currency and day that needs a rate
owner: finance
key: [currency, day]
page: docs/definitions/money.md
columns:
  currency: Currency that needs a rate
  day: Day that needs a rate
  rate: Reporting currency per one unit [rate]
*/
-- Reporting currency per one unit of every currency on every day that needs it: the reporting currency itself is 1, others have
-- the latest delivered rate on or before the day, else the policy's peg. A null rate is missing.
with needed as (
  select account_currency as currency, date as day from current.meta_insights
  union
  select coalesce(currency, $reporting_currency), cast(created_at at time zone $zone as date)
  from current.leads where stated_value is not null
  union
  select
    coalesce(currency, $reporting_currency),
    cast(case when won_at <= $as_of then won_at else created_at end at time zone $zone as date)
  from current.crm_records where final_value is not null
  union
  select currency, cast(created_at at time zone $zone as date) from current.orders
  union
  select currency, cast(paid_at at time zone $zone as date) from current.payments
  union
  select currency, cast(transferred_at at time zone $zone as date) from current.transfers
  union
  select currency, cohort_date from current.manual_adjustments
  union
  -- Money that could not be read is reported with its value if its rate is known; it requires no rate.
  select q.currency, cast(q.happened_at at time zone $zone as date)
  from raw.quarantine q
  join raw.landings l on l.landing_id = q.landing_id and l.present
  where q.amount is not null and q.happened_at is not null
    and (
      q.currency in (select currency from policy.pegged_rates)
      or q.currency = $reporting_currency
      or exists (
        select f.date from current.fx_rates f
        where f.currency = q.currency and f.date <= cast(q.happened_at at time zone $zone as date)
      )
    )
),
dropped as (
  select n.currency, n.day, max(f.date) as rate_day
  from needed n
  join current.fx_rates f on f.currency = n.currency and f.date <= n.day
  group by n.currency, n.day
)
select
  n.currency,
  n.day,
  case
    when n.currency = $reporting_currency then cast(1 as decimal(18, 8))
    else coalesce(f.rate, p.rate)
  end as rate
from needed n
left join policy.pegged_rates p on p.currency = n.currency
left join dropped d on d.currency = n.currency and d.day = n.day
left join current.fx_rates f on f.currency = d.currency and f.date = d.rate_day
