/* table
grain: linked payment
owner: finance
key: [payment_id]
columns:
  grade: 'Weakest method between ad and money: 1 manual, 2 exact ID, 3 contact, 4 relationship, 5 inferred'
*/
-- How certain it is that each linked payment belongs to its campaign: the weakest method among the links from the ad to the
-- money. 1 manual, 2 exact ID, 3 exact contact, 4 CRM relationship, 5 inferred.
with graded as (
  select
    link,
    left_id,
    right_id,
    case match_method when 'manual_verified' then 1 when 'exact_id' then 2 when 'exact_contact' then 3
      when 'crm_relationship' then 4 else 5 end as grade
  from matching.match_links
)
select
  m.payment_id,
  m.record_id,
  m.collected_value,
  greatest(p.grade, coalesce(a.grade, 1), coalesce(o.grade, 1), coalesce(c.grade, 1)) as grade
from outcomes.payment_money m
join graded p on p.link = m.link and p.right_id = m.payment_id
left join graded a on a.link = 'record_ad' and a.left_id = m.record_id
left join graded o on o.link = 'lead_order' and o.right_id = m.order_id
left join graded c on c.link = 'lead_crm' and c.right_id = m.crm_id
where m.record_id is not null
