/* table
grain: link that reviewers are asked to judge
owner: data
key: [sample_id]
published: true
group: matching_proof
page: docs/definitions/validation.md
required: [sample_id, period, team, link, left_id, right_id, match_method, value_band, outcome, stratum_links,
  evidence, match_confidence, candidates, currency]
words:
  link: links
  match_method: methods
  verdict: verdicts
shares: [match_confidence]
columns:
  sample_id: The sampled link, the same from run to run
  period: Month that the sample is drawn of
  team: Team whose sheet the sample is in
  value_band: Band of the value, from the sheet
  outcome: 'What had become of the record: collected, won, not won, invalid, no record'
  stratum_links: Links that the sampled one stands for with its like, from the sheet [count]
  right_at: Time of the right end; for ads, of the record
  left_value: Value of the left end [reporting currency]
  right_value: Value of the right end; for ads, of the record [reporting currency]
  currency: Currency of left and right value
  right_amount: Amount of the right end in its own currency [own currency]
  right_currency: Currency of the right end's own amount
  verdict: Verdict that has come back; empty where none has
*/
-- The links of the last complete month that reviewers are asked to judge: a few from each stratum (kind of link, method, band of
-- value, outcome), chosen by a hash, so that every run draws the same ones. A link belongs to the month of its right side (for
-- ads, of the captured record). Contacts are never shown; a reviewer looks the IDs up in the source systems.
with linked as (
  select
    k.link,
    k.left_id,
    k.right_id,
    k.match_method,
    k.match_confidence,
    k.evidence,
    k.candidates,
    m.record_id,
    m.created_at as left_at,
    m.created_at as right_at,
    m.stated_value as left_value,
    m.stated_value as right_value,
    cast(null as decimal(18, 6)) as right_amount,
    cast(null as varchar) as right_currency
  from matching.match_links k
  join outcomes.matched_chain m on m.record_id = k.left_id
  where k.link = 'record_ad'
  union all
  select k.link, k.left_id, k.right_id, k.match_method, k.match_confidence, k.evidence, k.candidates, 'lead:' || k.left_id,
    l.created_at, c.created_at, l.stated_value, c.final_value, c.final_amount, c.currency
  from matching.match_links k
  join canonical.leads l on l.lead_id = k.left_id
  join canonical.crm_records c on c.crm_id = k.right_id
  where k.link = 'lead_crm'
  union all
  select k.link, k.left_id, k.right_id, k.match_method, k.match_confidence, k.evidence, k.candidates, 'lead:' || k.left_id,
    l.created_at, o.created_at, l.stated_value, o.gross_value, o.gross_amount, o.currency
  from matching.match_links k
  join canonical.leads l on l.lead_id = k.left_id
  join canonical.orders o on o.order_id = k.right_id
  where k.link = 'lead_order'
  union all
  select k.link, k.left_id, k.right_id, k.match_method, k.match_confidence, k.evidence, k.candidates, m.record_id,
    o.created_at, p.paid_at, o.gross_value, p.signed_value, p.amount, p.currency
  from matching.match_links k
  join canonical.orders o on o.order_id = k.left_id
  join canonical.payments p on p.payment_id = k.right_id
  left join outcomes.payment_money m on m.payment_id = k.right_id
  where k.link = 'order_payment'
  union all
  select k.link, k.left_id, k.right_id, k.match_method, k.match_confidence, k.evidence, k.candidates, m.record_id,
    c.created_at, p.paid_at, c.final_value, p.signed_value, p.amount, p.currency
  from matching.match_links k
  join canonical.crm_records c on c.crm_id = k.left_id
  join canonical.payments p on p.payment_id = k.right_id
  left join outcomes.payment_money m on m.payment_id = k.right_id
  where k.link = 'crm_payment'
),
dated as (
  select
    k.link,
    k.left_id,
    k.right_id,
    k.match_method,
    k.match_confidence,
    k.evidence,
    k.candidates,
    k.left_at,
    k.right_at,
    k.left_value,
    k.right_value,
    k.right_amount,
    k.right_currency,
    m.campaign_id,
    cast(date_trunc('month', k.right_at at time zone $zone) as date) as period,
    abs(coalesce(k.right_value, k.left_value, 0)) as value,
    case
      when m.record_id is null then 'no record'
      when not m.is_valid then 'invalid'
      when m.rung in ('collected', 'won') then m.rung
      else 'not won'
    end as outcome
  from linked k
  left join outcomes.matched_chain m on m.record_id = k.record_id
),
last_month as (
  select max(period) as period from dated where period < cast(date_trunc('month', $as_of at time zone $zone) as date)
),
ranked as (
  select
    d.link,
    d.left_id,
    d.right_id,
    d.match_method,
    d.match_confidence,
    d.evidence,
    d.candidates,
    d.left_at,
    d.right_at,
    d.left_value,
    d.right_value,
    d.right_amount,
    d.right_currency,
    d.campaign_id,
    d.period,
    b.value_band,
    d.outcome,
    count(*) over (partition by d.link, d.match_method, b.value_band, d.outcome) as stratum_links,
    row_number() over (
      partition by d.link, d.match_method, b.value_band, d.outcome
      order by md5($validation_seed || '|' || d.link || '|' || d.left_id || '|' || d.right_id), d.right_id, d.left_id
    ) as place
  from dated d
  join last_month p on p.period = d.period
  join policy.value_bands b on d.value >= b.value_from and (d.value < b.value_to or b.value_to is null)
)
select
  md5(r.link || '|' || r.left_id || '|' || r.right_id || '|' || r.match_method) as sample_id,
  r.period,
  t.team,
  r.link,
  r.left_id,
  r.right_id,
  r.match_method,
  r.value_band,
  r.outcome,
  r.stratum_links,
  r.evidence,
  r.match_confidence,
  r.candidates,
  r.campaign_id,
  r.left_at,
  r.right_at,
  r.left_value,
  r.right_value,
  $reporting_currency as currency,
  r.right_amount,
  r.right_currency,
  v.verdict,
  v.verified_by,
  v.verified_at
from ranked r
join policy.reviewers t on t.link = r.link
left join canonical.validation_verdicts v
  on v.counts and v.link = r.link and v.left_id = r.left_id and v.right_id = r.right_id and v.match_method = r.match_method
where r.place <= $links_per_stratum
