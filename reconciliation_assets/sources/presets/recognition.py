"""Which kind of file a file is, told by its headings, wherever in its first rows they stand."""

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

# Fewer known headings than these are a chance, not a resemblance.
_RESEMBLANCE = 2


@dataclass(frozen=True)
class Recognised:
    """A file of a known kind.

    Attributes:
        preset: its kind.
        sheet: which of a workbook's sheets, from 0.
        header_row: the row of the headings, as a spreadsheet numbers it; 0 for names that stand above the rows.
        positions: by the preset's column, where it stands, from 0.
        headings: by the preset's column, what the file calls it.
        currencies: by the preset's column, the currency code that stands in its heading.
        unmapped: headings that the preset does not know, as they are told.
        width: up to where the header reaches.
        written: encoding and separator.
        is_text: whether numbers are text that somebody wrote, and not numbers of a program.
        repeated: headings of the preset that stand in the file more than once.
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
    """A file that is not taken in, and why, in words for people; never anything out of the file."""

    path: Path
    reason: str

    @property
    def name(self) -> str:
        """The file's name, as it is kept and told."""
        return shown_name(self.path)


def recognise(path: Path, presets: Sequence[Preset]) -> Recognised | Unrecognised:
    """Tell which preset a file is for."""
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
        # Whatever an engine or a library calls it; what they say of a file may quote it.
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
    """The candidate with the most known headings, the first of them."""
    most = max(len(each.positions) for each in found)
    return min((each for each in found if len(each.positions) == most), key=lambda each: each.header_row)


def _why_not_one(found: Sequence[Recognised]) -> str | None:
    """What keeps a file from being one thing; None where nothing does."""
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
    """A row as the header of a preset's file; None where a required column is not in it."""
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
    """The preset's columns that stand in a row of headings, each with its place."""
    cells = _folded(tuple(row))
    return {name: found[0] for name, column in preset.columns.items() if (found := _positions(cells, column))}


def lacking_columns(known: Container[str], preset: Preset) -> list[str]:
    """The preset's columns that a row of headings would need to be its header, of which some are known."""
    group = min(([name for name in group if name not in known] for group in preset.needs), key=len, default=[])
    return [*(name for name in preset.required if name not in known), *group]


def _positions(cells: Sequence[str], column: Column) -> list[int]:
    """Where a column stands; of its headings the one named first counts, so that a closer name wins."""
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
    """What the file comes closest to, and what it lacks."""
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
