/* table
grain: calendar month
owner: finance
key: [month]
published: true
required: [month, amount, currency, payments]
columns:
  month: First day of the calendar month the money moved in
  amount: Settled money less refunds that belongs to no record, on the policy's basis [reporting currency]
  payments: Payments, refunds, chargebacks and fees that count as money [count]
*/
-- Money that belongs to no record, by the calendar month it moved in. It is reported next to the bridge, never in it.
select
  month,
  cast(sum(collected_value) as decimal(18, 3)) as amount,
  $reporting_currency as currency,
  count(*) as payments
from outcomes.payment_money
where record_id is null
group by month
