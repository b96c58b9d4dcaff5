-- Orders: current version, placing day in the policy's zone, outcome and rung of the status by the policy's words, values
-- in the reporting currency at the placing day's rate. A status the policy does not know counts as placed and open.
select
  o.order_id,
  o.created_at,
  cast(o.created_at at time zone $zone as date) as created_date,
  o.updated_at,
  o.status,
  coalesce(s.outcome, 'placed') as outcome,
  coalesce(s.rung_order, 1) as rung_order,
  s.outcome is null as is_status_unknown,
  o.gross_value as gross_amount,
  greatest(o.gross_value - coalesce(o.discount, 0), 0) as final_amount,
  o.tax as tax_amount,
  o.shipping as shipping_amount,
  o.currency,
  r.rate,
  cast(round_even(cast(o.gross_value as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as gross_value,
  cast(
    round_even(cast(greatest(o.gross_value - coalesce(o.discount, 0), 0) as decimal(38, 6)) * r.rate, $minor_digits)
    as decimal(18, 3)
  ) as final_value,
  o.lead_id,
  o.crm_id,
  o.customer_id,
  o.campaign_id,
  o.adset_id,
  o.ad_id,
  o.click_id,
  o.session_id,
  o.source,
  o.medium,
  o.utm_campaign,
  o.utm_content,
  o.landing_page,
  o.market,
  o.language,
  o.email_key,
  o.phone_key,
  o.name_keys,
  o.name_sound_keys,
  o.offer,
  o.payment_method,
  o.confirmed_at,
  o.shipped_at,
  o.delivered_at,
  o.cancelled_at,
  o.returned_at,
  o.reason,
  o.waybill
from current.orders o
left join policy.order_statuses s on s.word = replace(replace(lower(o.status), ' ', '_'), '-', '_')
left join canonical.daily_rates r
  on r.currency = o.currency and r.day = cast(o.created_at at time zone $zone as date)
