/* table
grain: order
owner: data
key: [unique_id]
group: matching_inference
*/
-- Orders as the right side of inferred links to leads, with the fields they are compared by. An order is open if it names no lead
-- or CRM record and has no lead by a stronger method.
select
  o.order_id as unique_id,
  epoch(o.created_at) / 86400.0 as at_day,
  o.email_key,
  o.phone_key,
  o.name_keys,
  o.name_sound_keys,
  o.session_id,
  o.click_id,
  lower(o.offer) as offer,
  o.market,
  o.campaign_id,
  o.currency || ' ' || cast(o.gross_amount as varchar) as amount_key,
  (k.right_id is null or k.is_doubtful) and o.lead_id is null and o.crm_id is null as is_open
from canonical.orders o
left join matching.known_lead_order k on k.right_id = o.order_id
