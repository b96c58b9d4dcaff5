-- Bad rows, and files set aside whole, of the deliveries that count: which file, which row as a spreadsheet numbers it,
-- which column and why. The value itself is never kept.
select
  l.source_table,
  l.file,
  q.row_number,
  q.column_name,
  q.reason
from raw.quarantine q
join raw.landings l on l.landing_id = q.landing_id and l.present
union all
select
  l.source_table,
  l.file,
  cast(null as bigint),
  cast(null as varchar),
  'file set aside with its ' || cast(l.rows as varchar) || ' rows: ' || l.set_aside_reason
from raw.landings l
where l.present and l.set_aside_reason is not null
