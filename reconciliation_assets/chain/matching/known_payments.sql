-- Which order, or for money that names no order which CRM record, every settled payment belongs to: by a person's
-- decision, by an order ID, invoice or waybill, by the same contact inside the window, through the lead it names or
-- through its customer. A payment is linked once. One that names an order is never given to another order by weaker means. By
-- contact an amount that does not fit is held less sure of: what the person paid for may be something else.
with settled as (
  select
    p.payment_id,
    p.paid_at,
    p.amount,
    p.currency,
    p.order_id,
    p.crm_id,
    p.lead_id,
    p.customer_id,
    p.waybill,
    p.email_key,
    p.phone_key,
    p.name_sound_keys,
    i.invoice_id,
    i.order_id as invoice_order_id,
    i.crm_id as invoice_crm_id
  from canonical.payments p
  left join canonical.invoices i on i.invoice_id = p.invoice_id
  where p.is_settled
),
waybills as (
  select waybill, min(order_id) as order_id
  from canonical.orders
  where waybill is not null
  group by waybill
  having count(*) = 1
),
anonymous as (
  select payment_id, paid_at, amount, currency, email_key, phone_key, name_sound_keys, customer_id, lead_id
  from settled
  where order_id is null and invoice_order_id is null and crm_id is null and invoice_crm_id is null
),
anonymous_contacts as (
  select payment_id, paid_at, email_key as contact_key, 'e-mail' as contact from anonymous where email_key is not null
  union all
  select payment_id, paid_at, phone_key, 'phone' from anonymous where phone_key is not null
),
order_contacts as (
  select order_id, created_at, email_key as contact_key from canonical.orders where email_key is not null
  union all
  select order_id, created_at, phone_key from canonical.orders where phone_key is not null
),
personal_order_contacts as (
  select c.order_id, c.created_at, c.contact_key
  from order_contacts c
  join (
    select contact_key from order_contacts group by contact_key having count(*) <= $shared_contact_limit
  ) personal on personal.contact_key = c.contact_key
),
crm_contacts as (
  select crm_id, created_at, email_key as contact_key from canonical.crm_records where email_key is not null
  union all
  select crm_id, created_at, phone_key from canonical.crm_records where phone_key is not null
),
personal_crm_contacts as (
  select c.crm_id, c.created_at, c.contact_key
  from crm_contacts c
  join (
    select contact_key from crm_contacts group by contact_key having count(*) <= $shared_contact_limit
  ) personal on personal.contact_key = c.contact_key
),
shared_contacts as (
  select
    'order_payment' as link,
    c.order_id as left_id,
    p.payment_id,
    max(c.created_at) as left_at,
    min(date_diff('day', c.created_at, p.paid_at)) as days,
    case count(distinct p.contact) when 2 then 'e-mail and phone' else min(p.contact) end as contact
  from anonymous_contacts p
  join personal_order_contacts c
    on c.contact_key = p.contact_key
    and c.created_at <= p.paid_at
    and c.created_at >= p.paid_at - to_days($contact_window_days)
  group by c.order_id, p.payment_id
  union all
  select
    'crm_payment',
    c.crm_id,
    p.payment_id,
    max(c.created_at),
    min(date_diff('day', c.created_at, p.paid_at)),
    case count(distinct p.contact) when 2 then 'e-mail and phone' else min(p.contact) end
  from anonymous_contacts p
  join personal_crm_contacts c
    on c.contact_key = p.contact_key
    and c.created_at <= p.paid_at
    and c.created_at >= p.paid_at - to_days($contact_window_days)
  group by c.crm_id, p.payment_id
),
by_contact as (
  select
    s.link,
    s.left_id,
    s.payment_id,
    s.left_at,
    s.days,
    s.contact,
    coalesce(a.amount in (o.gross_amount, o.gross_amount - coalesce(o.discount_amount, 0)) and o.currency = a.currency, false)
      as is_same_amount,
    coalesce(
      abs(c.final_amount / a.amount - round(c.final_amount / a.amount)) < 0.01
        and round(c.final_amount / a.amount) between 1 and 12
        and coalesce(c.currency, $reporting_currency) = a.currency,
      false
    ) as is_instalment,
    s.contact = 'phone' and coalesce(coalesce(o.email_key, c.email_key) <> a.email_key and
      len(list_intersect(coalesce(o.name_sound_keys, c.name_sound_keys), a.name_sound_keys))
        < least(1, len(coalesce(o.name_sound_keys, c.name_sound_keys)), len(a.name_sound_keys)), false) as is_doubtful
  from shared_contacts s
  join anonymous a on a.payment_id = s.payment_id
  left join canonical.orders o on s.link = 'order_payment' and o.order_id = s.left_id
  left join canonical.crm_records c on s.link = 'crm_payment' and c.crm_id = s.left_id
),
pairs as (
  select
    m.link,
    m.left_id,
    p.payment_id,
    'manual_verified' as match_method,
    1 as strength,
    false as is_same_amount,
    false as is_another_amount,
    m.verified_at as preference,
    'accepted by ' || m.verified_by || ': ' || m.reason as evidence
  from canonical.manual_matches m
  join settled p on p.payment_id = m.right_id
  left join canonical.orders o on o.order_id = m.left_id
  left join canonical.crm_records c on c.crm_id = m.left_id
  where m.verdict = 'accept'
    and ((m.link = 'order_payment' and o.order_id is not null) or (m.link = 'crm_payment' and c.crm_id is not null))
  union all
  select 'order_payment', o.order_id, p.payment_id, 'exact_id', 2, false, false, o.created_at, 'payment names order ' || o.order_id
  from settled p
  join canonical.orders o on o.order_id = p.order_id
  union all
  select
    'order_payment', o.order_id, p.payment_id, 'exact_id', 3, false, false, o.created_at,
    'payment names invoice ' || p.invoice_id || ' of order ' || o.order_id
  from settled p
  join canonical.orders o on o.order_id = p.invoice_order_id
  union all
  select
    'order_payment', w.order_id, p.payment_id, 'exact_id', 4, false, false, p.paid_at,
    'payment names waybill ' || w.waybill || ' of order ' || w.order_id
  from settled p
  join waybills w on w.waybill = p.waybill
  union all
  select 'crm_payment', c.crm_id, p.payment_id, 'exact_id', 5, false, false, c.created_at, 'payment names CRM record ' || c.crm_id
  from settled p
  join canonical.crm_records c on c.crm_id = p.crm_id
  where p.order_id is null and p.invoice_order_id is null
  union all
  select
    'crm_payment', c.crm_id, p.payment_id, 'exact_id', 6, false, false, c.created_at,
    'payment names invoice ' || p.invoice_id || ' of CRM record ' || c.crm_id
  from settled p
  join canonical.crm_records c on c.crm_id = p.invoice_crm_id
  where p.order_id is null and p.invoice_order_id is null and p.crm_id is null
  union all
  select
    c.link, c.left_id, c.payment_id, 'exact_contact', case when c.is_doubtful then 13 when c.link = 'order_payment' then 7 else 8 end,
    c.is_same_amount, not c.is_same_amount and not c.is_instalment, c.left_at,
    'same ' || c.contact || case when c.link = 'order_payment' then ', order ' else ', CRM record ' end
      || cast(c.days as varchar) || ' days before' || case when c.is_doubtful then ', but another name' else '' end
  from by_contact c
  union all
  select
    'order_payment', o.order_id, a.payment_id, 'crm_relationship', 9,
    a.amount in (o.gross_amount, o.gross_amount - coalesce(o.discount_amount, 0)) and o.currency = a.currency, false, o.created_at,
    'payment names lead ' || a.lead_id || ', whose order is ' || o.order_id
  from anonymous a
  join matching.lead_order_links k on k.left_id = a.lead_id
  join canonical.orders o on o.order_id = k.right_id
  union all
  select
    'crm_payment', k.right_id, a.payment_id, 'crm_relationship', 10, false, false, c.created_at,
    'payment names lead ' || a.lead_id || ', whose CRM record is ' || k.right_id
  from anonymous a
  join matching.lead_crm_links k on k.left_id = a.lead_id
  join canonical.crm_records c on c.crm_id = k.right_id
  union all
  select
    'order_payment', o.order_id, a.payment_id, 'crm_relationship', 11,
    a.amount in (o.gross_amount, o.gross_amount - coalesce(o.discount_amount, 0)) and o.currency = a.currency, false, o.created_at,
    'same customer, order ' || cast(date_diff('day', o.created_at, a.paid_at) as varchar) || ' days before'
  from anonymous a
  join canonical.orders o
    on o.customer_id = a.customer_id
    and o.created_at <= a.paid_at
    and o.created_at >= a.paid_at - to_days($contact_window_days)
),
allowed as (
  select p.link, p.left_id, p.payment_id, p.match_method, p.strength, p.is_same_amount, p.is_another_amount, p.preference, p.evidence
  from pairs p
  left join canonical.manual_matches r
    on r.link = p.link and r.verdict = 'reject' and r.left_id = p.left_id and r.right_id = p.payment_id
  where r.link is null
),
ranked as (
  select
    a.link,
    a.left_id,
    a.payment_id,
    a.match_method,
    a.evidence,
    a.strength,
    a.is_another_amount,
    row_number() over (
      partition by a.payment_id
      order by a.strength, a.is_same_amount desc, a.preference desc, a.left_id, a.link
    ) as place,
    count(*) over (partition by a.payment_id, a.strength) as candidates
  from allowed a
)
select
  k.link,
  k.left_id,
  k.payment_id as right_id,
  k.match_method,
  case
    when k.strength = 13 then $doubtful_contact_confidence
    when k.is_another_amount then $another_amount_confidence
    else m.confidence
  end * (0.5 + 0.5 / k.candidates) as match_confidence,
  k.evidence,
  k.candidates,
  k.strength = 13 as is_doubtful,
  k.is_another_amount
from ranked k
join policy.match_methods m on m.match_method = k.match_method
where k.place = 1
