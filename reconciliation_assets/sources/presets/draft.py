"""A draft preset for a file that no preset recognises, filled in from its headings and cells, ready to paste.

If a known preset is close, the draft extends it with the file's own headings. Otherwise the file is described from scratch as
payments, orders or leads. Comments in the draft mark what was guessed.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import yaml

from reconciliation_assets.sources.presets.headings import folded
from reconciliation_assets.sources.presets.model import Preset
from reconciliation_assets.sources.presets.recognition import known_columns, lacking_columns
from reconciliation_assets.sources.presets.sheet import Head, read_heads, read_sheet
from reconciliation_assets.sources.presets.writing import teach
from reconciliation_assets.sources.text_rows import FileSetAsideError, private_engine

# Placeholder for what a person has to fill in.
FILL_IN = "FILL IN"
_NEAR = 0.5
_ALIKE = 0.6
_SAMPLE_ROWS = 2000
# Meaning of a heading by the words in it; the first pattern that fits counts.
_ABOUT = (
    ("phone", r"phone|mobile|whatsapp|جوال|هاتف|موبايل"),
    ("email", r"e ?mail|بريد"),
    ("full_name", r"\b(customer|client|full|consignee|payer|student)? ?name\b|الاسم|اسم العميل"),
    ("currency", r"currency|ccy|عمله"),
    ("waybill", r"awb|waybill|tracking|consignment|بوليصه|تتبع|شحنه"),
    ("fee", r"fee|charge|commission|mdr|رسوم|عموله"),
    ("settlement_id", r"settlement|payout|batch|remittance|transfer (id|no|ref)|تسويه"),
    ("status", r"status|state|stage|حاله"),
    ("payment_id", r"(payment|transaction|txn|receipt|charge) ?(id|no|number|ref)|رقم (العمليه|الدفع|الايصال)"),
    ("order_id", r"order|booking|invoice|merchant (ref|id)|طلب|حجز|فاتوره"),
    ("lead_id", r"lead|enquiry|inquiry"),
    ("reference", r"\bref|مرجع"),
    ("offer", r"course|product|item|programme|program|offer|دوره|منتج"),
)
_CONTACTS = ("phone", "email", "full_name", "payer_name")
_TABLES = {
    "payments": {
        "payment_id",
        "paid_at",
        "amount",
        "currency",
        "fee",
        "order_id",
        "waybill",
        "settlement_id",
        "reference",
        "email",
        "phone",
        "payer_name",
    },
    "orders": {
        "order_id",
        "created_at",
        "status",
        "gross_value",
        "currency",
        "email",
        "phone",
        "full_name",
        "waybill",
        "offer",
    },
    "leads": {"lead_id", "created_at", "email", "phone", "full_name", "offer"},
}


@dataclass(frozen=True)
class Draft:
    """A preset to paste.

    Attributes:
        name: its file name without `.yaml`.
        text: its YAML.
        needs_currency: whether it describes money whose currency is not in the file.
    """

    name: str
    text: str
    needs_currency: bool


@dataclass(frozen=True)
class _Seen:
    """A column of the file: its heading and the type of its cells."""

    heading: str
    position: int
    holds: str
    is_distinct: bool

    @property
    def folded(self) -> str:
        return folded(self.heading)


def draft_preset(path: Path, presets: tuple[Preset, ...], currency: str | None) -> Draft | None:
    """A draft preset for a file; None if the file has no table of cells.

    Args:
        path: the file.
        presets: the known presets.
        currency: currency of its amounts, if given.
    """
    try:
        heads = read_heads(path)
    except (FileSetAsideError, OSError):
        return None
    found = [(head, place) for head in heads if (place := _header_of(head)) is not None]
    if not found:
        return None
    head, place = found[0]
    columns = _seen(path, head, place)
    if not columns:
        return None
    name = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_0123456789") or "own_file"
    near = _nearest(head.rows[place], presets)
    extended = _extending(near, columns, currency) if near else None
    return extended or _from_scratch(name, path, columns, currency)


def _header_of(head: Head) -> int | None:
    """Position of the header row: the row with the most cells, all different and none a number, that has a row below it."""
    best: tuple[int, int] | None = None
    for place, row in enumerate(head.rows[:-1]):
        cells = [cell.strip() for cell in row if cell.strip()]
        if (
            len(cells) < 2
            or len(set(map(folded, cells))) < len(cells)
            or any(re.fullmatch(r"[\d.,/: -]+", cell) for cell in cells)
        ):
            continue
        if best is None or len(cells) > best[0]:
            best = (len(cells), place)
    return best[1] if best else None


def _seen(path: Path, head: Head, place: int) -> list[_Seen]:
    """The file's columns, with the type of most of their first cells."""
    sheet = read_sheet(path, head.sheet)
    seen = []
    with private_engine() as connection:
        teach(connection)
        connection.register("sheet", sheet)
        for position, heading in enumerate(head.rows[place]):
            if not heading.strip():
                continue
            filled, amounts, dates, times, codes, distinct = connection.execute(
                f"""
                select count(cell),
                  count(*) filter (amount(cell, '.') is not null or amount(cell, ',') is not null),
                  count(*) filter (day_text(cell, 'day_first') is not null), count(*) filter (regexp_matches(cell, '\\d:\\d\\d')),
                  count(*) filter (regexp_full_match(western(cell), '\\+?[0-9]{{9,}}')), count(distinct cell)
                from (
                  select filled(c{position}) as cell from sheet
                  where row_number > {head.first_row + place} order by row_number limit {_SAMPLE_ROWS}
                )
                """
            ).fetchall()[0]
            most = filled * 0.8
            if not filled:
                holds = "text"
            elif dates >= most:
                holds = "instant" if times >= most else "date"
            elif amounts >= most and codes < most:
                holds = "amount"
            else:
                holds = "text"
            seen.append(_Seen(" ".join(heading.split()), position, holds, distinct == filled and filled > 0))
    return seen


