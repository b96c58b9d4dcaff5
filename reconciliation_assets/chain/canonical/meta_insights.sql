/* table
grain: ad, day and result type
owner: marketing
key: [account_id, ad_id, date, result_type]
required: [account_id, account_currency, campaign_id, ad_id, date, spend_value]
at_least_zero: [spend, results, attributed_value, impressions, clicks]
columns:
  source_rows: Rows of the file that were added up [count]
*/
-- Meta's figures per ad, day and result type, as reported and converted at the day's rate. Rows of one file that split an ad and
-- a day by a breakdown that is not read are added up. Meta's value is an estimate and is never added to money.
with added_up as (
  select
    m.account_id,
    min(m.account_currency) as account_currency,
    min(m.campaign_id) as campaign_id,
    min(m.campaign_name) as campaign_name,
    min(m.adset_id) as adset_id,
    min(m.adset_name) as adset_name,
    m.ad_id,
    min(m.ad_name) as ad_name,
    m.date,
    min(m.attribution_setting) as attribution_setting,
    cast(sum(m.spend) as decimal(18, 6)) as spend,
    cast(sum(m.impressions) as decimal(18, 6)) as impressions,
    cast(sum(m.clicks) as decimal(18, 6)) as clicks,
    m.result_type,
    cast(sum(m.results) as decimal(18, 6)) as results,
    cast(sum(m.attributed_value) as decimal(18, 6)) as attributed_value,
    max(m.pulled_at) as pulled_at,
    count(*) as source_rows
  from current.meta_insights m
  group by m.account_id, m.ad_id, m.date, m.result_type
)
select
  m.account_id,
  m.account_currency,
  m.campaign_id,
  m.campaign_name,
  m.adset_id,
  m.adset_name,
  m.ad_id,
  m.ad_name,
  m.date,
  m.attribution_setting,
  m.spend,
  m.impressions,
  m.clicks,
  m.result_type,
  m.results,
  m.attributed_value,
  m.pulled_at,
  m.source_rows,
  cast(round_even(cast(m.spend as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as spend_value,
  cast(round_even(cast(m.attributed_value as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3))
    as attributed_value_reporting
from added_up m
left join canonical.daily_rates r on r.currency = m.account_currency and r.day = m.date
