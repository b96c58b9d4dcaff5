/* table
grain: input table and file or system that delivered it
owner: data
key: [source_table, origin, origin_name]
published: true
required: [source_table, origin, origin_name, records, bad_rows]
words:
  origin: [file, system]
at_least_zero: [records, bad_rows]
columns:
  origin: Whether a file was dropped or a system pulled
  origin_name: Name of the file, or of the source
  preset: Preset that read the file
  records: Rows delivered, older versions among them [count]
  bad_rows: Rows that could not be used [count]
  set_aside_reason: Why the file was set aside whole
  newest_day: Day of the newest record delivered
*/
-- The sources of the figures: every file and system that delivered rows of an input table, the number of rows, the number that
-- could not be used, and the newest record.
with newest as (
  select 'meta_insights' as source_table, landing_id, max(date) as newest_day from raw.raw_meta_insights group by landing_id
  union all
  select 'leads', landing_id, max(cast(created_at at time zone $zone as date)) from raw.raw_crm_leads group by landing_id
  union all
  select 'crm_records', landing_id, max(cast(updated_at at time zone $zone as date))
  from raw.raw_crm_records group by landing_id
  union all
  select 'crm_stage_changes', landing_id, max(cast(entered_at at time zone $zone as date))
  from raw.raw_crm_stage_changes group by landing_id
  union all
  select 'orders', landing_id, max(cast(created_at at time zone $zone as date)) from raw.raw_orders group by landing_id
  union all
  select 'invoices', landing_id, max(cast(issued_at at time zone $zone as date)) from raw.raw_invoices group by landing_id
  union all
  select 'payments', landing_id, max(cast(paid_at at time zone $zone as date)) from raw.raw_payments group by landing_id
  union all
  select 'transfers', landing_id, max(cast(transferred_at at time zone $zone as date))
  from raw.raw_transfers group by landing_id
  union all
  select 'fx_rates', landing_id, max(date) from raw.raw_fx_rates group by landing_id
  union all
  select 'manual_matches', landing_id, max(cast(verified_at at time zone $zone as date))
  from raw.raw_manual_matches group by landing_id
  union all
  select 'manual_adjustments', landing_id, max(cast(adjusted_at at time zone $zone as date))
  from raw.raw_manual_adjustments group by landing_id
  union all
  select 'validation_verdicts', landing_id, max(cast(verified_at at time zone $zone as date))
  from raw.raw_validation_verdicts group by landing_id
  union all
  select 'method_sign_offs', landing_id, max(cast(signed_at at time zone $zone as date))
  from raw.raw_method_sign_offs group by landing_id
  union all
  select 'period_locks', landing_id, max(cast(locked_at at time zone $zone as date)) from raw.raw_period_locks group by landing_id
)
select
  l.source_table,
  case l.kind when 'pull' then 'system' else 'file' end as origin,
  case l.kind when 'pull' then split_part(l.file, '@', 1) else l.file end as origin_name,
  min(l.preset) as preset,
  cast(sum(l.rows) as bigint) as records,
  cast(sum(l.quarantined) as bigint) as bad_rows,
  min(l.set_aside_reason) as set_aside_reason,
  max(n.newest_day) as newest_day
from raw.landings l
left join newest n on n.source_table = l.source_table and n.landing_id = l.landing_id
where l.present
group by l.source_table, l.kind, case l.kind when 'pull' then split_part(l.file, '@', 1) else l.file end
