-- Money that belongs to no record, by the calendar month it moved in: shown beside the bridge, never in it.
select
  month,
  cast(sum(collected_value) as decimal(18, 3)) as amount,
  $reporting_currency as currency,
  count(*) as payments
from outcomes.payment_money
where record_id is null
group by month