def _nearest(row: tuple[str, ...], presets: tuple[Preset, ...]) -> Preset | None:
    """The preset with the largest share of required columns in the file; None below one half."""
    rated = []
    for preset in presets:
        known = known_columns(row, preset)
        lacking = lacking_columns(known, preset)
        wanted = len(preset.required) + min(map(len, preset.needs), default=0)
        rated.append((1 - len(lacking) / max(wanted, len(lacking), 1), len(known), preset.name, preset))
    share, known_count, _, best = max(rated, key=lambda each: each[:3])
    return best if share >= _NEAR and known_count >= 2 else None


def _extending(preset: Preset, columns: list[_Seen], currency: str | None) -> Draft | None:
    """A draft that adds the file's headings for the preset's missing columns; None if one has no similar heading."""
    row = tuple(column.heading for column in columns)
    known = known_columns(row, preset)
    free = [column for column in columns if column.folded not in {folded(row[place]) for place in known.values()}]
    lines = [f"extends: {preset.name}", "columns:"]
    for lacking in lacking_columns(known, preset):
        fitting = [column for column in free if _may_hold(column, preset.columns[lacking].holds)]
        best = max(fitting, key=lambda column: _likeness(column, preset.columns[lacking].headings), default=None)
        if best is None or _likeness(best, preset.columns[lacking].headings) < _ALIKE:
            return None
        free.remove(best)
        lines.append(f"  {lacking}: {{headings: [{_quoted(best.heading)}]}}")
    if lines[-1] == "columns:":
        lines.pop()
    needs = any("currency" in part.columns for part in preset.tables) and "currency" not in known
    if needs:
        lines.append(f"defaults: {{currency: {currency or FILL_IN}}}")
    # Under the preset's own name: two that fit a file alike would both be refused.
    return Draft(preset.name, "\n".join(lines) + "\n", needs and currency is None)


