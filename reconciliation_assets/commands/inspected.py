"""What a file would be taken for, printed."""

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
    """Print one file's inspection; never a value out of it."""
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
        for note in inspection.parts[0].landed.notes:
            out.print(f"Mind: {escape(note)}.", highlight=False, soft_wrap=True)
        for reason, rows in inspection.parts[0].landed.passed_over.items():
            out.print(f"Passed over: {escape(reason)} ({rows:,}).", highlight=False, soft_wrap=True)
    set_aside = {part.landed.set_aside_reason for part in inspection.parts}
    for part in inspection.parts[:1] if len(set_aside) == 1 and None not in set_aside else inspection.parts:
        _show_part(out, part)


def show_draft(out: Console, draft: Draft, saved: Path | None) -> None:
    """Print the preset that a file needs, to paste, or where it was written."""
    if saved:
        out.print(f"Written to {escape(str(saved))}:", highlight=False, soft_wrap=True)
    else:
        out.print(
            f"To have it read, put this into presets/{draft.name}.yaml of the data directory, or say --save:",
            highlight=False,
            soft_wrap=True,
        )
    out.print(Text(indent(draft.text, "  ")), soft_wrap=True)


def _show_part(out: Console, part: InspectedPart) -> None:
    landed = part.landed
    if landed.set_aside_reason is not None:
        out.print(f"{part.table}: set aside whole: {escape(landed.set_aside_reason)}.", highlight=False, soft_wrap=True)
        return
    out.print(f"{part.table}: {landed.rows:,} rows, {landed.quarantined:,} of them to quarantine.", highlight=False)
    for note in landed.notes:
        out.print(f"  {escape(note)}", highlight=False, soft_wrap=True)
    for row, column, reason in part.problems:
        where = ", ".join(
            [*([f"row {row}"] if row is not None else []), *([f"column {escape(column)}"] if column else [])]
        )
        out.print(f"  {where}: {escape(reason)}", highlight=False, soft_wrap=True)
