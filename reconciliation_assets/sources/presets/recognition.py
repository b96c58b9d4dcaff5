"""Recognition of a file's preset by its headings, in any of its first rows."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.sources.kept_text import shown_heading, shown_name
from reconciliation_assets.sources.presets.headings import currency_in, fits, folded, unit_of
from reconciliation_assets.sources.presets.model import Column, Preset
from reconciliation_assets.sources.presets.sheet import SHEET_SUFFIXES, Head, read_heads
from reconciliation_assets.sources.text_rows import FileSetAsideError

# Fewer known headings than this can be chance.
_RESEMBLANCE = 2


@dataclass(frozen=True)
class Recognised:
    """A file that fits a preset.

    Attributes:
        preset: its preset.
        sheet: index of the workbook's sheet, from 0.
        header_row: row number of the headings, from 1; 0 for field names, as in JSON.
        positions: column index from 0, by the preset's column.
        headings: the file's heading, by the preset's column.
        currencies: the currency code in the heading, by the preset's column.
        unmapped: headings that the preset does not know, in the form shown to people.
        width: number of columns of the header.
        written: encoding and separator.
        is_text: whether numbers are text, and not numbers of a program.
        repeated: headings of the preset that occur in the file more than once.
    """

    preset: Preset
    sheet: int
    header_row: int
    positions: dict[str, int]
    headings: dict[str, str]
    currencies: dict[str, str]
    unmapped: tuple[str, ...]
    width: int
    written: str
    is_text: bool = True
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unrecognised:
    """A file that is not accepted, with the reason in words for people; the reason never quotes the file."""

    path: Path
    reason: str

    @property
    def name(self) -> str:
        """The file's name, in the form that is stored and shown."""
        return shown_name(self.path)


def recognise(path: Path, presets: Sequence[Preset]) -> Recognised | Unrecognised:
    """The preset that fits a file, or the reason why none does."""
    if path.suffix.lower() not in SHEET_SUFFIXES:
        return Unrecognised(
            path,
            f"files can be read as {', '.join(SHEET_SUFFIXES)}; export it as one of these",
        )
    try:
        heads = read_heads(path)
    except FileSetAsideError as problem:
        return Unrecognised(path, str(problem))
    except Exception:
        # Libraries raise many types of error, and their messages may quote the file.
        return Unrecognised(
            path, "it cannot be read; export it again, and see that the user that runs this may read it"
        )
    if not any(cell.strip() for head in heads for row in head.rows for cell in row):
        return Unrecognised(path, "it is empty; export it again")
    found = [
        candidate
        for head in heads
        for place in range(len(head.rows))
        for preset in presets
        if (candidate := _as_header(head, place, preset)) is not None
    ]
    refusal = (_why_not_one(found) or _best(found).preset.instead) if found else _nearest(heads, presets)
    return Unrecognised(path, refusal) if refusal else _best(found)


def _best(found: Sequence[Recognised]) -> Recognised:
    """The candidate with the most known headings; of several, the one with the topmost header."""
    most = max(len(each.positions) for each in found)
    return min((each for each in found if len(each.positions) == most), key=lambda each: each.header_row)


def _why_not_one(found: Sequence[Recognised]) -> str | None:
    """Why the preset of a file is ambiguous; None if it is not."""
    sheets = sorted({each.sheet + 1 for each in found})
    if len(sheets) > 1:
        numbers = " and ".join(map(str, sheets))
        return f"its sheets {numbers} can all be read; save each that counts as a file of its own"
    best = _best(found)
    rivals = sorted({each.preset.name for each in found if len(each.positions) == len(best.positions)})
    if len(rivals) > 1:
        return f"it fits the presets {' and '.join(rivals)} alike; make one of them require a column that only its files have"
    if best.repeated:
        return f"it is a {best.preset.title}, but the column {', '.join(best.repeated)} stands in it more than once; keep one"
    return None


def _as_header(head: Head, place: int, preset: Preset) -> Recognised | None:
    """A row as the header of a preset's file; None if a required column is missing."""
    row = head.rows[place]
    cells = _folded(row)
    where = {name: _positions(cells, column) for name, column in preset.columns.items()}
    positions = {name: found[0] for name, found in where.items() if found}
    if lacking_columns(positions, preset):
        return None
    mapped = {position for found in where.values() for position in found}
    return Recognised(
        preset=preset,
        sheet=head.sheet,
        header_row=head.first_row + place,
        positions=positions,
        headings={name: " ".join(row[position].split()) for name, position in positions.items()},
        currencies={
            name: code
            for name, position in positions.items()
            if (code := _currency(cells[position], preset.columns[name])) is not None
        },
        unmapped=tuple(
            shown_heading(cell, position + 1)
            for position, cell in enumerate(row)
            if position not in mapped and cell.strip()
        ),
        width=max(position for position, cell in enumerate(row) if cell.strip()) + 1,
        written=head.written,
        is_text=head.is_text,
        repeated=tuple(sorted(" ".join(row[found[0]].split()) for found in where.values() if len(found) > 1)),
    )


def known_columns(row: Sequence[str], preset: Preset) -> dict[str, int]:
    """The preset's columns that occur in a row of headings, with their positions from 0."""
    cells = _folded(tuple(row))
    return {name: found[0] for name, column in preset.columns.items() if (found := _positions(cells, column))}


def lacking_columns(known: Container[str], preset: Preset) -> list[str]:
    """The preset's columns that are missing for a row with the known columns to be its header."""
    group = min(([name for name in group if name not in known] for group in preset.needs), key=len, default=[])
    return [*(name for name in preset.required if name not in known), *group]


def _positions(cells: Sequence[str], column: Column) -> list[int]:
    """Positions of a column; its headings are tried in the preset's order, so that a closer name wins."""
    if column.above:
        return []
    for heading in column.folded_headings:
        found = [position for position, cell in enumerate(cells) if fits(cell, heading)]
        if found:
            return found
    return []


def _currency(cell: str, column: Column) -> str | None:
    return next((code for heading in column.folded_headings if (code := currency_in(cell, heading))), unit_of(cell)[1])


@lru_cache(maxsize=256)
def _folded(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(folded, row))


def _nearest(heads: Sequence[Head], presets: Sequence[Preset]) -> str:
    """The preset that the file is closest to, and the columns it lacks, in words."""
    near: list[tuple[float, int, str]] = []
    for row in (row for head in heads for row in head.rows):
        for preset in presets:
            known = known_columns(row, preset)
            lacking = [preset.columns[name].headings[0] for name in lacking_columns(known, preset)]
            share = 1 - len(lacking) / max(
                len(preset.required) + min(map(len, preset.needs), default=0), len(lacking), 1
            )
            near.append((share, len(known), f"{preset.title} ({preset.name}); missing: {', '.join(lacking)}"))
        cells = {cell.strip().lower() for cell in row}
        for table in INPUT_TABLES:
            lacking = [name for name in table.required if name not in cells]
            wanting = (
                f"missing: {', '.join(lacking)}" if lacking else f"name it {table.name}-anything.csv to have it read"
            )
            share = 1 - len(lacking) / len(table.required)
            near.append((share, sum(column.name in cells for column in table), f"the table {table.name}; {wanting}"))
    share, known_count, told = max(near, default=(0.0, 0, ""))
    if known_count < _RESEMBLANCE or not share:
        return (
            "its headings are not those of any known export; describe them in a preset of your own, or name it after "
            "its table, as in orders-2026.csv"
        )
    return f"nearest is {told}"
