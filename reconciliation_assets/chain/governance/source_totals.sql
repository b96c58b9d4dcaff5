/* table
grain: input table and measure
owner: finance
key: [source_table, measure]
published: true
required: [source_table, measure, source_total, accepted, superseded, quarantined, difference]
columns:
  measure: rows, or an amount and its currency
  source_total: Total as counted on arrival
  accepted: Total of the current versions
  superseded: Total of older versions and repeated rows
  quarantined: Total of bad rows and of files set aside
  set_aside: Rows of files set aside whole, which are part of quarantined [count]
  excluded: 'Accepted but not counted: unsettled payments, credits, transfers of others, repeats, fees where the policy does not deduct them, tests, what was deleted, and what happened after the instant'
  after_as_of: Of what is excluded, that which happened after the instant the run speaks for
  excluded_because: after as_of where that is all of it; empty where it is none of it
  chain_total: Total that arrived in the chain
  difference: 'What does not tie: source less accepted, superseded and quarantined, plus accepted less excluded and chain; 0 when all ties'
*/
-- Control totals of the inputs against the chain: rows of each table, and each amount by currency as counted on arrival. Source =
-- accepted + superseded + quarantined and accepted = chain + excluded, or the difference is not 0. Excluded rows are current but
-- do not count, or happened after the run's as-of time.
with arrived as (
  select
    source_table,
    'rows' as measure,
    sum(rows) as source_total,
    sum(case when set_aside_reason is null then quarantined else rows end) as quarantined,
    sum(case when set_aside_reason is null then 0 else rows end) as set_aside
  from raw.landings
  where present
  group by source_table
  union all
  select l.source_table, t.measure || ' ' || t.currency, sum(t.total), sum(t.quarantined), 0
  from raw.landing_totals t
  join raw.landings l on l.landing_id = t.landing_id and l.present
  group by l.source_table, t.measure || ' ' || t.currency
),
accepted as (
  select 'meta_insights' as source_table, 'rows' as measure, cast(count(*) as decimal(38, 6)) as total
  from current.meta_insights
  union all select 'leads', 'rows', count(*) from current.leads
  union all select 'crm_records', 'rows', count(*) from current.crm_records
  union all select 'crm_stage_changes', 'rows', count(*) from current.crm_stage_changes
  union all select 'orders', 'rows', count(*) from current.orders
  union all select 'invoices', 'rows', count(*) from current.invoices
  union all select 'payments', 'rows', count(*) from current.payments
  union all select 'transfers', 'rows', count(*) from current.transfers
  union all select 'fx_rates', 'rows', count(*) from current.fx_rates
  union all select 'manual_matches', 'rows', count(*) from current.manual_matches
  union all select 'manual_adjustments', 'rows', count(*) from current.manual_adjustments
  union all select 'validation_verdicts', 'rows', count(*) from current.validation_verdicts
  union all select 'method_sign_offs', 'rows', count(*) from current.method_sign_offs
  union all select 'period_locks', 'rows', count(*) from current.period_locks
  union all
  select 'meta_insights', 'spend ' || account_currency, sum(spend) from current.meta_insights group by account_currency
  union all
  select 'meta_insights', 'results ' || account_currency, sum(results) from current.meta_insights group by account_currency
  union all
  select 'meta_insights', 'attributed_value ' || account_currency, sum(attributed_value)
  from current.meta_insights group by account_currency
  union all
  select 'orders', 'gross_value ' || currency, sum(gross_value) from current.orders group by currency
  union all
  select 'payments', 'amount ' || currency, sum(amount) from current.payments group by currency
  union all
  select 'transfers', 'amount ' || currency, sum(amount) from current.transfers group by currency
),
stored as (
  select 'meta_insights' as source_table, landing_id, row_number, account_currency as currency, spend, results, attributed_value,
    cast(null as decimal(18, 6)) as amount
  from raw.raw_meta_insights
  union all select 'leads', landing_id, row_number, null, null, null, null, null from raw.raw_crm_leads
  union all select 'crm_records', landing_id, row_number, null, null, null, null, null from raw.raw_crm_records
  union all select 'crm_stage_changes', landing_id, row_number, null, null, null, null, null from raw.raw_crm_stage_changes
  union all select 'orders', landing_id, row_number, currency, null, null, null, gross_value from raw.raw_orders
  union all select 'invoices', landing_id, row_number, null, null, null, null, null from raw.raw_invoices
  union all select 'payments', landing_id, row_number, currency, null, null, null, amount from raw.raw_payments
  union all select 'transfers', landing_id, row_number, currency, null, null, null, amount from raw.raw_transfers
  union all select 'fx_rates', landing_id, row_number, null, null, null, null, null from raw.raw_fx_rates
  union all select 'manual_matches', landing_id, row_number, null, null, null, null, null from raw.raw_manual_matches
  union all select 'manual_adjustments', landing_id, row_number, null, null, null, null, null from raw.raw_manual_adjustments
  union all select 'validation_verdicts', landing_id, row_number, null, null, null, null, null from raw.raw_validation_verdicts
  union all select 'method_sign_offs', landing_id, row_number, null, null, null, null, null from raw.raw_method_sign_offs
  union all select 'period_locks', landing_id, row_number, null, null, null, null, null from raw.raw_period_locks
),
stored_by_currency as (
  select s.source_table, s.currency, a.landing_id is not null as is_after, count(*) as rows, sum(s.spend) as spend,
    sum(s.results) as results, sum(s.attributed_value) as attributed_value, sum(s.amount) as amount
  from stored s
  join raw.landings l on l.landing_id = s.landing_id and l.present
  left join raw.after_as_of a on a.landing_id = s.landing_id and a.row_number = s.row_number
  group by s.source_table, s.currency, a.landing_id is not null
),
measured as (
  select source_table, 'rows' as measure, is_after, cast(sum(rows) as decimal(38, 6)) as total
  from stored_by_currency group by source_table, is_after
  union all
  select source_table, 'spend ' || currency, is_after, spend from stored_by_currency where source_table = 'meta_insights'
  union all
  select source_table, 'results ' || currency, is_after, results from stored_by_currency where source_table = 'meta_insights'
  union all
  select source_table, 'attributed_value ' || currency, is_after, attributed_value
  from stored_by_currency where source_table = 'meta_insights'
  union all
  select source_table, 'gross_value ' || currency, is_after, amount from stored_by_currency where source_table = 'orders'
  union all
  select source_table, 'amount ' || currency, is_after, amount
  from stored_by_currency where source_table in ('payments', 'transfers')
),
versions as (
  select source_table, measure, sum(total) as total, sum(case when is_after then total else 0 end) as after_as_of
  from measured
  group by source_table, measure
),
chained as (
  select 'meta_insights' as source_table, 'rows' as measure, cast(sum(source_rows) as decimal(38, 6)) as total
  from views.platform_performance
  union all
  select 'leads', 'rows', count(*) from outcomes.matched_chain where record_type = 'lead'
  union all
  select 'orders', 'rows', count(*) from outcomes.order_outcomes
  union all
  select 'payments', 'rows', count(*) from outcomes.payment_money
  union all
  select 'meta_insights', 'spend ' || account_currency, sum(spend) from views.platform_performance group by account_currency
  union all
  select 'meta_insights', 'results ' || account_currency, sum(results)
  from views.platform_performance group by account_currency
  union all
  select 'meta_insights', 'attributed_value ' || account_currency, sum(attributed_value)
  from views.platform_performance group by account_currency
  union all
  select 'orders', 'gross_value ' || o.currency, sum(o.gross_amount)
  from canonical.orders o
  join outcomes.order_outcomes e on e.order_id = o.order_id
  join outcomes.matched_chain m on m.record_id = e.record_id
  group by o.currency
  union all
  select 'payments', 'amount ' || currency, sum(amount) from outcomes.payment_money group by currency
),
excluded as (
  select 'payments' as source_table, 'rows' as measure, cast(count(*) as decimal(38, 6)) as total
  from canonical.payments where not is_money
  union all
  select 'payments', 'amount ' || currency, sum(amount) from canonical.payments where not is_money group by currency
  union all
  select source_table, 'rows', count(*) from governance.excluded_records group by source_table
  union all
  select source_table, 'gross_value ' || currency, sum(amount)
  from governance.excluded_records where source_table = 'orders' group by source_table, currency
),
counted as (
  select
    a.source_table,
    a.measure,
    cast(a.source_total as decimal(38, 6)) as source_total,
    coalesce(c.total, 0) + coalesce(v.after_as_of, 0) as accepted,
    coalesce(v.total, 0) - coalesce(c.total, 0) - coalesce(v.after_as_of, 0) as superseded,
    cast(a.quarantined as decimal(38, 6)) as quarantined,
    cast(a.set_aside as decimal(38, 6)) as set_aside,
    coalesce(x.total, 0) + coalesce(v.after_as_of, 0) as excluded,
    coalesce(v.after_as_of, 0) as after_as_of,
    coalesce(h.total, coalesce(c.total, 0) - coalesce(x.total, 0)) as chain_total
  from arrived a
  left join accepted c on c.source_table = a.source_table and c.measure = a.measure
  left join versions v on v.source_table = a.source_table and v.measure = a.measure
  left join chained h on h.source_table = a.source_table and h.measure = a.measure
  left join (
    select source_table, measure, sum(total) as total from excluded group by source_table, measure
  ) x on x.source_table = a.source_table and x.measure = a.measure
)
select
  source_table,
  measure,
  source_total,
  accepted,
  superseded,
  quarantined,
  set_aside,
  excluded,
  after_as_of,
  case
    when after_as_of = 0 then null
    when after_as_of = excluded then 'after as_of'
    else 'after as_of, and other reasons'
  end as excluded_because,
  chain_total,
  (source_total - accepted - superseded - quarantined) + (accepted - excluded - chain_total) as difference
from counted
