/* table
grain: link, method and signature
owner: data
key: [link, match_method, signed_at]
required: [link, match_method, signed_by, signed_at, reason]
words:
  link: links
  match_method: methods
*/
-- Sign-offs that allow a method again to carry money on a kind of link.
select
  s.link,
  s.match_method,
  s.signed_by,
  s.signed_at,
  s.reason
from current.method_sign_offs s
