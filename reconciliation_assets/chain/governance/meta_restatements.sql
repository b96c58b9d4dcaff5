/* table
grain: account, campaign and reporting day or month
owner: marketing
key: [period_kind, period_start, account_id, campaign_id]
published: true
group: change_control
page: docs/definitions/restatements.md
required: [period_kind, period_start, account_id, campaign_id, beliefs, first_spend_value, spend_value,
  spend_difference, first_results, results, results_difference, first_attributed_value, attributed_value_reporting,
  attributed_difference, closes_at, is_closed, currency, spend_moved_since_close, results_moved_since_close,
  attributed_moved_since_close]
words:
  period_kind: [day, month]
columns:
  period_kind: day or month
  period_start: The day, or the first day of the month
  beliefs: Different figures ever held, day by day [count]
  first_believed_at: Earliest pull that held figures; empty where the deliveries do not say
  last_changed_at: Pull that last changed a figure; empty where the deliveries do not say
  first_spend_value: Spend as first believed [reporting currency]
  spend_value: Spend as believed now [reporting currency]
  spend_difference: Spend now less as first believed [reporting currency]
  first_results: Results as first believed [count]
  results: Results as believed now [count]
  results_difference: Results now less as first believed [count]
  first_attributed_value: Value Meta attributed as first believed; an estimate [reporting currency]
  attributed_value_reporting: Attributed value as believed now; an estimate, never money [reporting currency]
  attributed_difference: Attributed value now less as first believed; an estimate [reporting currency]
  closes_at: When the month closes or closed
  is_closed: Whether the month is closed at the instant the run speaks for
  spend_moved_since_close: Spend now less at closing; 0 while the month is open [reporting currency]
  results_moved_since_close: Results now less at closing; 0 while the month is open [count]
  attributed_moved_since_close: Attributed value now less at closing; 0 while the month is open [reporting currency]
*/
-- How Meta's figures changed since they were first reported, by account and campaign, for every reporting day and every month,
-- and what changed after the month was closed. A month closes the policy's number of days after its end, or when it is locked, if
-- that is sooner. A campaign that was not there at closing counts as 0 at closing, unless nothing of the month was known yet.
with months as (
  select
    m.month,
    least(
      timezone($zone, cast(m.month as timestamp) + interval '1' month + to_days($meta_months_close_after_days)),
      coalesce(f.locked_at, timezone($zone, cast(m.month as timestamp) + interval '1' month
        + to_days($meta_months_close_after_days)))
    ) as closes_at
  from (select distinct cast(date_trunc('month', date) as date) as month from governance.meta_beliefs) m
  left join governance.locks_in_force f on f.period_start = m.month
),
beliefs as (
  select
    b.account_id,
    b.campaign_id,
    b.date,
    m.month,
    m.closes_at,
    m.closes_at <= $as_of as is_closed,
    b.believed_from,
    b.believed_until,
    b.spend_value,
    b.results,
    b.attributed_value_reporting,
    coalesce(b.believed_from <= m.closes_at, true) as was_held,
    coalesce(b.believed_from <= m.closes_at, true) and coalesce(b.believed_until > m.closes_at, true) as is_of_closing,
    row_number() over (
      partition by b.account_id, b.date, b.campaign_id
      order by coalesce(b.believed_from, cast('1970-01-01 00:00:00+00' as timestamptz)), b.campaign_id
    ) = 1 as is_first
  from governance.meta_beliefs b
  join months m on m.month = cast(date_trunc('month', b.date) as date)
),
held as (
  select account_id, month, bool_or(was_held) as was_held from beliefs group by account_id, month
),
days as (
  select
    b.account_id,
    b.campaign_id,
    b.date,
    b.month,
    b.closes_at,
    b.is_closed,
    count(*) as beliefs,
    min(b.believed_from) as first_believed_at,
    max(b.believed_from) as last_changed_at,
    sum(case when b.is_first then b.spend_value else 0 end) as first_spend,
    sum(case when b.is_first then b.results else 0 end) as first_results,
    sum(case when b.is_first then b.attributed_value_reporting else 0 end) as first_attributed,
    sum(case when b.believed_until is null then b.spend_value else 0 end) as spend_now,
    sum(case when b.believed_until is null then b.results else 0 end) as results_now,
    sum(case when b.believed_until is null then b.attributed_value_reporting else 0 end) as attributed_now,
    sum(case when b.is_of_closing or (b.is_first and not h.was_held) then b.spend_value else 0 end) as closing_spend,
    sum(case when b.is_of_closing or (b.is_first and not h.was_held) then b.results else 0 end) as closing_results,
    sum(case when b.is_of_closing or (b.is_first and not h.was_held) then b.attributed_value_reporting else 0 end)
      as closing_attributed
  from beliefs b
  join held h on h.account_id = b.account_id and h.month = b.month
  group by b.account_id, b.campaign_id, b.date, b.month, b.closes_at, b.is_closed
),
periods as (
  select 'day' as period_kind, date as period_start, account_id, campaign_id, closes_at, is_closed, beliefs, first_believed_at,
    last_changed_at, first_spend, first_results, first_attributed, spend_now, results_now, attributed_now, closing_spend,
    closing_results, closing_attributed
  from days
  union all
  select 'month', month, account_id, campaign_id, closes_at, is_closed, beliefs, first_believed_at, last_changed_at, first_spend,
    first_results, first_attributed, spend_now, results_now, attributed_now, closing_spend, closing_results, closing_attributed
  from days
),
summed as (
  select
    period_kind,
    period_start,
    account_id,
    campaign_id,
    closes_at,
    is_closed,
    sum(beliefs) as beliefs,
    min(first_believed_at) as first_believed_at,
    max(last_changed_at) as last_changed_at,
    sum(first_spend) as first_spend,
    sum(first_results) as first_results,
    sum(first_attributed) as first_attributed,
    sum(spend_now) as spend_now,
    sum(results_now) as results_now,
    sum(attributed_now) as attributed_now,
    sum(closing_spend) as closing_spend,
    sum(closing_results) as closing_results,
    sum(closing_attributed) as closing_attributed
  from periods
  group by period_kind, period_start, account_id, campaign_id, closes_at, is_closed
)
select
  period_kind,
  period_start,
  account_id,
  campaign_id,
  cast(beliefs as bigint) as beliefs,
  first_believed_at,
  last_changed_at,
  cast(first_spend as decimal(18, 3)) as first_spend_value,
  cast(spend_now as decimal(18, 3)) as spend_value,
  cast(spend_now - first_spend as decimal(18, 3)) as spend_difference,
  cast(first_results as decimal(18, 6)) as first_results,
  cast(results_now as decimal(18, 6)) as results,
  cast(results_now - first_results as decimal(18, 6)) as results_difference,
  cast(first_attributed as decimal(18, 3)) as first_attributed_value,
  cast(attributed_now as decimal(18, 3)) as attributed_value_reporting,
  cast(attributed_now - first_attributed as decimal(18, 3)) as attributed_difference,
  closes_at,
  is_closed,
  cast(case when is_closed then spend_now - closing_spend else 0 end as decimal(18, 3)) as spend_moved_since_close,
  cast(case when is_closed then results_now - closing_results else 0 end as decimal(18, 6)) as results_moved_since_close,
  cast(case when is_closed then attributed_now - closing_attributed else 0 end as decimal(18, 3))
    as attributed_moved_since_close,
  $reporting_currency as currency
from summed
