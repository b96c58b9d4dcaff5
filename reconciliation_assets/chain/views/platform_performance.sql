/* table
grain: ad, day and result type
owner: marketing
key: [account_id, ad_id, date, result_type]
published: true
required: [account_id, campaign_id, ad_id, date, spend_value, attributed_value_reporting]
at_least_zero: [spend_value, attributed_value_reporting, results]
columns:
  account_currency: Currency of spend and value
  campaign_id: Meta campaign
  adset_name: Name of the ad set
  ad_name: Name of the ad
  date: Reporting day in the ad account's zone
  attribution_setting: Windows under which results are claimed
  spend: Spend of the day [own currency]
  impressions: Impressions of the day [count]
  clicks: Clicks of the day [count]
  result_type: What Meta counts as a result
  attributed_value: Value Meta attributes; an estimate, never money [own currency]
  pulled_at: When the figures were read from Meta
  source_rows: 'Rows of the file that were added up: more than one where it was broken down by a column that is not read [count]'
  reporting_currency: Currency of the converted values
  cost_per_result: Spend per result Meta claims [reporting currency]
  reported_roas: Value Meta attributes per spend; an estimate [ratio]
*/
-- Platform view: what Meta reports, per ad, day and result type, as reported and converted.
select
  account_id,
  account_currency,
  campaign_id,
  campaign_name,
  adset_id,
  adset_name,
  ad_id,
  ad_name,
  date,
  attribution_setting,
  spend,
  impressions,
  clicks,
  result_type,
  results,
  attributed_value,
  pulled_at,
  source_rows,
  $reporting_currency as reporting_currency,
  spend_value,
  attributed_value_reporting,
  cast(spend_value / nullif(results, 0) as double) as cost_per_result,
  cast(attributed_value_reporting / nullif(spend_value, 0) as double) as reported_roas
from canonical.meta_insights
