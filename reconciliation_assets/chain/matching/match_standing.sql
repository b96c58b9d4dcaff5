/* table
grain: link and method
owner: data
key: [link, match_method]
published: true
group: matching_proof
required: [link, match_method, may_carry_money, accept_from, review_from, confidence_ceiling, awaits_signature, reason]
words:
  link: links
  match_method: methods
columns:
  match_method: Method
  may_carry_money: Whether links of the method count
  accept_from: Confidence from which a link of the method counts [share]
  review_from: Confidence from which a person is asked [share]
  error_rate: Share of the method's links that reviewers found wrong [share]
  confidence_ceiling: Confidence above which no link of the method is stored [share]
  awaits_signature: Whether reviewers found it wrong too often and nobody signed since
  reason: What its standing rests on
*/
-- Whether each method may carry money on each link, and from which confidence. A method may not if its backtest precision is
-- below the policy's floor, or if reviewers found it wrong too often and it was not signed off again. Its links then wait for a
-- person; links of a reviewed method get at most the confidence that the verdicts support.
with judged as (
  select
    l.link,
    m.match_method,
    m.accept_from,
    m.review_from,
    m.precision_floor,
    b.judged,
    b.precision,
    coalesce(b.judged >= $backtest_fewest and b.precision < m.precision_floor, false) as fails_backtest,
    v.verdicts,
    v.error_rate,
    coalesce(not v.holds, false) as fails_validation
  from policy.links l
  cross join policy.match_methods m
  left join matching.match_backtest b on b.link = l.link and b.match_method = m.match_method and b.month is null
  left join matching.validation_results v on v.link = l.link and v.match_method = m.match_method and v.period is null
)
select
  link,
  match_method,
  not fails_backtest and not fails_validation as may_carry_money,
  accept_from,
  review_from,
  precision_floor,
  judged,
  precision,
  verdicts,
  error_rate,
  case when fails_validation then 1 - error_rate else 1 end as confidence_ceiling,
  fails_validation as awaits_signature,
  case
    when fails_validation then 'reviewers found its links wrong too often; it needs a signature in method_sign_offs'
    when judged is null then 'not measured: no known links of this kind to hide'
    when judged < $backtest_fewest then 'too few hidden links found again to judge'
    when fails_backtest then 'precision in the backtest is below the policy''s floor'
    else 'precision in the backtest holds'
  end as reason
from judged
