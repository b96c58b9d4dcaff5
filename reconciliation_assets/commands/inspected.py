"""Print the inspection of a file: how a run would read it."""

from collections.abc import Iterable
from pathlib import Path
from textwrap import indent

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from reconciliation_assets.chain.raw.inspection import InspectedPart, Inspection
from reconciliation_assets.sources.kept_text import shown_name
from reconciliation_assets.sources.presets.draft import Draft


def show_inspection(out: Console, inspection: Inspection) -> None:
    """Print one file's inspection, without any value of the file."""
    name, kind = escape(shown_name(inspection.path)), inspection.kind
    if inspection.refusal is not None:
        out.print(f"[bold]{name}[/] is not taken in: {escape(inspection.refusal)}.", highlight=False, soft_wrap=True)
        return
    if kind is None:
        out.print(f"[bold]{name}[/] is, by its name, the table {inspection.parts[0].table}.", highlight=False)
    else:
        out.print(
            f"[bold]{name}[/] is, by its headings{f' in row {kind.header_row}' if kind.header_row else ''}, a {escape(kind.preset.title)} "
            f"(preset {kind.preset.name}; {kind.written}).",
            highlight=False,
            soft_wrap=True,
        )
        columns = Table("column of the file", "fills", box=None, padding=(0, 2))
        for heading, fills in inspection.mapped:
            columns.add_row(escape(heading), fills)
        out.print(columns)
        if kind.unmapped:
            out.print(f"Not read: {escape(', '.join(kind.unmapped))}.", highlight=False, soft_wrap=True)
        for reason, rows in inspection.parts[0].landed.passed_over.items():
            out.print(f"Left out: {escape(reason)} ({rows:,}).", highlight=False, soft_wrap=True)
        if kind.preset.also_export:
            out.print(f"Also export {escape(kind.preset.also_export)}.", highlight=False, soft_wrap=True)
    for note in dict.fromkeys(note for part in inspection.parts for note in part.landed.notes):
        out.print(f"Note: {escape(note)}.", highlight=False, soft_wrap=True)
    for refusal in dict.fromkeys(part.landed.set_aside_reason for part in inspection.parts):
        if refusal is not None:
            out.print(f"The whole file is set aside: {escape(refusal)}.", highlight=False, soft_wrap=True)
    for table, parts in _by_table(inspection.parts).items():
        _show_table(out, table, parts)


def show_draft(out: Console, draft: Draft, saved: Path | None) -> None:
    """Print the preset that a file needs, or the path to which it was saved."""
    if saved:
        out.print(f"Written to {escape(str(saved))}:", highlight=False, soft_wrap=True)
    else:
        out.print(
            f"To have it read, put this into presets/{draft.name}.yaml of the data directory, or say --save:",
            highlight=False,
            soft_wrap=True,
        )
    out.print(Text(indent(draft.text, "  ")), soft_wrap=True)


def _by_table(parts: Iterable[InspectedPart]) -> dict[str, list[InspectedPart]]:
    """The parts that were read, by the table they fill: a preset fills one table by several rules."""
    found: dict[str, list[InspectedPart]] = {}
    for part in parts:
        if part.landed.set_aside_reason is None:
            found.setdefault(part.table, []).append(part)
    return found


def _show_table(out: Console, table: str, parts: list[InspectedPart]) -> None:
    rows, quarantined = (sum(getattr(part.landed, name) for part in parts) for name in ("rows", "quarantined"))
    out.print(f"{table}: {rows:,} rows, {quarantined:,} of them to quarantine.", highlight=False)
    for row, column, reason in dict.fromkeys(problem for part in parts for problem in part.problems):
        where = ", ".join(
            [*([f"row {row}"] if row is not None else []), *([f"column {escape(column)}"] if column else [])]
        )
        out.print(f"  {where}: {escape(reason)}", highlight=False, soft_wrap=True)
