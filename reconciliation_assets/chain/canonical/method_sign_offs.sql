-- Signatures that give a method back its right to carry money on a kind of link.
select
  s.link,
  s.match_method,
  s.signed_by,
  s.signed_at,
  s.reason
from current.method_sign_offs s
