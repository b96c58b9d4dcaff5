-- How a cell of an export is read: macros over its text. A cell that cannot be read becomes null, never a guess.

-- Without blanks and marks of writing direction around it; only a dash or the like means blank.
create macro trimmed(cell) as
  regexp_replace(
    cell, '^[\s\x{00a0}\x{feff}\x{200e}\x{200f}]+|[\s\x{00a0}\x{feff}\x{200e}\x{200f}]+$', '', 'g'
  );

create macro filled(cell) as
  case
    when regexp_full_match(trimmed(cell), '(?i)[-–—]+|n/?a|null|none|#n/a|لا يوجد') then null
    else nullif(trimmed(cell), '')
  end;

-- Arabic-Indic and Persian digits as 0 to 9, without marks of writing direction. Most cells have no such letter.
create macro western(cell) as
  case when strlen(cell) = length(cell) then cell else
    translate(
      regexp_replace(cell, '[\x{200e}\x{200f}\x{061c}\x{202a}-\x{202e}\x{2066}-\x{2069}]', '', 'g'),
      '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹',
      '01234567890123456789'
    )
  end;

-- A word as it compares: case, blanks and hyphens do not matter.
create macro word(cell) as regexp_replace(lower(trim(western(cell))), '[\s-]+', '_', 'g');

-- An ID where case and blanks do not matter.
create macro code(cell) as upper(regexp_replace(western(cell), '\s+', '', 'g'));

create macro is_rounded(cell) as contains(lower(cell), 'e') and regexp_full_match(western(cell), '[+-]?\d([.,]\d+)?[eE]\+?\d{1,3}');

create macro without_currency(cell) as
  trim(
    regexp_replace(
      regexp_replace(cell, 'د\.إ\.?|ر\.س\.?|ر\.ق\.?|د\.ك\.?|د\.ب\.?|ر\.ع\.?|درهم|ريال|دينار|\p{Sc}', '', 'g'),
      '^([(+−-]*)\s*([A-Z]{3}|Dhs?\.?|SR|QR|KD|BD|RO)\s*|\s*([A-Z]{3}|Dhs?\.?|SR|QR|KD|BD|RO)\s*(\)?)$',
      '\1\4',
      'g'
    )
  );

-- Decimal point and comma groups, whatever the file uses. The Arabic marks are unambiguous.
create macro with_point(cell, decimal_point) as
  translate(case when decimal_point = ',' then translate(cell, '.,', ',.') else cell end, '٫٬', '.,');

-- Brackets, or a minus on either side, mean a negative amount.
create macro amount_of_plain(cell) as
  case
    when regexp_full_match(
      regexp_replace(cell, '^[(−-]\s*|\s*[)−-]$', '', 'g'),
      '\+?(\d+|\d{1,3}([ \x{00a0}]\d{3})+|\d{1,3}(,\d{2,3})*,\d{3})?(\.\d+)?'
    ) and regexp_matches(cell, '\d')
    then
      case when regexp_matches(cell, '^\(.*\)$|^[−-]|[−-]$') then '-' else '' end
      || regexp_replace(cell, '[^0-9.]', '', 'g')
  end;

-- Banks write Cr and Dr after an amount instead of a sign.
create macro signed(cell) as
  case
    when regexp_matches(cell, '(?i)\d\s*cr\.?$') then regexp_replace(cell, '(?i)\s*cr\.?$', '')
    when regexp_matches(cell, '(?i)\d\s*dr\.?$') then '-' || regexp_replace(cell, '(?i)\s*dr\.?$', '')
    else cell
  end;

create macro amount(cell, decimal_point) as
  amount_of_plain(with_point(without_currency(signed(western(cell))), decimal_point));

-- The digits of an amount with their marks, to find how a column is written.
create macro bare_amount(cell) as
  regexp_replace(without_currency(signed(western(cell))), '^[(+−-]+\s*|\s*[)−-]$', '', 'g');

