/* table
grain: link, method and month sampled, and all months together
owner: data
key: [link, match_method, period]
published: true
group: matching_proof
page: docs/definitions/validation.md
required: [link, match_method, verdicts, correct, wrong, unclear, set_aside_verdicts, stands_for]
words:
  link: links
  match_method: methods
shares: [error_rate, error_low, error_high]
columns:
  match_method: Method that was judged
  period: Month sampled; empty for all verdicts together
  correct: Links that reviewers found correct [count]
  wrong: Links that reviewers found wrong [count]
  unclear: Links that reviewers could not judge [count]
  set_aside_verdicts: Verdicts up to the latest signature, which no longer count [count]
  stands_for: Links that the judged ones stand for [count]
  effective_verdicts: Verdicts that would be as informative if all weighed the same
  error_rate: Share of the method's links that are wrong [share]
  error_low: Lower end of the 95 % interval of the error rate [share]
  error_high: Upper end of the 95 % interval of the error rate [share]
  holds: Whether the method is as precise as its floor; empty where it is not judged
  signed_at: When; verdicts up to then no longer bar the method
*/
-- How often reviewers found the links of each method wrong, by kind of link: over all verdicts (no period) and by the month
-- sampled. A verdict is weighted by the number of links it represents in its stratum; the 95 % Wilson interval rests on Kish's
-- effective number of verdicts. Verdicts up to the method's latest sign-off are not counted. The weights come from the verdicts
-- and not from the links of this run: otherwise suspending a method would change the result that suspended it.
with signatures as (
  select link, match_method, max(signed_at) as signed_at from canonical.method_sign_offs group by link, match_method
),
verdicts as (
  select
    v.link,
    v.match_method,
    v.period as sampled,
    v.value_band,
    v.outcome,
    v.stratum_links,
    v.verdict,
    s.signed_at,
    coalesce(v.verified_at <= s.signed_at, false) as is_set_aside
  from canonical.validation_verdicts v
  left join signatures s on s.link = v.link and s.match_method = v.match_method
  where v.counts
),
scopes as (
  select link, match_method, cast(null as date) as period, sampled, value_band, outcome, stratum_links, verdict, signed_at,
    is_set_aside
  from verdicts
  union all
  select link, match_method, sampled, sampled, value_band, outcome, stratum_links, verdict, signed_at, is_set_aside
  from verdicts
  where sampled is not null
),
strata as (
  select
    link,
    match_method,
    period,
    max(signed_at) as signed_at,
    count(case when is_set_aside then 1 end) as set_aside_verdicts,
    count(case when not is_set_aside and verdict = 'correct' then 1 end) as correct,
    count(case when not is_set_aside and verdict = 'wrong' then 1 end) as wrong,
    count(case when not is_set_aside and verdict = 'unclear' then 1 end) as unclear,
    coalesce(max(case when not is_set_aside then stratum_links end), 0) as told_links
  from scopes
  group by link, match_method, period, sampled, value_band, outcome
),
weighed as (
  select
    link,
    match_method,
    period,
    signed_at,
    set_aside_verdicts,
    correct,
    wrong,
    unclear,
    case when correct + wrong > 0 then cast(greatest(told_links, correct + wrong) as decimal(38, 6)) else 0 end as stands_for
  from strata
),
counted as (
  select
    link,
    match_method,
    period,
    max(signed_at) as signed_at,
    sum(set_aside_verdicts) as set_aside_verdicts,
    sum(correct + wrong) as verdicts,
    sum(correct) as correct,
    sum(wrong) as wrong,
    sum(unclear) as unclear,
    sum(stands_for) as stands_for,
    sum(cast(stands_for * wrong / nullif(correct + wrong, 0) as decimal(38, 9))) as wrong_links,
    sum(cast(stands_for * stands_for / nullif(correct + wrong, 0) as decimal(38, 9))) as squares
  from weighed
  group by link, match_method, period
),
rated as (
  select
    link,
    match_method,
    period,
    signed_at,
    set_aside_verdicts,
    verdicts,
    correct,
    wrong,
    unclear,
    stands_for,
    cast(wrong_links as double) / nullif(cast(stands_for as double), 0) as error_rate,
    cast(stands_for as double) * cast(stands_for as double) / nullif(cast(squares as double), 0) as effective_verdicts
  from counted
),
bounded as (
  select
    r.link,
    r.match_method,
    r.period,
    r.signed_at,
    r.set_aside_verdicts,
    r.verdicts,
    r.correct,
    r.wrong,
    r.unclear,
    r.stands_for,
    r.effective_verdicts,
    r.error_rate,
    round(greatest((r.error_rate + 1.9208 / r.effective_verdicts - 1.96 * sqrt(r.error_rate * (1 - r.error_rate)
      / r.effective_verdicts + 0.9604 / (r.effective_verdicts * r.effective_verdicts))) / (1 + 3.8416 / r.effective_verdicts), 0), 9)
      as error_low,
    round(least((r.error_rate + 1.9208 / r.effective_verdicts + 1.96 * sqrt(r.error_rate * (1 - r.error_rate)
      / r.effective_verdicts + 0.9604 / (r.effective_verdicts * r.effective_verdicts))) / (1 + 3.8416 / r.effective_verdicts), 1), 9)
      as error_high,
    m.validation_floor as precision_floor,
    1 - coalesce(m.validation_floor, 0) as bearable
  from rated r
  join policy.match_methods m on m.match_method = r.match_method
)
select
  link,
  match_method,
  period,
  cast(verdicts as bigint) as verdicts,
  cast(correct as bigint) as correct,
  cast(wrong as bigint) as wrong,
  cast(unclear as bigint) as unclear,
  cast(set_aside_verdicts as bigint) as set_aside_verdicts,
  cast(stands_for as bigint) as stands_for,
  effective_verdicts,
  error_rate,
  error_low,
  error_high,
  precision_floor,
  case
    when verdicts < $fewest_verdicts then null
    when error_low > bearable then false
    when error_high <= bearable then true
    when effective_verdicts >= $fewest_verdicts then error_rate <= bearable
  end as holds,
  signed_at
from bounded
