-- Cash view: money by the calendar month it moved in and its own currency, whatever cohort it belongs to. Collected is net
-- of refunds; matched and unmatched add up to it.
select
  month,
  currency,
  sum(signed_amount) as collected_value,
  sum(case when is_refund then -signed_amount else 0 end) as refunded_value,
  sum(case when record_id is not null then signed_amount else 0 end) as matched_value,
  sum(case when record_id is null then signed_amount else 0 end) as unmatched_value,
  cast(sum(collected_value) as decimal(18, 3)) as collected_value_reporting,
  count(*) as payments
from outcomes.payment_money
group by month, currency
