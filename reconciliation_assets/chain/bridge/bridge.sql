/* table
grain: cohort month, campaign and line
owner: finance
key: [period_start, campaign_id, line]
published: true
required: [period_start, line_order, line, amount, records, currency, policy_version]
words:
  line: bridge_lines
at_least_zero: [line_order]
columns:
  line_order: Place of the line in the bridge, 0 to 10
  amount: Amount of the line, signed [reporting currency]
  records: Records of the line [count]
*/
-- From Meta's number to collected money, line by line, per cohort month and campaign. Lines 1 to 3 carry Meta's value to the
-- captured stated value; lines 4 to 8 are sums of stored entries; lines 0 to 9 sum to line 10 exactly.
with claims as (
  select
    period_start,
    campaign_id,
    results,
    records,
    paid_records,
    adjustments,
    platform_value,
    stated_value,
    collected_value,
    adjusted_value,
    case
      when results > records
        then cast(
          -- A quotient is binary: cast it to decimal before rounding, or an exact half could round either way.
          -round_even(cast((results - records) * platform_value / results as decimal(38, 9)), $minor_digits)
          as decimal(18, 3)
        )
      else 0
    end as claimed_not_captured,
    case
      when records > results
        then cast(
          round_even(cast((records - results) * stated_value / records as decimal(38, 9)), $minor_digits)
          as decimal(18, 3)
        )
      else 0
    end as captured_not_claimed
  from outcomes.bridge_groups
),
entry_lines as (
  select
    cast(date_trunc('month', cohort_date) as date) as period_start,
    campaign_id,
    line,
    sum(amount) as amount,
    count(distinct record_id) as records
  from bridge.bridge_entries
  group by 1, 2, 3
),
lines as (
  select period_start, campaign_id, 'platform_attributed' as line, platform_value as amount,
    cast(round_even(results, 0) as bigint) as records
  from claims
  union all
  select period_start, campaign_id, 'claimed_not_captured', claimed_not_captured,
    cast(round_even(greatest(results - records, 0), 0) as bigint)
  from claims
  union all
  select period_start, campaign_id, 'captured_not_claimed', captured_not_claimed,
    cast(round_even(greatest(records - results, 0), 0) as bigint)
  from claims
  union all
  select period_start, campaign_id, 'valuation',
    stated_value - platform_value - claimed_not_captured - captured_not_claimed, records
  from claims
  union all
  select c.period_start, c.campaign_id, b.line, coalesce(e.amount, 0), coalesce(e.records, 0)
  from claims c
  join policy.bridge_lines b on b.has_entries
  left join entry_lines e
    on e.period_start = c.period_start
    and e.campaign_id is not distinct from c.campaign_id
    and e.line = b.line
  union all
  select period_start, campaign_id, 'manual_adjustment', adjusted_value, adjustments from claims
  union all
  select period_start, campaign_id, 'collected', collected_value + adjusted_value, paid_records from claims
)
select
  l.period_start,
  l.campaign_id,
  b.line_order,
  l.line,
  cast(l.amount as decimal(18, 3)) as amount,
  l.records,
  $reporting_currency as currency,
  $policy_version as policy_version
from lines l
join policy.bridge_lines b on b.line = l.line
