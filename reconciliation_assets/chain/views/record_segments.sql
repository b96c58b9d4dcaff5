/* table
grain: captured record and kind of segment
owner: data
key: [record_id, segment_kind]
page: docs/definitions/diagnosis.md#segments
*/
-- The segments of each captured record: one of each kind, and "all". An empty field is the segment (none). A landing page is cut
-- before its query string, which differs from visit to visit.
select
  m.record_id,
  k.segment_kind,
  case k.segment_kind
    when 'all' then ''
    when 'campaign' then coalesce(m.campaign_id, '(none)')
    when 'market' then coalesce(m.market, '(none)')
    when 'offer' then coalesce(m.offer, '(none)')
    when 'language' then coalesce(m.language, '(none)')
    when 'owner' then coalesce(m.owner, '(none)')
    when 'form' then coalesce(m.form_id, '(none)')
    when 'landing_page' then coalesce(split_part(m.landing_page, '?', 1), '(none)')
    when 'device' then coalesce(m.device, '(none)')
    when 'payment_method' then coalesce(m.payment_method, '(none)')
  end as segment
from outcomes.matched_chain m
cross join policy.segment_kinds k