-- A mark is the decimal mark if not exactly three digits follow it, or if it comes after the other mark or after blanks. A mark
-- that comes twice groups thousands.
create macro figures_prove_point(figures) as
  regexp_full_match(
    figures,
    '0?\.\d+|\d+\.(\d{1,2}|\d{4,})|\d{4,}\.\d+|\d{1,3}(,\d{2,3})*,\d{3}\.\d+|\d{1,3}(,\d{2,3})+,\d{3}|\d{1,3}([ \x{00a0}]\d{3})+\.\d+'
  );
create macro proves_point(cell) as figures_prove_point(bare_amount(cell));
create macro proves_comma(cell) as figures_prove_point(translate(bare_amount(cell), '.,', ',.'));
create macro is_thousand_or_thousandth(cell) as regexp_full_match(bare_amount(cell), '[1-9]\d{0,2}\.\d{3}');

create macro currency_beside(cell) as
  case
    when regexp_matches(cell, '[A-Z]{3}') then regexp_extract(cell, '[A-Z]{3}')
    when regexp_matches(cell, 'د\.إ|درهم|Dhs?\b') then 'AED'
    when regexp_matches(cell, 'ر\.س') then 'SAR'
    when regexp_matches(cell, 'ر\.ق') then 'QAR'
    when regexp_matches(cell, 'د\.ك') then 'KWD'
    when regexp_matches(cell, 'د\.ب') then 'BHD'
    when regexp_matches(cell, 'ر\.ع') then 'OMR'
  end;

create macro month_of(name) as
  nullif(
    coalesce(
      list_position(
        ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'], left(lower(name), 3)
      ),
      list_position(
        ['يناير', 'فبراير', 'مارس', 'ابريل', 'مايو', 'يونيو', 'يوليو', 'اغسطس', 'سبتمبر', 'اكتوبر', 'نوفمبر', 'ديسمبر'],
        translate(name, 'أإ', 'اا')
      )
    ),
    0
  );

create macro iso_day(years, months, days) as
  case when length(years) = 2 then '20' else '' end || years
  || '-' || lpad(cast(months as varchar), 2, '0') || '-' || lpad(cast(days as varchar), 2, '0');

-- Which way a date is written: the year first, numbers only, or with the month's name.
create macro year_first() as '^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})';
create macro numbers_only() as '^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})\b';
create macro month_named() as '^(\d{1,2})[-/ ]+(\p{L}+)\.?,?[-/ ]+(\d{4}|\d{2})\b';
create macro month_before_day() as '^(\p{L}+)\.? (\d{1,2}),? (\d{4})\b';
create macro day_part(stamp) as
  regexp_extract(
    stamp,
    '^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})\b|\d{1,2}[-/ ]+\p{L}+\.?,?[-/ ]+(\d{4}|\d{2})\b|\p{L}+\.? \d{1,2},? \d{4}\b)'
  );

-- Numbers only: both may be the month and no setting decides.
create macro can_be_two_days(stamp) as
  regexp_matches(stamp, numbers_only())
  and try_cast(regexp_extract(stamp, numbers_only(), 1) as integer) between 1 and 12
  and try_cast(regexp_extract(stamp, numbers_only(), 2) as integer) between 1 and 12
  and try_cast(regexp_extract(stamp, numbers_only(), 1) as integer) <> try_cast(regexp_extract(stamp, numbers_only(), 2) as integer);

-- What follows the day: nothing, or hours, minutes, perhaps seconds, half of the day and offset.
create macro time_of_plain(rest) as
  regexp_extract(
    rest, '(?i)^[T,\s]*(\d{1,2}):(\d{2})(:\d{2}(?:\.\d+)?)?\s*(am|pm|ص|م)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?$',
    ['hours', 'minutes', 'seconds', 'half', 'shift']
  );

create macro is_stamp(stamp) as
  day_part(stamp) <> ''
  and (
    trim(substr(stamp, length(day_part(stamp)) + 1)) = ''
    or time_of_plain(substr(stamp, length(day_part(stamp)) + 1))['hours'] <> ''
  );

