-- What every method may do on every link: carry money, and from which confidence on. A method whose precision in the backtest
-- lies below the policy's floor may not; its links wait for a person.
with links as (
  select 'record_ad' as link
  union all select 'lead_crm'
  union all select 'lead_order'
  union all select 'order_payment'
  union all select 'crm_payment'
)
select
  l.link,
  m.match_method,
  not (coalesce(b.judged, 0) >= $backtest_fewest and b.precision < m.precision_floor) as may_carry_money,
  m.accept_from,
  m.review_from,
  m.precision_floor,
  b.judged,
  b.precision,
  case
    when b.judged is null then 'not measured: no known links of this kind to hide'
    when b.judged < $backtest_fewest then 'too few hidden links found again to judge'
    when b.precision < m.precision_floor then 'precision in the backtest is below the policy''s floor'
    else 'precision in the backtest holds'
  end as reason
from links l
cross join policy.match_methods m
left join matching.match_backtest b on b.link = l.link and b.match_method = m.match_method and b.month is null
