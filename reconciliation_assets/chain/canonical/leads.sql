/* table
grain: lead
owner: marketing
key: [lead_id]
required: [lead_id, created_at, created_date, is_test]
at_least_zero: [stated_amount, stated_value]
columns:
  stated_amount: Stated value in its own currency [own currency]
  stated_value: Value the lead states, converted [reporting currency]
*/
-- Leads: current version, capture day in the policy's zone, stated value in the reporting currency.
select
  l.lead_id,
  l.created_at,
  cast(l.created_at at time zone $zone as date) as created_date,
  l.meta_lead_id,
  l.campaign_id,
  l.adset_id,
  l.ad_id,
  l.click_id,
  l.browser_id,
  l.session_id,
  l.source,
  l.medium,
  l.utm_campaign,
  l.utm_content,
  l.landing_page,
  l.device,
  l.form_id,
  l.event_type,
  l.market,
  l.language,
  l.email_key,
  l.phone_key,
  l.name_keys,
  l.name_sound_keys,
  l.offer,
  l.stated_value as stated_amount,
  l.currency,
  l.consent,
  coalesce(l.is_test, false) as is_test,
  case when l.first_response_at <= $as_of then l.first_response_at end as first_response_at,
  cast(round_even(cast(l.stated_value as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as stated_value
from current.leads l
left join canonical.daily_rates r
  on r.currency = coalesce(l.currency, $reporting_currency) and r.day = cast(l.created_at at time zone $zone as date)