-- Numbers only: one that cannot be a month shows the order of all dates of the column.
create macro proves_day_first(stamp) as
  regexp_matches(stamp, numbers_only()) and is_stamp(stamp)
  and try_cast(regexp_extract(stamp, numbers_only(), 1) as integer) between 13 and 31
  and try_cast(regexp_extract(stamp, numbers_only(), 2) as integer) between 1 and 12;
create macro proves_month_first(stamp) as
  regexp_matches(stamp, numbers_only()) and is_stamp(stamp)
  and try_cast(regexp_extract(stamp, numbers_only(), 1) as integer) between 1 and 12
  and try_cast(regexp_extract(stamp, numbers_only(), 2) as integer) between 13 and 31;

create macro day_comes_first(stamp, day_order) as
  case
    when day_order is not null then day_order = 'day_first'
    when can_be_two_days(stamp) then null
    else try_cast(regexp_extract(stamp, numbers_only(), 2) as integer) <= 12
  end;

create macro day_of_plain(stamp, day_order) as
  case
    when regexp_matches(stamp, year_first()) then iso_day(
      regexp_extract(stamp, year_first(), 1), regexp_extract(stamp, year_first(), 2), regexp_extract(stamp, year_first(), 3)
    )
    when regexp_matches(stamp, numbers_only()) and day_comes_first(stamp, day_order) then iso_day(
      regexp_extract(stamp, numbers_only(), 3), regexp_extract(stamp, numbers_only(), 2), regexp_extract(stamp, numbers_only(), 1)
    )
    when regexp_matches(stamp, numbers_only()) and not day_comes_first(stamp, day_order) then iso_day(
      regexp_extract(stamp, numbers_only(), 3), regexp_extract(stamp, numbers_only(), 1), regexp_extract(stamp, numbers_only(), 2)
    )
    when regexp_matches(stamp, month_named()) then iso_day(
      regexp_extract(stamp, month_named(), 3),
      month_of(regexp_extract(stamp, month_named(), 2)),
      regexp_extract(stamp, month_named(), 1)
    )
    when regexp_matches(stamp, month_before_day()) then iso_day(
      regexp_extract(stamp, month_before_day(), 3),
      month_of(regexp_extract(stamp, month_before_day(), 1)),
      regexp_extract(stamp, month_before_day(), 2)
    )
  end;

create macro clock(parts) as
  case when parts['hours'] <> '' then
    ' ' || lpad(cast(
      case
        when parts['half'] = '' then try_cast(parts['hours'] as integer)
        when lower(parts['half']) in ('pm', 'م') then try_cast(parts['hours'] as integer) % 12 + 12
        else try_cast(parts['hours'] as integer) % 12
      end as varchar), 2, '0')
    || ':' || parts['minutes'] || coalesce(nullif(parts['seconds'], ''), ':00')
    || case
         when lower(parts['shift']) in ('z', 'utc', 'gmt') then '+00:00'
         when regexp_matches(parts['shift'], '^[+-]\d{4}$') then left(parts['shift'], 3) || ':' || right(parts['shift'], 2)
         else parts['shift']
       end
  end;

create macro day_text(cell, day_order) as
  case when is_stamp(western(cell)) then day_of_plain(western(cell), day_order) end;

create macro instant_text(cell, day_order) as
  case when is_stamp(western(cell)) then
    day_of_plain(western(cell), day_order)
    || coalesce(clock(time_of_plain(substr(western(cell), length(day_part(western(cell))) + 1))), '')
  end;

create macro has_offset(stamp) as regexp_matches(stamp, ':\d{2}(\.\d+)?([+-]\d{2}(:\d{2})?)$');

-- A time without an offset, in the zone that the preset gives.
create macro instant_in(cell, zone) as
  case
    when has_offset(cell) then cell
    else cast(timezone(zone, try_cast(cell as timestamp)) as varchar)
  end;

create macro largest_of(cell) as
  cast(
    list_max(list_transform(regexp_split_to_array(western(cell), '\s*[;,]\s*'), lambda part: try_cast(part as hugeint)))
    as varchar
  );
