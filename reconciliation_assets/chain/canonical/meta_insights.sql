-- Meta's figures per ad, day, attribution setting and result type, as reported and converted at the day's rate. Meta's
-- value is an estimate and stays beside the money, never in it.
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
  cast(round_even(cast(m.spend as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as spend_value,
  cast(round_even(cast(m.attributed_value as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3))
    as attributed_value_reporting
from current.meta_insights m
left join canonical.daily_rates r on r.currency = m.account_currency and r.day = m.date