def _from_scratch(name: str, path: Path, columns: list[_Seen], currency: str | None) -> Draft:
    """A draft from scratch, for the table that most of the file's columns belong to."""
    fields = _fields(columns)
    table = max(_TABLES, key=lambda each: (len(_TABLES[each] & set(fields)), each == "payments"))
    if table == "orders" and "amount" in fields:
        fields["gross_value"] = fields.pop("amount")
    when = {"payments": "paid_at"}.get(table, "created_at")
    if table == "payments" and "full_name" in fields:
        fields["payer_name"] = fields.pop("full_name")
    wanted = _required(table, when)
    taken = _TABLES[table] | set(wanted)
    fields = {(when if field == "when" else field): column for field, column in fields.items()}
    fields = {field: column for field, column in fields.items() if field in taken}
    lines = [f"title: {yaml.safe_dump(path.stem, allow_unicode=True).splitlines()[0]}", "columns:"]
    cells = []
    for field in sorted({*wanted, *(set(fields) & _TABLES[table])}, key=lambda each: (each not in wanted, each)):
        column = fields.get(field)
        if field in ("kind", "status") and column is None:
            cells.append(
                f"      {field}: {{constant: {'payment' if field == 'kind' else 'settled' if table == 'payments' else 'placed'}}}"
            )
        elif field.endswith("_id") and column is None and field in wanted:
            # Never from contact data: the hash of a phone number can be found by trying all numbers.
            named = list(dict.fromkeys(each for about, each in fields.items() if about not in _CONTACTS))
            of = ", ".join(_name(each, columns) for each in named)
            cells.append(
                f'      # The file has no ID of its own: one is made of what the row says.\n      {field}: {{key: {{prefix: "{name}:", of: [{of}], hashed: true, numbered: true}}}}'
            )
        elif field == "currency" and column is None:
            cells.append(f"      currency: {{constant: {currency or FILL_IN}}}")
        elif column is None:
            cells.append(f"      {field}: {FILL_IN}")
        else:
            cells.append(f"      {field}: {_name(column, columns)}")
    for column in dict.fromkeys(fields.values()):
        holds = "phone" if "phone" in _about(column) else column.holds
        required = ", required: true" if any(fields.get(field) is column for field in wanted) else ""
        lines.append(f"  {_name(column, columns)}: {{headings: [{_quoted(column.heading)}], holds: {holds}{required}}}")
    unread = [column.heading for column in columns if column not in fields.values()]
    if unread:
        lines.append(f"  # Not read: {', '.join(unread)}")
    lines += ["tables:", f"  - table: {table}", "    columns:", *cells]
    needs = "currency" in wanted and "currency" not in fields
    return Draft(name[:60], "\n".join(lines) + "\n", needs and currency is None)


def _required(table: str, when: str) -> tuple[str, ...]:
    return {
        "payments": ("payment_id", "kind", "status", when, "amount", "currency"),
        "orders": ("order_id", when, "status", "gross_value", "currency"),
        "leads": ("lead_id", when),
    }[table]


def _fields(columns: list[_Seen]) -> dict[str, _Seen]:
    """Columns by meaning: taken from the heading, and for dates and amounts from the cells too."""
    fields: dict[str, _Seen] = {}
    for column in columns:
        for about in _about(column):
            # A column of numbers may be an ID, phone, waybill, reference or fee, but not one of the other fields.
            may_be_number = about.endswith("_id") or about in ("phone", "waybill", "reference", "fee")
            if (about == "fee" and column.holds != "amount") or (column.holds == "amount" and not may_be_number):
                continue
            if column.holds in ("date", "instant"):
                break
            fields.setdefault(about, column)
            break
    dates = [column for column in columns if column.holds in ("date", "instant")]
    amounts = [column for column in columns if column.holds == "amount" and column not in fields.values()]
    if dates:
        fields["when"] = max(
            dates, key=lambda column: bool(re.search("creat|paid|payment|transaction|order|book|تاريخ", column.folded))
        )
    if amounts:
        fields["amount"] = max(
            amounts, key=lambda column: bool(re.search("amount|total|gross|paid|price|مبلغ|اجمالي", column.folded))
        )
    return fields


def _about(column: _Seen) -> list[str]:
    return [about for about, words in _ABOUT if re.search(words, column.folded)]


def _may_hold(column: _Seen, holds: str) -> bool:
    if holds in ("date", "instant"):
        return column.holds in ("date", "instant")
    return column.holds == "amount" if holds == "amount" else column.holds not in ("date", "instant")


def _likeness(column: _Seen, headings: tuple[str, ...]) -> float:
    return max(SequenceMatcher(None, column.folded, folded(heading)).ratio() for heading in headings)


def _name(column: _Seen, columns: list[_Seen]) -> str:
    """A column name within the preset: from the heading's Latin letters, else from its position."""
    plain = re.sub(r"[^a-z0-9]+", "_", column.folded).strip("_")
    if re.match(r"[a-z]", plain) and plain not in ("row", "kind", "moved", "taken_back"):
        return plain
    return f"column_{column.position + 1}"


def _quoted(heading: str) -> str:
    return yaml.safe_dump([heading], allow_unicode=True, default_flow_style=True, width=1000).strip()[1:-1]
