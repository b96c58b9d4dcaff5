/* table
grain: order
owner: finance
key: [order_id]
required: [order_id, created_at, outcome, gross_amount, gross_value, currency]
words:
  outcome: order_outcomes
at_least_zero: [gross_amount, gross_value]
columns:
  outcome: What became of it, by the policy's words
  gross_amount: Placed value in its own currency [own currency]
  discount_amount: Discount granted after placing, in its own currency [own currency]
  current_amount: What the order is worth now, in its own currency [own currency]
  returned_amount: Goods that came back, in the order's own currency [own currency]
  tax_amount: Tax within the gross amount [own currency]
  shipping_amount: Shipping within the gross amount [own currency]
  rate: Reporting currency per one unit [rate]
*/
-- Orders: current version, placing day in the policy's zone, outcome and rung of the status by the policy's words, values in the
-- reporting currency at the placing day's rate. A status the policy does not know counts as placed and open. A status reached
-- after the run's as-of time is replaced by the one before it. Tests and orders deleted in the shop are left out.
with timed as (
  select
    o.order_id,
    o.created_at,
    least(coalesce(o.updated_at, o.created_at), cast($as_of as timestamptz)) as updated_at,
    o.status,
    s.outcome,
    case s.outcome
      when 'confirmed' then least(o.confirmed_at, o.shipped_at)
      when 'fulfilled' then o.delivered_at
      when 'cancelled' then o.cancelled_at
      when 'returned' then o.returned_at
    end as outcome_at,
    case when o.confirmed_at <= $as_of then o.confirmed_at end as confirmed_at,
    case when o.shipped_at <= $as_of then o.shipped_at end as shipped_at,
    case when o.delivered_at <= $as_of then o.delivered_at end as delivered_at,
    case when o.cancelled_at <= $as_of then o.cancelled_at end as cancelled_at,
    case when o.returned_at <= $as_of then o.returned_at end as returned_at
  from current.orders o
  left join policy.order_statuses s on s.word = replace(replace(lower(o.status), ' ', '_'), '-', '_')
  where not coalesce(o.is_test, false) and not coalesce(o.is_deleted, false)
),
standing as (
  select
    t.order_id,
    t.created_at,
    t.updated_at,
    t.status,
    t.outcome is null as is_status_unknown,
    case
      when t.outcome_at > $as_of and t.delivered_at is not null and t.outcome <> 'confirmed' then 'fulfilled'
      when t.outcome_at > $as_of and (t.confirmed_at is not null or t.shipped_at is not null) then 'confirmed'
      when t.outcome_at > $as_of then 'placed'
      else coalesce(t.outcome, 'placed')
    end as outcome,
    t.confirmed_at,
    t.shipped_at,
    t.delivered_at,
    t.cancelled_at,
    t.returned_at
  from timed t
),
outcome_rungs as (
  select outcome, min(rung_order) as rung_order from policy.order_statuses group by outcome
)
select
  o.order_id,
  t.created_at,
  cast(t.created_at at time zone $zone as date) as created_date,
  t.updated_at,
  t.status,
  t.outcome,
  coalesce(g.rung_order, 1) as rung_order,
  t.is_status_unknown,
  o.gross_value as gross_amount,
  o.discount as discount_amount,
  o.current_value as current_amount,
  o.returned_value as returned_amount,
  o.tax as tax_amount,
  o.shipping as shipping_amount,
  o.currency,
  r.rate,
  cast(round_even(cast(o.gross_value as decimal(38, 6)) * r.rate, $minor_digits) as decimal(18, 3)) as gross_value,
  o.lead_id,
  o.crm_id,
  o.customer_id,
  o.campaign_id,
  o.adset_id,
  o.ad_id,
  o.click_id,
  o.browser_id,
  o.session_id,
  o.source,
  o.medium,
  o.utm_campaign,
  o.utm_content,
  o.landing_page,
  o.device,
  o.market,
  o.language,
  o.email_key,
  o.phone_key,
  o.name_keys,
  o.name_sound_keys,
  o.offer,
  o.payment_method,
  t.confirmed_at,
  t.shipped_at,
  t.delivered_at,
  t.cancelled_at,
  t.returned_at,
  o.reason,
  o.waybill
from standing t
join current.orders o on o.order_id = t.order_id
left join outcome_rungs g on g.outcome = t.outcome
left join canonical.daily_rates r
  on r.currency = o.currency and r.day = cast(o.created_at at time zone $zone as date)
