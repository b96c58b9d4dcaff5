/* table
grain: accepted link
owner: data
key: [link, left_id, right_id]
published: true
required: [link, left_id, right_id, match_method, match_confidence, evidence, candidates]
words:
  link: links
  match_method: methods
shares: [match_confidence]
*/
-- Every accepted link with its method, confidence and evidence in words.
select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.record_ad_links
union all
select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.lead_crm_links
union all
select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.lead_order_links
union all
select link, left_id, right_id, match_method, match_confidence, evidence, candidates from matching.payment_links
