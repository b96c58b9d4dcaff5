"""Which kind of file a file is, told by its headings, wherever in its first rows they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.sources.presets.headings import currency_in, fits, folded
from reconciliation_assets.sources.presets.model import Column, Preset
from reconciliation_assets.sources.presets.sheet import SHEET_SUFFIXES, Head, read_head
from reconciliation_assets.sources.text_rows import FileSetAsideError

# Fewer known headings than these are a chance, not a resemblance.
_RESEMBLANCE = 2


@dataclass(frozen=True)
class Recognised:
    """A file of a known kind.

    Attributes:
        preset: its kind.
        header_row: the row of the headings, as a spreadsheet numbers it.
        positions: by the preset's column, where it stands, from 0.
        headings: by the preset's column, what the file calls it.
        currencies: by the preset's column, the currency code that stands in its heading.
        unmapped: headings that the preset does not know.
        width: up to where the header reaches.
        written: encoding and separator.
    """

    preset: Preset
    header_row: int
    positions: dict[str, int]
    headings: dict[str, str]
    currencies: dict[str, str]
    unmapped: tuple[str, ...]
    width: int
    written: str


@dataclass(frozen=True)
class Unrecognised:
    """A file that is not taken in, and why, in words for people; never anything out of the file."""

    path: Path
    reason: str


def recognise(path: Path, presets: Sequence[Preset]) -> Recognised | Unrecognised:
    """Tell which preset a file is for."""
    if path.suffix.lower() not in SHEET_SUFFIXES:
        return Unrecognised(
            path,
            f"a file is known by its headings only as {', '.join(SHEET_SUFFIXES)}; other kinds need the name of "
            "their table, as in orders-2026.parquet",
        )
    try:
        head = read_head(path)
    except (FileSetAsideError, OSError) as problem:
        return Unrecognised(
            path, str(problem) if isinstance(problem, FileSetAsideError) else "it cannot be opened; drop it again"
        )
    found = [
        candidate
        for number, row in enumerate(head.rows, start=1)
        for preset in presets
        if (candidate := _as_header(row, number, preset, head)) is not None
    ]
    if not found:
        return Unrecognised(path, _nearest(head, presets))
    best = max(len(candidate.positions) for candidate in found)
    first = min((each for each in found if len(each.positions) == best), key=lambda each: each.header_row)
    rivals = sorted({each.preset.name for each in found if len(each.positions) == best})
    if len(rivals) > 1:
        return Unrecognised(
            path,
            f"it fits the presets {' and '.join(rivals)} alike; make one of them require a column that only its files have",
        )
    twice = sorted(
        first.headings[name]
        for name in first.positions
        if len(_positions(head.rows[first.header_row - 1], first.preset.columns[name])) > 1
    )
    if twice:
        return Unrecognised(
            path,
            f"it is a {first.preset.title}, but the column {', '.join(twice)} stands in it more than once; keep one",
        )
    return first


def _as_header(row: Sequence[str], number: int, preset: Preset, head: Head) -> Recognised | None:
    """The row as the header of a preset's file; None where a required column is not in it."""
    where = {name: _positions(row, column) for name, column in preset.columns.items()}
    positions = {name: found[0] for name, found in where.items() if found}
    if any(name not in positions for name in preset.required):
        return None
    mapped = {position for found in where.values() for position in found}
    return Recognised(
        preset=preset,
        header_row=number,
        positions=positions,
        headings={name: " ".join(row[position].split()) for name, position in positions.items()},
        currencies={
            name: code
            for name, position in positions.items()
            if (code := _currency(folded(row[position]), preset.columns[name])) is not None
        },
        unmapped=tuple(cell.strip() for position, cell in enumerate(row) if position not in mapped and cell.strip()),
        width=max(position for position, cell in enumerate(row) if cell.strip()) + 1,
        written=head.written,
    )


def _positions(row: Sequence[str], column: Column) -> list[int]:
    """Where a column stands; of its headings the one named first counts, so that a closer name wins."""
    cells = [folded(cell) for cell in row]
    for heading in column.headings:
        found = [position for position, cell in enumerate(cells) if fits(cell, folded(heading))]
        if found:
            return found
    return []


def _currency(cell: str, column: Column) -> str | None:
    return next((code for heading in column.headings if (code := currency_in(cell, folded(heading)))), None)


def _nearest(head: Head, presets: Sequence[Preset]) -> str:
    """What the file comes closest to, and what it lacks."""
    near: list[tuple[float, int, str]] = []
    for row in head.rows:
        for preset in presets:
            known = [name for name, column in preset.columns.items() if _positions(row, column)]
            lacking = [preset.columns[name].headings[0] for name in preset.required if name not in known]
            share = 1 - len(lacking) / max(len(preset.required), 1)
            near.append((share, len(known), f"{preset.title} ({preset.name}); missing: {', '.join(lacking)}"))
        cells = {cell.strip().lower() for cell in row}
        for table in INPUT_TABLES:
            lacking = [name for name in table.required if name not in cells]
            wanting = (
                f"missing: {', '.join(lacking)}" if lacking else f"name it {table.name}-anything.csv to have it read"
            )
            share = 1 - len(lacking) / len(table.required)
            near.append((share, sum(column.name in cells for column in table), f"the table {table.name}; {wanting}"))
    share, known_columns, told = max(near, default=(0.0, 0, ""))
    if known_columns < _RESEMBLANCE or not share:
        return (
            "its headings are not those of any known export; describe them in a preset of your own, or name it after "
            "its table, as in orders-2026.csv"
        )
    return f"nearest is {told}"
