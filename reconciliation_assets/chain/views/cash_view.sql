/* table
grain: calendar month of the money and currency
owner: finance
key: [month, currency]
published: true
required: [month, currency, collected_value, refunded_value, matched_value, unmatched_value,
  collected_value_reporting, campaign_value_reporting, no_campaign_value_reporting, unmatched_value_reporting]
columns:
  month: First day of the calendar month the money moved in
  collected_value: Settled payments less settled refunds and chargebacks, plus their reversals, before the basis [own currency]
  refunded_value: Settled refunds and chargebacks less their reversals, before the basis [own currency]
  matched_value: Money that belongs to a record [own currency]
  unmatched_value: Money that belongs to no record [own currency]
  collected_value_reporting: Collected money, on the policy's basis and converted [reporting currency]
  campaign_value_reporting: Money of records of a campaign, on the policy's basis and converted [reporting currency]
  no_campaign_value_reporting: Money of records with no campaign, on the policy's basis and converted [reporting currency]
  unmatched_value_reporting: Money that belongs to no record, on the policy's basis and converted [reporting currency]
  payments: Payments, refunds, chargebacks and fees that count as money [count]
*/
-- Cash view: money by the calendar month it moved in and its own currency, whatever cohort it belongs to. Collected is net of
-- refunds; matched and unmatched add up to it. In the reporting currency, on the policy's basis, it splits into money of records
-- with a campaign, of records without a campaign, and of no record. This sum ties the figures to the bank.
select
  p.month,
  p.currency,
  sum(p.signed_amount) as collected_value,
  sum(case when p.is_refund then -p.signed_amount else 0 end) as refunded_value,
  sum(case when p.record_id is not null then p.signed_amount else 0 end) as matched_value,
  sum(case when p.record_id is null then p.signed_amount else 0 end) as unmatched_value,
  cast(sum(p.collected_value) as decimal(18, 3)) as collected_value_reporting,
  cast(sum(case when m.campaign_id is not null then p.collected_value else 0 end) as decimal(18, 3)) as campaign_value_reporting,
  cast(sum(case when m.record_id is not null and m.campaign_id is null then p.collected_value else 0 end) as decimal(18, 3))
    as no_campaign_value_reporting,
  cast(sum(case when p.record_id is null then p.collected_value else 0 end) as decimal(18, 3)) as unmatched_value_reporting,
  count(*) as payments
from outcomes.payment_money p
left join outcomes.matched_chain m on m.record_id = p.record_id
group by p.month, p.currency
