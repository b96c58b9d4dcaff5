/* table
grain: link, method and month, and all months together
owner: data
key: [link, match_method, month]
published: true
group: matching_proof
required: [link, match_method, hidden, judged, right_ones]
words:
  link: links
  match_method: methods
shares: [precision, precision_low, precision_high, recall, recall_low, recall_high]
columns:
  match_method: Method that was tried
  month: Month of the record; empty for all months together
  hidden: Records whose exact ID was hidden and that no stronger method found [count]
  right_ones: Hidden records that the method linked to their true partner [count]
  precision: Share of the method's links that are right [share]
  precision_low: Lower end of its 95 % interval [share]
  precision_high: Upper end of its 95 % interval [share]
  recall: Share of the hidden records that the method linked right [share]
  recall_low: Lower end of its 95 % interval [share]
  recall_high: Upper end of its 95 % interval [share]
*/
-- How accurate each method is: exact IDs were hidden from records that have them, for some the partner too, and the other methods
-- had to find the partner again. Precision is the share of found links that are right. Recall is the share of hidden records with
-- a partner, not already found by a stronger method, that the method matched correctly. Both have 95 % Wilson intervals, overall
-- (no month) and by month.
with months as (
  select link, match_method, strength, has_partner, is_right, is_accepted, cast(null as date) as month from matching.backtest_links
  union all
  select link, match_method, strength, has_partner, is_right, is_accepted, month from matching.backtest_links
),
methods as (
  select match_method, strength from policy.match_methods where strength > 2
),
counted as (
  select
    b.link,
    m.match_method,
    b.month,
    count(case when b.has_partner and (b.strength is null or b.strength >= m.strength) then 1 end) as hidden,
    count(case when b.match_method = m.match_method and b.is_accepted then 1 end) as judged,
    count(case when b.match_method = m.match_method and b.is_accepted and b.is_right then 1 end) as right_ones
  from months b
  cross join methods m
  group by b.link, m.match_method, b.month
)
select
  link,
  match_method,
  month,
  hidden,
  judged,
  right_ones,
  cast(right_ones as double) / nullif(judged, 0) as precision,
  case when judged > 0 then greatest((right_ones + 1.9208 - 1.96 * sqrt(cast(right_ones as double) * (judged - right_ones) / judged + 0.9604))
    / (judged + 3.8416), 0) end as precision_low,
  case when judged > 0 then least((right_ones + 1.9208 + 1.96 * sqrt(cast(right_ones as double) * (judged - right_ones) / judged + 0.9604))
    / (judged + 3.8416), 1) end as precision_high,
  cast(right_ones as double) / nullif(hidden, 0) as recall,
  case when hidden > 0 then greatest((right_ones + 1.9208 - 1.96 * sqrt(cast(right_ones as double) * (hidden - right_ones) / hidden + 0.9604))
    / (hidden + 3.8416), 0) end as recall_low,
  case when hidden > 0 then least((right_ones + 1.9208 + 1.96 * sqrt(cast(right_ones as double) * (hidden - right_ones) / hidden + 0.9604))
    / (hidden + 3.8416), 1) end as recall_high
from counted
where hidden > 0 or judged > 0
