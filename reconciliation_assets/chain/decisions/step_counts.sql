/* table
grain: kind of segment, segment and step
owner: data
key: [segment_kind, segment, step]
columns:
  past_passed: Records of those that passed it in time [count]
  mature_passed: Records that passed and are as old as the longest maturity [count]
  mature_collected_value: Collected money of those [reporting currency]
  mature_lost: Records that did not pass in time and are as old as the longest maturity [count]
  mature_lost_value: Money collected of those all the same [reporting currency]
  stated_value: Stated value of the records that entered in the period judged [reporting currency]
*/
-- How many records of each segment entered and passed each step, in the recent period and in the past, and the money of those old
-- enough for it to be final. The payment method is known only after a sale, so earlier steps are not split by it.
select
  s.segment_kind,
  s.segment,
  r.step,
  count(case when r.period = 'recent' then 1 end) as entered,
  count(case when r.period = 'recent' and r.is_passed then 1 end) as passed,
  count(case when r.period = 'past' then 1 end) as past_entered,
  count(case when r.period = 'past' and r.is_passed then 1 end) as past_passed,
  count(case when r.is_mature and r.is_passed then 1 end) as mature_passed,
  cast(sum(case when r.is_mature and r.is_passed then r.collected_value else 0 end) as decimal(18, 3)) as mature_collected_value,
  count(case when r.is_mature and not r.is_passed then 1 end) as mature_lost,
  cast(sum(case when r.is_mature and not r.is_passed then r.collected_value else 0 end) as decimal(18, 3)) as mature_lost_value,
  cast(sum(case when r.period = 'recent' then r.stated_value else 0 end) as decimal(18, 3)) as stated_value
from decisions.step_records r
join views.record_segments s on s.record_id = r.record_id
where s.segment_kind <> 'payment_method' or r.step in ('valid_orders', 'collected_orders', 'collected_deals')
group by 1, 2, 3
