/* table
grain: bad row, or file set aside
owner: data
published: true
required: [source_table, file, reason]
columns:
  file: File the row came in
  column_name: Column at fault
  reason: What is wrong with the row or file
*/
-- Bad rows, and whole files that were rejected, of the deliveries that count: file, row number as in a spreadsheet, column and
-- reason. The value itself is never kept.
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
  'file set aside' || case
    when l.rows = 0 then ''
    when l.rows = 1 then ' with its 1 row'
    else ' with its ' || cast(l.rows as varchar) || ' rows'
  end || ': ' || l.set_aside_reason
from raw.landings l
where l.present and l.set_aside_reason is not null
