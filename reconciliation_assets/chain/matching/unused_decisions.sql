/* table
grain: decision of a person that has no effect
owner: data
key: [link, left_id, right_id]
required: [link, left_id, right_id, verdict, verified_by, reason]
words:
  link: links
  verdict: decisions
columns:
  verdict: accept or reject
  reason: Why it has no effect
*/
-- Manual decisions without effect, and why: an accepted pair that is not linked, or a pair with a record that is gone or was
-- merged into another one.
with ends as (
  select 'lead' as kind, lead_id as id, cast(null as varchar) as merged_into from canonical.leads
  union all
  select 'crm_record', crm_id, merged_into from canonical.crm_records
  union all
  select 'order', order_id, null from canonical.orders
  union all
  select 'payment', payment_id, null from canonical.payments
  union all
  select 'record', 'lead:' || lead_id, null from canonical.leads
  union all
  select 'record', 'order:' || order_id, null from canonical.orders
  union all
  select 'ad', ad_id, null from matching.ads
  union all
  select distinct 'ad', 'campaign:' || campaign_id, cast(null as varchar) from matching.ads
),
judged as (
  select
    m.link,
    m.left_id,
    m.right_id,
    m.verdict,
    m.verified_by,
    m.verified_at,
    case
      when l.id is null then 'its left end ' || m.left_id || ' no longer exists'
      when r.id is null then 'its right end ' || m.right_id || ' no longer exists'
      when l.merged_into is not null then 'its CRM record ' || m.left_id || ' was merged into ' || l.merged_into
      when r.merged_into is not null then 'its CRM record ' || m.right_id || ' was merged into ' || r.merged_into
      when m.verdict = 'accept' then 'another accepted decision holds, or its payment is not settled or duplicates another'
    end as reason
  from canonical.manual_matches m
  join policy.links k on k.link = m.link
  left join ends l on l.kind = k.left_kind and l.id = m.left_id
  left join ends r on r.kind = k.right_kind and r.id = m.right_id
  left join matching.match_links used
    on used.link = m.link
    and used.left_id = m.left_id
    and used.right_id = m.right_id
    and used.match_method = 'manual_verified'
  where used.link is null
)
select link, left_id, right_id, verdict, verified_by, verified_at, reason
from judged
where reason is not null
