/* table
grain: account, campaign, reporting day and time from which it was believed
owner: marketing
key: [account_id, campaign_id, date, believed_from]
published: true
group: change_control
page: docs/definitions/restatements.md
required: [account_id, campaign_id, date, spend_value, results, attributed_value_reporting, currency]
at_least_zero: [spend_value, results, attributed_value_reporting]
columns:
  date: Reporting day in the ad account's zone
  believed_from: Pull from which on these figures were believed; empty where the delivery does not say
  believed_until: Pull that replaced them; empty while they are believed
*/
-- Meta's figures of each campaign and reporting day as known at each time, from one pull to the next: the sum over its ads of the
-- latest version known then. The row without an end is the current one. A row without a beginning comes from deliveries that do
-- not state when they were read. All deliveries that count are used, including superseded ones.
with counting as (
  select
    r.account_id,
    r.campaign_id,
    r.ad_id,
    r.date,
    r.result_type,
    r.account_currency,
    coalesce(r.pulled_at, cast('1970-01-01 00:00:00+00' as timestamptz)) as held_from,
    r.spend,
    r.results,
    r.attributed_value,
    -- Rows of one file are parts of one version; a pull has one row per version.
    rank() over (
      partition by r.account_id, r.ad_id, r.date, r.result_type, r.pulled_at
      order by l.place desc, r.landing_id, case when l.kind = 'pull' then r.row_number end desc
    ) as place
  from raw.raw_meta_insights r
  join raw.landings l on l.landing_id = r.landing_id and l.present
  left join raw.repeated_rows d on d.landing_id = r.landing_id and d.row_number = r.row_number
  left join raw.after_as_of a on a.landing_id = r.landing_id and a.row_number = r.row_number
  where d.landing_id is null and a.landing_id is null
),
versions as (
  select
    account_id,
    min(campaign_id) as campaign_id,
    ad_id,
    date,
    result_type,
    min(account_currency) as account_currency,
    held_from,
    sum(spend) as spend,
    sum(results) as results,
    sum(attributed_value) as attributed_value
  from counting
  where place = 1
  group by account_id, ad_id, date, result_type, held_from
),
valued as (
  select
    v.account_id,
    v.campaign_id,
    v.date,
    v.held_from,
    lead(v.held_from) over (
      partition by v.account_id, v.ad_id, v.date, v.result_type order by v.held_from
    ) as held_until,
    cast(round_even(cast(v.spend as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as spend_value,
    v.results,
    cast(round_even(cast(v.attributed_value as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3))
      as attributed_value
  from versions v
  join canonical.daily_rates r on r.currency = v.account_currency and r.day = v.date
),
moves as (
  select account_id, campaign_id, date, held_from as moved_at, spend_value, results, attributed_value from valued
  union all
  select account_id, campaign_id, date, held_until, -spend_value, -results, -attributed_value
  from valued
  where held_until is not null
),
moments as (
  select
    account_id,
    campaign_id,
    date,
    moved_at,
    sum(spend_value) as spend_value,
    sum(results) as results,
    sum(attributed_value) as attributed_value,
    min(moved_at) over (partition by account_id, campaign_id, date) as first_moved_at
  from moves
  group by account_id, campaign_id, date, moved_at
),
believed as (
  select
    account_id,
    campaign_id,
    date,
    moved_at,
    lead(moved_at) over (partition by account_id, campaign_id, date order by moved_at) as believed_until,
    sum(spend_value) over (
      partition by account_id, campaign_id, date order by moved_at rows between unbounded preceding and current row
    ) as spend_value,
    sum(results) over (
      partition by account_id, campaign_id, date order by moved_at rows between unbounded preceding and current row
    ) as results,
    sum(attributed_value) over (
      partition by account_id, campaign_id, date order by moved_at rows between unbounded preceding and current row
    ) as attributed_value_reporting
  from moments
  where moved_at = first_moved_at or spend_value <> 0 or results <> 0 or attributed_value <> 0
)
select
  account_id,
  campaign_id,
  date,
  nullif(moved_at, cast('1970-01-01 00:00:00+00' as timestamptz)) as believed_from,
  believed_until,
  cast(spend_value as decimal(18, 3)) as spend_value,
  cast(results as decimal(18, 6)) as results,
  cast(attributed_value_reporting as decimal(18, 3)) as attributed_value_reporting,
  $reporting_currency as currency
from believed
